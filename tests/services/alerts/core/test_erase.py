"""A forgotten annotator has no alerts, wherever they were remembered."""

import random
from datetime import timedelta
from pathlib import Path

from assay_services.alerts.core.erase import forget
from assay_services.alerts.delivery.outbox import AlertOutbox, Patience
from assay_services.engine.core.erasure_request import Erasure, ErasureRequest
from assay_services.stores.control import alert_actions
from assay_services.stores.control.database import ControlSettings, open_control
from assay_services.stores.control.subscription_store import SubscriptionRequest, list_subscriptions, subscribe
from assay_services.stores.control.tables.alert_delivery import Channel
from assay_services.stores.control.vault import Vault
from tests.services.alerts.delivery.test_messages import NOW, an_alert
from tests.services.alerts.observed_records import Watch, a_signal

CONDUCT = {"id": "conduct", "metric": "signal"}
W1 = ErasureRequest(is_item=False, project=None, name="w1", pseudonym="anonymous-1")


def test_alerts_about_them_and_about_a_pair_with_them_go_from_the_state() -> None:
    watch = Watch(CONDUCT)
    watch.hear("annotators.signals", a_signal(1), a_signal(2, annotator="w2", detector="copying", peer="w1"))
    watch.hear("annotators.signals", a_signal(3, annotator="w3"))

    change = forget(watch.state, {}, W1)

    assert len(change.stored) == 2
    assert set(change.stored.values()) == {None}
    assert forget(watch.state, {}, W1._replace(project="other")) == Erasure()
    assert forget(watch.state, {}, W1._replace(is_item=True)) == Erasure()


def test_what_they_were_to_be_told_of_goes_from_the_control_database(tmp_path: Path) -> None:
    settings = ControlSettings(folder=tmp_path, _env_file=None)
    engine = open_control(settings)
    outbox = AlertOutbox(engine, Patience(5, timedelta(hours=24)), random.Random(1))
    subscribe(engine, Vault(settings), SubscriptionRequest("night", Channel.WEBHOOK, "https://example.com/"), now=NOW)
    other = an_alert(id="f2", transition="f2-1", labels={"annotator": "w2"})
    alone = an_alert(id="f3", transition="f3-1", rule="other")
    outbox.route("k/", [an_alert(), other, alone], position=0, after=3, now=NOW)
    outbox.compose(list_subscriptions(engine)[0], now=NOW, group=timedelta(0))
    alert_actions.give_feedback(engine, "f1", useful=True, by="lea", why="", now=NOW)

    counted = alert_actions.forget_annotator(engine, W1, dry_run=True)
    before = len(alert_actions.list_alerts(engine))
    alert_actions.forget_annotator(engine, W1, dry_run=False)

    assert (counted, before) == (2, 3)
    assert [one.id for one in alert_actions.list_alerts(engine)] == ["f2"]
    assert [[one["id"] for one in row.body["data"]["alerts"]] for row in alert_actions.list_deliveries(engine)] == [
        ["f2"]
    ]
    assert alert_actions.precisions(engine) == []
    engine.dispose()
