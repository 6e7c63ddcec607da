"""Alerts over files: the same cores, with observations in order of event time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import orjson

from assay_schemas.alert import Gauge, Observation, Occurrence, Tally
from assay_schemas.annotation import ProjectId, microseconds
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import REJECTED, VALIDATED
from assay_services.alerts.core.observers import SOURCES, Observer, topics_looked_at
from assay_services.alerts.core.step import AlertsCore
from assay_services.engine.core.core_api import Output, Record
from assay_services.engine.core.state import PartitionState

_AFTERWARDS_MS = 180_000
_MINUTE_MS = 60_000
_JUDGED = {VALIDATED.name, REJECTED.name}


class AnyRecord(NamedTuple):
    """A record in the form that cores read."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(slots=True)
class _Minute:
    """The counts of one topic for one minute of a project. It changes in place."""

    tallies: dict[tuple[str, bytes], Tally] = field(default_factory=dict)
    gauges: list[Gauge] = field(default_factory=list)
    occurrences: list[Occurrence] = field(default_factory=list)
    newest: int = 0

    def count(self, one: Tally) -> None:
        """Add an observation's counts."""
        key = (one.rule, orjson.dumps(one.labels, option=orjson.OPT_SORT_KEYS))
        had = self.tallies.get(key)
        counted = {} if had is None else {"hits": had.hits + one.hits, "total": had.total + one.total}
        self.tallies[key] = one.model_copy(update=counted)
        self.newest = max(self.newest, (one.minute + 1) * _MINUTE_MS - 1)

    def observed(self, project: ProjectId, topic: str) -> Observation:
        """Return the counts as an observation."""
        return Observation(
            project=project, source=f"{topic}/0", newest=self.newest, tallies=list(self.tallies.values()),
            gauges=self.gauges, occurrences=self.occurrences,
        )  # fmt: skip


class ReplayedAlerts:
    """Collects observations in any order, and evaluates the rules minute by minute at the end."""

    def __init__(self, contracts: Mapping[ProjectId, LabelContract]) -> None:
        """Evaluate the rules of the contracts in force."""
        self._contracts = contracts
        self._intakes = {topic: Observer(contracts, f"{topic}/0", take) for topic, take in SOURCES.items()}
        self._minutes: defaultdict[tuple[int, ProjectId, str], _Minute] = defaultdict(_Minute)
        self._wanted = topics_looked_at(contracts.values())
        self._reached = 0

    def add(self, outputs: Iterable[Output], now: int) -> None:
        """Add outputs of other cores; none is later than `now` (ms since 1970)."""
        by_topic: dict[str, list[AnyRecord]] = {}
        for output in outputs:
            if output.topic in self._wanted and output.value is not None:
                at = self._time(output.value, now) if output.topic in _JUDGED else now
                by_topic.setdefault(output.topic, []).append(AnyRecord(0, at, output.key, output.value))
        for topic, records in by_topic.items():
            self.observe(topic, records)

    def observe(self, topic: str, records: Sequence[Record]) -> None:
        """Add records of a topic at their own times; raise NotYet if a project has no contract."""
        for said in self._intakes[topic].step(PartitionState(), records).outputs:
            one = Observation.model_validate_json(said.value or b"")
            for tally in one.tallies:
                self._minutes[tally.minute, one.project, topic].count(tally)
            for gauge in one.gauges:
                minute = self._minutes[(gauge.at - 1) // _MINUTE_MS, one.project, topic]
                minute.gauges.append(gauge)
                minute.newest = max(minute.newest, gauge.at)
            for happened in one.occurrences:
                minute = self._minutes[happened.at // _MINUTE_MS, one.project, topic]
                minute.occurrences.append(happened)
                minute.newest = max(minute.newest, happened.at)

    def finish(self) -> Iterator[Output]:
        """Yield all transitions."""
        state = PartitionState()
        core, last = AlertsCore(self._contracts, state, watches=False), 0
        for number, ((_, project, topic), minute) in enumerate(sorted(self._minutes.items(), key=lambda one: one[0])):
            last = max(last, minute.newest)
            value = minute.observed(project, topic).model_dump_json().encode()
            yield from core.step(state, [AnyRecord(number, last, project.encode(), value)]).outputs
        rest = core.idle(last + _AFTERWARDS_MS)
        yield from () if rest is None else rest.outputs

    def _time(self, value: bytes, now: int) -> int:
        """Return the latest time of any annotation so far, as if each had arrived at once."""
        try:
            occurred = microseconds(datetime.fromisoformat(orjson.loads(value)["annotation"]["occurred_at"])) // 1_000
        except ValueError:  # rarer formats of a time: use the previous one
            occurred = 0
        self._reached = max(self._reached, min(occurred, now))
        return self._reached
