"""The alerts as a real process on a real Kafka: killed while alerts are due, with subscribers of every temper."""

import asyncio
import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assay_schemas.alert import Alert
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import ALERTS, SIGNALS
from assay_services.alerts.settings import AlertsSettings
from assay_services.devtools.ports import free_port
from assay_services.engine.contract_table import publish_contract
from assay_services.engine.kafka import make_producer, send_all
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.replay.backtest import backtest
from assay_services.stores.control import alert_actions
from assay_services.stores.control.api_keys import ApiKeyStore
from assay_services.stores.control.database import open_control
from assay_services.stores.control.subscription_store import SubscriptionRequest, list_subscriptions, subscribe
from assay_services.stores.control.tables.alert_delivery import Channel, Fate
from assay_services.stores.control.tables.connections_and_keys import Scope
from assay_services.stores.control.vault import Vault
from tests.services.alerts.observed_records import a_signal
from tests.services.alerts.receivers import CUT, FINE, Answer, Receiver, receiving
from tests.support.builders import a_contract
from tests.support.kafka_io import take
from tests.support.processes import Service, wait_for

PATIENCE_SECONDS = 180
RULES = [{"id": "conduct", "metric": "signal", "severity": "critical"}]


@pytest.fixture
def chosen(settings: RuntimeSettings) -> AlertsSettings:
    own: dict[str, Any] = {
        "alerts_port": free_port(), "alerts_allow": "127.0.0.0/8", "alerts_group_seconds": 0.2,
        "alerts_retry_seconds": 0.2, "alerts_send_seconds": 2,
    }  # fmt: skip
    return AlertsSettings(**settings.model_dump() | own, _env_file=None)


@pytest.fixture
def service(chosen: AlertsSettings) -> Iterator[Service]:
    made = Service("alerts", chosen, free_port())
    yield made
    made.stop()


def prepare(settings: AlertsSettings) -> None:
    async def work() -> None:
        await ensure_topics(settings)
        await publish_contract(settings, a_contract(alerts=RULES))

    asyncio.run(work())


def raise_signals(settings: AlertsSettings, numbers: range) -> None:
    """Put one signal for each number on the topic."""

    async def work() -> None:
        producer = make_producer(settings)
        await producer.start()
        rows: list[Any] = [
            (settings.prefix + SIGNALS.name, b"k", a_signal(5, annotator=f"w{number}", id=f"s{number}").value, [])
            for number in numbers
        ]
        await asyncio.gather(*await send_all(producer, 0, rows))
        await producer.stop()

    asyncio.run(work())


def transitions(settings: AlertsSettings) -> list[Alert]:
    single = settings.model_copy(update={"partitions": 1})
    return [Alert.model_validate_json(one.value) for one in asyncio.run(take(single, ALERTS.name))]


def tell(settings: AlertsSettings, name: str, address: str, **wish: Any) -> str:  # noqa: ANN401  # of a wish
    made = SubscriptionRequest(name, Channel.WEBHOOK, address, per_hour=10_000, **wish)
    _, secret = subscribe(open_control(settings), Vault(settings), made, now=datetime.now(UTC))
    return secret


def unsteady(number: int) -> Answer:
    """Fail in every way before taking anything, and every third time after that."""
    ways = [(500, {}), CUT, (429, {"Retry-After": "1"}), (301, {"Location": "http://127.0.0.1:1/"})]
    return ways[number % 4] if number < 8 or number % 3 == 0 else FINE


def has_taken(receiver: Receiver, least: int) -> bool:
    return len({transition for _, transition in receiver.transitions}) >= least


def test_nothing_is_lost_by_five_kills_and_what_comes_twice_has_the_same_id(
    chosen: AlertsSettings, service: Service
) -> None:
    prepare(chosen)
    with ExitStack() as stack:
        fine = stack.enter_context(receiving())
        slow = stack.enter_context(receiving(pause_seconds=0.3))
        unwell = stack.enter_context(receiving(unsteady))
        for name, one in {"fine": fine, "slow": slow, "unwell": unwell}.items():
            tell(chosen, name, one.url)

        for round_number in range(5):
            service.start()
            raise_signals(chosen, range(round_number * 200, round_number * 200 + 200))
            least = round_number * 180 + 1
            wait_for(partial(has_taken, fine, least), seconds=PATIENCE_SECONDS, what="some alerts")
            service.kill()
        service.start()
        for one in (fine, slow, unwell):
            wait_for(partial(has_taken, one, 1_000), seconds=PATIENCE_SECONDS, what="all thousand alerts")
        told = transitions(chosen)

        assert Counter(one.transition for one in told).most_common(1)[0][1] == 1
        assert {one.labels["annotator"] for one in told} == {f"w{number}" for number in range(1_000)}
        for one in (fine, slow, unwell):
            messages: dict[str, set[str]] = {}
            for message, transition in one.transitions:
                messages.setdefault(transition, set()).add(message)
            assert {len(ids) for ids in messages.values()} == {1}


