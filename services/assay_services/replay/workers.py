"""Consensus and conduct in processes of their own, beside a replay: each takes as long as all the rest.

What they say comes back in the order in which it was asked for, so that the outcome does not depend on which process
is faster.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from assay_models.truth.factory import make_truth
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import COUNTS, JUDGED, PANES
from assay_services.conduct.core.step import AT_THE_END, ConductCore
from assay_services.consensus.core.convergence import run_until_converged
from assay_services.consensus.core.decode import decode
from assay_services.consensus.core.events import PartitionOrigin
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.step import ConsensusCore, ConsensusProject
from assay_services.engine.core.core_api import Output, Step
from assay_services.engine.core.state import PartitionState
from assay_services.engine.garbage import tame_garbage_collector

_MINUTE = 60_000_000
_MOST_IN_FLIGHT = 4
"""Batches handed over and not yet answered: enough that nobody waits, and few enough that memory stays small."""

HeaderlessOutput = tuple[str, bytes | None, bytes | None]
"""An output without its headers, which no file has: topic, key, value."""
BatchOutcome = tuple[int, list[HeaderlessOutput]]
"""What a batch came to, and the time (ms) up to which that is known."""


class _ReplayRecord(NamedTuple):
    """A record as the cores see it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


class ReplayTask(Protocol):
    """What is done beside: it takes batches of records at a time (ms), and says the last word in the end."""

    def process(self, records: Sequence[tuple[bytes | None, bytes | None]], now: int) -> BatchOutcome:
        """Take one batch."""
        ...

    def finish(self) -> BatchOutcome | None:
        """Say what is left to be said, a piece at a time; None when nothing is."""
        ...


class ConsensusReplay:
    """The consensus over the outputs of a validator, one partition for all; the pool is fed by hand."""

    def __init__(self, contracts: Mapping[str, LabelContract], *, watched: bool = True) -> None:
        """Begin with an empty state. `watched`: whether items are told of for conduct."""
        projects = {name: ConsensusProject(contract, make_truth) for name, contract in contracts.items()}
        self._pool, self._state = Exchange(), PartitionState()
        self._core = ConsensusCore(
            projects, self._pool, PartitionOrigin(0, 1), self._state, watched=watched, survives=False
        )
        self._clock = self._offset = 0
        self._quiet: Iterator[tuple[int, Step]] | None = None

    def process(self, records: Sequence[tuple[bytes | None, bytes | None]], now: int) -> BatchOutcome:
        """Absorb one batch in the minute of its newest annotations, which is not later than `now` (ms)."""
        newest = decode(records[-1][1])
        self._clock = max(self._clock, min(now, 0 if newest is None else newest.occurred // _MINUTE * _MINUTE // 1_000))
        batch = [_ReplayRecord(self._offset + place, self._clock, *one) for place, one in enumerate(records)]
        self._offset += len(batch)
        return self._exchange_and_keep(self._core.step(self._state, batch))

    def finish(self) -> BatchOutcome | None:
        """Sweep until nothing moves, and tell everything that has not been told."""
        if self._quiet is None:
            self._quiet = run_until_converged(self._core, self._clock)
        found = next(self._quiet, None)
        return None if found is None else self._exchange_and_keep(found[1])

    def _exchange_and_keep(self, step: Step) -> BatchOutcome:
        self._state.apply(step.changes)
        for output in step.outputs:
            if output.topic == COUNTS.name:
                self._pool.receive_counts(output.key or b"", output.value)
            elif output.topic == PANES.name:
                self._pool.receive_cell(output.key or b"", output.value)
        return self._clock, _told(step.outputs)


class ConductReplay:
    """Conduct over what a consensus says. Nothing has to survive, so no state is kept."""

    def __init__(self, contracts: Mapping[str, LabelContract]) -> None:
        """Take the contracts in force."""
        self._state, self._offset = PartitionState(), 0
        self._core = ConductCore(contracts, self._state, AT_THE_END)
        self._said: list[Output] | None = []

    def process(self, records: Sequence[tuple[bytes | None, bytes | None]], now: int) -> BatchOutcome:
        """Watch one batch; what is to be said is said in the end."""
        batch = [_ReplayRecord(self._offset + place, now, *one) for place, one in enumerate(records)]
        self._offset += len(batch)
        self._said = [*(self._said or ()), *self._core.step(self._state, batch).outputs]
        return now, []

    def finish(self) -> BatchOutcome | None:
        """Say everything of the annotators, once."""
        if self._said is None:
            return None
        last, said = self._core.idle(AT_THE_END.report_ms + 1), self._said
        self._said = None
        return 0, _told([*said, *(() if last is None else last.outputs)])


DutyT = TypeVar("DutyT", bound=ReplayTask)


class ReplayWorkerProcess(Generic[DutyT]):
    """A duty in a process of its own; usable with `with`. What goes wrong there is raised here."""

    def __init__(
        self, duty: Callable[[Mapping[str, LabelContract]], DutyT], contracts: Mapping[str, LabelContract]
    ) -> None:
        """Take what is to be done, and the contracts in force."""
        context = multiprocessing.get_context("spawn")
        self._process = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(duty, dict(contracts)))
        self._asked: deque[Future[BatchOutcome]] = deque()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process, when it is through with what it is at."""
        self._process.shutdown(wait=True, cancel_futures=True)

    def process(self, outputs: Sequence[Output], now: int) -> Iterator[tuple[int, list[Output]]]:
        """Hand over a batch at `now` (ms); yield what earlier ones came to, and when, as far as one has to wait."""
        if outputs:
            self._asked.append(self._process.submit(_take, [(one.key, one.value) for one in outputs], now))
        while len(self._asked) > _MOST_IN_FLIGHT:
            yield _outputs(self._asked.popleft().result())

    def finish(self) -> Iterator[tuple[int, list[Output]]]:
        """Yield everything that has not been said."""
        while self._asked:
            yield _outputs(self._asked.popleft().result())
        while (said := self._process.submit(_rest).result()) is not None:
            yield _outputs(said)


def judged(said: Sequence[Output]) -> list[Output]:
    """Return the items that were judged, among what the consensus said."""
    return [one for one in said if one.topic == JUDGED.name]


def _told(outputs: Sequence[Output]) -> list[HeaderlessOutput]:
    return [output[:3] for output in outputs]


def _outputs(said: BatchOutcome) -> tuple[int, list[Output]]:
    return said[0], [Output(*one, []) for one in said[1]]


_at_work: dict[str, ReplayTask] = {}
"""The duty of this process, where it is one that stands beside a replay."""


def _begin(duty: Callable[[Mapping[str, LabelContract]], ReplayTask], contracts: Mapping[str, LabelContract]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; whoever started us says what follows
    _at_work["duty"] = duty(contracts)
    tame_garbage_collector()


def _take(records: Sequence[tuple[bytes | None, bytes | None]], now: int) -> BatchOutcome:
    return _at_work["duty"].process(records, now)


def _rest() -> BatchOutcome | None:
    return _at_work["duty"].finish()
