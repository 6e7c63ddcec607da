"""The control database between a transition and its delivery: nothing twice, nothing lost, nothing for ever."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assay_schemas.alert import AlertState
from assay_schemas.alert_rule import Severity
from assay_services.alerts.delivery.channels import Delivered, Failed
from assay_services.alerts.delivery.outbox import AlertOutbox, OvertakenError, Patience
from assay_services.stores.control import alert_actions
from assay_services.stores.control.database import ControlSettings, open_control
from assay_services.stores.control.subscription_store import (
    SubscriptionError,
    SubscriptionRequest,
    address_of,
    list_subscriptions,
    send_test,
    subscribe,
    unsubscribe,
)
from assay_services.stores.control.tables.alert_delivery import Channel, Fate
from assay_services.stores.control.vault import Vault
from tests.services.alerts.delivery.test_messages import NOW, an_alert

GROUP = timedelta(0)


@pytest.fixture
def settings_(tmp_path: Path) -> ControlSettings:
    return ControlSettings(folder=tmp_path, _env_file=None)


@pytest.fixture
def engine(settings_: ControlSettings) -> Iterator[Engine]:
    opened = open_control(settings_)
    yield opened
    opened.dispose()


@pytest.fixture
def outbox(engine: Engine) -> AlertOutbox:
    return AlertOutbox(engine, Patience(5, timedelta(hours=24)), random.Random(1))


def tell(engine: Engine, settings: ControlSettings, name: str = "night") -> None:
    wish = SubscriptionRequest(name, Channel.WEBHOOK, "https://example.com/hook?token=hidden")
    subscribe(engine, Vault(settings), wish, now=NOW)


def compose(outbox: AlertOutbox, engine: Engine, *, at: datetime = NOW) -> None:
    for one in list_subscriptions(engine):
        outbox.compose(one, now=at, group=GROUP)


def test_a_transition_that_is_read_again_is_noted_once(
    engine: Engine, outbox: AlertOutbox, settings_: ControlSettings
) -> None:
    tell(engine, settings_)

    outbox.route("k/", [an_alert()], position=0, after=3, now=NOW)
    with pytest.raises(OvertakenError):
        outbox.route("k/", [an_alert()], position=0, after=3, now=NOW)
    compose(outbox, engine)

    assert outbox.place("k/") == 3
    assert [one.alerts for one in alert_actions.list_deliveries(engine)] == [1]


def test_what_begins_and_ends_in_one_batch_is_told_twice_and_stands_as_it_ended(
    engine: Engine, outbox: AlertOutbox, settings_: ControlSettings
) -> None:
    tell(engine, settings_)
    life = [an_alert(), *(an_alert(state="resolved", transition=f"f1-{number}") for number in (2, 3))]

    outbox.route("k/", life, position=0, after=3, now=NOW)
    compose(outbox, engine)

    assert [one.alerts for one in alert_actions.list_deliveries(engine)] == [1, 1]
    assert [one.transition for one in alert_actions.list_alerts(engine, resolved=True)] == ["f1-3"]


def test_a_message_that_fails_is_tried_for_a_day_and_is_then_a_dead_letter_that_can_be_revived(
    engine: Engine, outbox: AlertOutbox, settings_: ControlSettings
) -> None:
    tell(engine, settings_)
    outbox.route("k/", [an_alert()], position=0, after=1, now=NOW)
    compose(outbox, engine)
    now, pauses, ids = NOW, list[float](), set[str]()

    while (due := outbox.due("night", now=now)) is not None:
        ids.add(due.id)
        pause = outbox.settle(due.id, Failed("answered 500"), now=now)
        pauses.append(pause)
        now += timedelta(seconds=pause)

    assert len(ids) == 1
    assert 20 < len(pauses) < 60
    assert pauses[0] <= 5
    assert 1_800 <= pauses[-2] <= 3_600
    assert timedelta(hours=22) < now - NOW <= timedelta(hours=24)
    dead = alert_actions.list_deliveries(engine, fate=Fate.DEAD)
    assert [(one.id, one.problem) for one in dead] == [(ids.pop(), "answered 500")]
    alert_actions.revive(engine, dead[0].id, now=now)
    assert outbox.due("night", now=now) is not None
    with pytest.raises(alert_actions.NoSuchAlertError):
        alert_actions.revive(engine, dead[0].id, now=now)


def test_they_say_when_to_come_again(engine: Engine, outbox: AlertOutbox, settings_: ControlSettings) -> None:
    tell(engine, settings_)
    outbox.route("k/", [an_alert()], position=0, after=1, now=NOW)
    compose(outbox, engine)
    due = outbox.due("night", now=NOW)
    assert due is not None

    pause = outbox.settle(due.id, Failed("answered 429", retry_after=900), now=NOW)

    assert pause == 900
    assert outbox.due("night", now=NOW + timedelta(seconds=899)) is None
    assert outbox.settle(due.id, Delivered(), now=NOW) == 0
    assert outbox.settle("gone meanwhile", Delivered(), now=NOW) == 0


def test_nobody_there_any_more_means_dead_letters_and_no_more_notices(
    engine: Engine, outbox: AlertOutbox, settings_: ControlSettings
) -> None:
    tell(engine, settings_)
    outbox.route("k/", [an_alert()], position=0, after=1, now=NOW)
    compose(outbox, engine)

    outbox.abandon("night", "answered 410", now=NOW)
    outbox.route("k/", [an_alert(id="f2", transition="f2-1")], position=1, after=2, now=NOW)

    assert outbox.subscriptions() == []
    assert [one.fate for one in alert_actions.list_deliveries(engine)] == ["dead"]
    with pytest.raises(SubscriptionError, match="disabled"):
        send_test(engine, "night", now=NOW)


def test_secrets_are_encrypted_and_addresses_are_not_shown(engine: Engine, settings_: ControlSettings) -> None:
    tell(engine, settings_)

    row = list_subscriptions(engine)[0]

    assert row.target == "https://example.com/…"
    assert "hidden" not in row.secrets
    assert address_of(Vault(settings_), row).url.endswith("token=hidden")
    assert "hidden" not in repr(address_of(Vault(settings_), row))


@pytest.mark.parametrize(
    "wish",
    [
        SubscriptionRequest("", Channel.WEBHOOK, "https://example.com/"),
        SubscriptionRequest("n", Channel.WEBHOOK, "ftp://example.com/"),
        SubscriptionRequest("n", Channel.SLACK, "https://user:password@example.com/"),
        SubscriptionRequest("n", Channel.WEBHOOK, "https://example.com:port/"),
        SubscriptionRequest("n", Channel.KAFKA, "t", states=()),
        SubscriptionRequest("n", Channel.KAFKA, "t", per_hour=0),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(
    engine: Engine, settings_: ControlSettings, wish: SubscriptionRequest
) -> None:
    with pytest.raises(SubscriptionError):
        subscribe(engine, Vault(settings_), wish, now=NOW)


def test_a_name_is_taken_once_and_free_again(engine: Engine, settings_: ControlSettings) -> None:
    tell(engine, settings_)
    with pytest.raises(SubscriptionError, match="already"):
        tell(engine, settings_)

    unsubscribe(engine, "night")

    assert list_subscriptions(engine) == []
    with pytest.raises(SubscriptionError, match="there is no subscription"):
        unsubscribe(engine, "night")


def test_people_ask_for_things_and_the_alerts_take_them_once(engine: Engine, outbox: AlertOutbox) -> None:
    outbox.route("k/", [an_alert(id="abc1"), an_alert(id="abd1", state="resolved")], position=0, after=2, now=NOW)

    alert_actions.acknowledge(engine, "abc", by="lea", why="known", now=NOW)
    row = alert_actions.silence(engine, {"annotator": "w1"}, until=NOW + timedelta(hours=1), by="lea", why="w", now=NOW)
    alert_actions.unsilence(engine, row.id, by="lea", now=NOW)

    orders = outbox.orders()
    assert [(content["kind"], project) for _, project, content in orders] == [
        ("acknowledge", "ads"), ("silence", ""), ("unsilence", ""),
    ]  # fmt: skip
    for number, _, _ in orders:
        outbox.ordered(number, now=NOW)
    assert outbox.orders() == []
    assert alert_actions.list_silences(engine, now=NOW) == []
    with pytest.raises(alert_actions.NoSuchAlertError, match="only one that fires"):
        alert_actions.acknowledge(engine, "abd1", by="lea", why="", now=NOW)
    for wrong in ("ab", "x", ""):
        with pytest.raises(alert_actions.NoSuchAlertError):
            alert_actions.get_alert(engine, wrong)
    with pytest.raises(alert_actions.NoSuchAlertError):
        alert_actions.unsilence(engine, row.id, by="lea", now=NOW)
    with pytest.raises(alert_actions.NoSuchAlertError, match="everything"):
        alert_actions.silence(engine, {}, until=NOW + timedelta(hours=1), by="lea", why="w", now=NOW)
    with pytest.raises(alert_actions.NoSuchAlertError, match="future"):
        alert_actions.silence(engine, {"a": "b"}, until=NOW, by="lea", why="w", now=NOW)


def test_the_precision_of_a_rule_is_what_people_said_with_its_interval(engine: Engine, outbox: AlertOutbox) -> None:
    some = [an_alert(id=f"a{number}", transition=f"t{number}") for number in range(4)]
    outbox.route("k/", some, position=0, after=4, now=NOW)

    for number in range(4):
        alert_actions.give_feedback(engine, f"a{number}", useful=number > 0, by="lea", why="", now=NOW)
    alert_actions.give_feedback(engine, "a0", useful=False, by="lea", why="again", now=NOW)

    found = alert_actions.precisions(engine)
    # Jeffreys with 3 of 4: the quantiles of Beta(3.5, 1.5) at 2.5 % and 97.5 %.
    assert [(one.rule, one.judged, one.useful, one.share) for one in found] == [("low", 4, 3, 0.75)]
    assert (round(found[0].low, 3), round(found[0].high, 3)) == (0.284, 0.972)


def test_alerts_are_listed_by_what_is_asked(engine: Engine, outbox: AlertOutbox) -> None:
    some = [
        an_alert(id="a1", severity=Severity.CRITICAL),
        an_alert(id="a2", rule="other"),
        an_alert(id="a3", project="else"),
        an_alert(id="a4", state=AlertState.RESOLVED),
    ]
    outbox.route("k/", some, position=0, after=4, now=NOW)

    assert {one.id for one in alert_actions.list_alerts(engine)} == {"a1", "a2", "a3"}
    assert {one.id for one in alert_actions.list_alerts(engine, resolved=True)} == {"a1", "a2", "a3", "a4"}
    assert [one.id for one in alert_actions.list_alerts(engine, rule="other")] == ["a2"]
    assert [one.id for one in alert_actions.list_alerts(engine, project="else")] == ["a3"]


def test_what_ended_long_ago_is_dropped_and_what_is_due_stays(
    engine: Engine, outbox: AlertOutbox, settings_: ControlSettings
) -> None:
    tell(engine, settings_)
    outbox.route("k/", [an_alert(state="firing")], position=0, after=1, now=NOW)
    compose(outbox, engine)
    done = outbox.due("night", now=NOW)
    assert done is not None
    outbox.settle(done.id, Delivered(), now=NOW)
    outbox.route("k/", [an_alert(state="resolved", transition="f1-2")], position=1, after=2, now=NOW)

    outbox.purge(now=datetime(2027, 3, 1, tzinfo=UTC))

    assert alert_actions.list_deliveries(engine) == []
    assert alert_actions.list_alerts(engine, resolved=True) == []
    compose(outbox, engine, at=datetime(2027, 3, 1, tzinfo=UTC))
    assert outbox.waiting() == {"due": 1}


def test_who_heard_that_an_alert_began_hears_of_its_end_after_a_year(
    engine: Engine, outbox: AlertOutbox, settings_: ControlSettings
) -> None:
    tell(engine, settings_)
    outbox.route("k/", [an_alert(state="firing")], position=0, after=1, now=NOW)
    compose(outbox, engine)
    first = outbox.due("night", now=NOW)
    assert first is not None
    outbox.settle(first.id, Delivered(), now=NOW)
    later = NOW + timedelta(days=365)

    outbox.purge(now=later)
    outbox.route("k/", [an_alert(state="resolved", was="firing", transition="f1-2")], position=1, after=2, now=later)
    compose(outbox, engine, at=later)

    assert outbox.due("night", now=later) is not None