def test_a_slow_subscriber_and_a_dead_one_delay_nobody_and_gone_is_gone(
    chosen: AlertsSettings, service: Service
) -> None:
    prepare(chosen)
    with ExitStack() as stack:
        fine = stack.enter_context(receiving())
        endless = stack.enter_context(receiving(pause_seconds=20))
        gone = stack.enter_context(receiving(lambda _: (410, {})))
        tell(chosen, "endless", endless.url)
        tell(chosen, "gone", gone.url)
        tell(chosen, "nobody", f"http://127.0.0.1:{free_port()}/")
        secret = tell(chosen, "fine", fine.url, annotator="w1")
        service.start()

        raise_signals(chosen, range(5))

        wait_for(lambda: bool(fine.bodies), seconds=PATIENCE_SECONDS, what="the alert")
        engine = open_control(chosen)
        wait_for(
            lambda: len([one for one in list_subscriptions(engine) if one.problem]) == 3,
            seconds=PATIENCE_SECONDS,
            what="three problems",
        )
        by_name = {one.name: one for one in list_subscriptions(engine)}
        assert fine.bodies[0]["data"]["count"] == 1
        assert fine.bodies[0]["data"]["alerts"][0]["labels"]["annotator"] == "w1"
        assert by_name["gone"].disabled_at is not None
        assert "no answer" in str(by_name["endless"].problem)
        assert [one.subscription for one in alert_actions.list_deliveries(engine, fate=Fate.DEAD)] == ["gone"]
        assert secret not in service.said()
        assert "not-to-be-shown" not in service.said()


def test_people_acknowledge_silence_judge_and_follow_over_http(chosen: AlertsSettings, service: Service) -> None:
    prepare(chosen)
    engine = open_control(chosen)
    _, key = ApiKeyStore(engine).create("lea", [Scope.READ, Scope.REVIEW], now=datetime.now(UTC))
    service.start()
    raise_signals(chosen, range(2))

    def ask(method: str, page: str, body: Any = None) -> Any:  # noqa: ANN401  # JSON
        request = urllib.request.Request(  # ours
            f"http://127.0.0.1:{chosen.alerts_port}{page}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310  # ours
            return json.loads(answer.read())

    def alerts() -> list[Any]:
        try:
            found: list[Any] = ask("GET", "/v1/alerts")
        except OSError:
            return []
        return found

    found = wait_for(lambda: alerts() if len(alerts()) == 2 else None, seconds=PATIENCE_SECONDS, what="two alerts")
    alert = found[0]["id"]
    ask("POST", f"/v1/alerts/{alert}/acknowledge", {"why": "known"})
    wait_for(lambda: "acknowledged" in [one["state"] for one in alerts()], seconds=PATIENCE_SECONDS, what="it")
    ask("POST", "/v1/silences", {"matchers": {"annotator": "w7"}, "minutes": 5, "why": "training"})
    silences = ask("GET", "/v1/silences")
    ask("POST", f"/v1/alerts/{alert}/feedback", {"useful": True})
    request = urllib.request.Request(  # ours
        f"http://127.0.0.1:{chosen.alerts_port}/v1/alerts/stream",
        headers={"Authorization": f"Bearer {key}", "Last-Event-ID": "-1"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as stream:  # noqa: S310  # ours
        lines = [stream.readline().decode() for _ in range(12)]

    assert [one.state.value for one in transitions(chosen)] == ["firing", "firing", "acknowledged"]
    assert silences[0]["by"] == "lea"
    assert ask("GET", "/v1/precision")[0]["useful"] == 1
    assert [line.strip() for line in lines if line.startswith("event:")] == ["event: firing", "event: firing"]


def test_what_is_on_loopback_is_not_called_unless_allowed(chosen: AlertsSettings, tmp_path: Path) -> None:
    strict = chosen.model_copy(update={"alerts_allow": ""})
    service = Service("alerts", strict, free_port())
    prepare(strict)
    with receiving() as receiver:
        tell(strict, "inside", receiver.url)
        service.start()
        try:
            raise_signals(strict, range(1))
            engine = open_control(strict)
            wait_for(lambda: bool(list_subscriptions(engine)[0].problem), seconds=PATIENCE_SECONDS, what="the refusal")
        finally:
            service.stop()

        assert "not public" in str(list_subscriptions(engine)[0].problem)
        assert receiver.came == []
    assert tmp_path.exists()


def test_rules_are_tried_on_what_lies_on_the_topics(chosen: AlertsSettings) -> None:
    prepare(chosen)
    raise_signals(chosen, range(3))
    tried: dict[str, LabelContract] = {"ads-safety": a_contract(alerts=[{"id": "new", "metric": "signal"}])}

    found = asyncio.run(backtest(chosen, tried, since=datetime(2026, 1, 1, tzinfo=UTC)))
    later = asyncio.run(backtest(chosen, tried, since=datetime(2100, 1, 1, tzinfo=UTC)))
    other = asyncio.run(backtest(chosen, {}, since=datetime(2026, 1, 1, tzinfo=UTC)))

    assert [(one.rule, one.state.value) for one in found] == [("new", "firing")] * 3
    assert (later, other) == ([], [])
    assert transitions(chosen) == []
