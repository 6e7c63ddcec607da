"""Annotations and readings as records, the cores that judge them, and everything that they have said."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from assay_schemas.alert import Alert, Order, OrderKind
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.json_data import Json
from assay_services.alerts.core.alert_events import read_alert
from assay_services.alerts.core.observers import SOURCES, Observer
from assay_services.alerts.core.step import AlertsCore, order_record
from assay_services.engine.core.core_api import Step
from assay_services.engine.core.state import PartitionState
from tests.services.consensus.records import ARecord
from tests.support.builders import a_contract, annotation_input

BEGAN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BEGAN_MS = int(BEGAN.timestamp() * 1_000)
MINUTE_MS = 60_000


def time_at(minute: float) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def ms_at(minute: float) -> int:
    return BEGAN_MS + int(minute * MINUTE_MS)


def an_annotation(minute: float, *, came: float | None = None, **changes: Json) -> ARecord:
    """Return a judged annotation made at a minute, which came at another; `findings` are ids of rules."""
    found = [{"rule": rule, "action": "flag", "message": "m", "path": "label"} for rule in changes.pop("findings", [])]
    score, market = changes.pop("score", None), changes.pop("market", "BR")
    plain = annotation_input(**changes | {"occurred_at": time_at(minute).isoformat()})
    plain["annotator"] = {"id": changes.get("annotator", "a1"), "kind": "human"}
    plain["item"] = {"id": "i", "attributes": {"market": market}}
    value = {"annotation": plain, "findings": found, "score": score, "contract_version": 1}
    return ARecord(orjson.dumps(value), timestamp=ms_at(minute if came is None else came))


def a_reading(minute: float, value: float | None, **changes: Json) -> ARecord:
    """Return a reading of agreement of the hour that ends at a minute."""
    plain: dict[str, Any] = {
        "project": "ads-safety", "coefficient": "krippendorff-alpha", "value": value, "low": None, "high": None,
        "items": 100, "annotators": 5, "window": "1h", "window_start": time_at(minute - 60).isoformat(),
        "window_end": time_at(minute).isoformat(), "scope": {}, "as_of": time_at(minute).isoformat(),
    }  # fmt: skip
    return ARecord(orjson.dumps(plain | changes), timestamp=ms_at(minute))


def a_signal(minute: float, *, annotator: str = "w1", state: str = "raised", **changes: Json) -> ARecord:
    plain = {
        "id": "s", "project": "ads-safety", "annotator": annotator, "detector": "guessing", "peer": None,
        "state": state, "since": time_at(minute - 30).isoformat(), "since_low": time_at(minute - 40).isoformat(),
        "since_high": time_at(minute - 20).isoformat(), "at": time_at(minute).isoformat(), "e_value": 5_000.0,
        "false_alarm_level": 0.01, "false_discovery_level": 0.05,
        "evidence": {"counts": {"annotations": 40.0}, "comparison": {}, "items": []},
    }  # fmt: skip
    return ARecord(orjson.dumps(plain | changes), timestamp=ms_at(minute))


class Watch:
    """Intakes and alerts with their state, fed by hand, and all transitions so far."""

    def __init__(self, *rules: dict[str, Json], watches: bool = False, **contract: Json) -> None:
        self.contracts: dict[str, LabelContract] = {}
        self.put_in_force(*rules, **contract)
        self.watches = watches
        self.state = PartitionState()
        self.core = AlertsCore(self.contracts, self.state, watches=watches)
        self.said: list[Alert] = []
        self.offset = 0

    def put_in_force(self, *rules: dict[str, Json], **contract: Json) -> None:
        read = {"windows": ["15m", "1h"], "attributes": ["market"]}
        made = a_contract(alerts=list(rules), agreement=read, **contract)
        self.contracts[made.project] = made

    def hear(self, topic: str, *records: ARecord) -> Step:
        """Feed one batch of a topic through its intake."""
        said = Observer(self.contracts, f"{topic}/0", SOURCES[topic]).step(PartitionState(), records)
        now = max(record.timestamp for record in records)
        for output in said.outputs:
            self.take(ARecord(output.value, timestamp=now, key=output.key))
        return said

    def annotations(self, *records: ARecord) -> Step:
        return self.hear("annotations.validated", *records)

    def order(self, kind: OrderKind, subject: str, *, minute: float, project: str = "", **changes: Json) -> None:
        """Let somebody ask for something."""
        order = Order(**{"kind": kind, "subject": subject, "by": "lea", "why": "known"} | changes)
        key, value = order_record(order, project)
        self.take(ARecord(value, timestamp=ms_at(minute), key=key))

    def take(self, *records: ARecord) -> Step:
        """Feed observations to the alerts."""
        return self._keep(self.core.step(self.state, records))

    def rest(self, minute: float) -> None:
        """Let a quiet moment pass."""
        step = self.core.idle(ms_at(minute))
        if step is not None:
            self._keep(step)

    def restart(self) -> None:
        """Make the core anew from what was written, as after a kill."""
        self.state = copied(self.state)
        self.core = AlertsCore(self.contracts, self.state, watches=self.watches)

    @property
    def told(self) -> list[tuple[str, str, float]]:
        """Return rule, state and minute of all transitions."""
        return [(one.rule, one.state.value, (one.at - BEGAN).total_seconds() / 60) for one in self.said]

    def _keep(self, step: Step) -> Step:
        self.state.apply(step.changes)
        self.said += [read_alert(one.value) for one in step.outputs if one.topic == "alerts"]
        return step


def copied(state: PartitionState) -> PartitionState:
    again = PartitionState()
    for key, value in state.items().items():
        again.load(key, value)
    return again
