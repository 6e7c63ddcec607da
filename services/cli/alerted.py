"""Alerts over files: the same cores, fed in the order of event time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from schemas.annotation import microseconds
from schemas.contract import LabelContract
from services.alerts.core import Alerts
from services.alerts.intake import SOURCES, Intake
from services.runtime.state import PartitionState
from services.runtime.step import Output
from services.runtime.topics import REJECTED, VALIDATED

_AFTERWARDS_MS = 180_000
_MINUTE_MS = 60_000
_JUDGED = {VALIDATED.name, REJECTED.name}


class _Record(NamedTuple):
    """A record as the cores see it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


class _Observed(NamedTuple):
    """One observation and its event time (ms), in the order in which it was made."""

    at: int
    number: int
    key: bytes | None
    value: bytes | None


class ReplayedAlerts:
    """Collect what rules are judged by, and judge it when all is there: signals are known only at the end."""

    def __init__(self, contracts: Mapping[str, LabelContract]) -> None:
        """Take the contracts in force."""
        self._contracts = contracts
        self._intakes = {topic: Intake(contracts, f"{topic}/0", take) for topic, take in SOURCES.items()}
        self._observed: list[_Observed] = []
        self._wanted = any(contract.alerts for contract in contracts.values())
        self._reached = 0

    def take(self, outputs: Iterable[Output], now: int) -> None:
        """Take what other cores have said; nothing of it is later than `now` (ms)."""
        batches: dict[tuple[str, int], list[_Record]] = {}
        for output in outputs if self._wanted else ():
            if output.topic in SOURCES and output.value is not None:
                at = self._time(output.value, now) if output.topic in _JUDGED else now
                batch = batches.setdefault((output.topic, at // _MINUTE_MS), [])  # as if each minute came by itself
                batch.append(_Record(0, at, output.key, output.value))
        for (topic, _), records in batches.items():
            for said in self._intakes[topic].step(PartitionState(), records).outputs:
                at = int(orjson.loads(said.value or b"")["newest"])
                self._observed.append(_Observed(at, len(self._observed), said.key, said.value))

    def finish(self) -> Iterator[Output]:
        """Yield all transitions."""
        state = PartitionState()
        core, last = Alerts(self._contracts, state, watches=False), 0
        for one in sorted(self._observed):
            last = max(last, one.at)
            step = core.step(state, [_Record(one.number, last, one.key, one.value)])
            yield from step.outputs
        rest = core.idle(last + _AFTERWARDS_MS)
        yield from () if rest is None else rest.outputs

    def _time(self, value: bytes, now: int) -> int:
        """Return the latest time that any annotation up to this one was made at: as if each had come at once."""
        try:
            occurred = microseconds(datetime.fromisoformat(orjson.loads(value)["annotation"]["occurred_at"])) // 1_000
        except ValueError:  # rarer ways to write a time: it came no later than the one before
            occurred = 0
        self._reached = max(self._reached, min(occurred, now))
        return self._reached
