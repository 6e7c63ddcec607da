"""Run consensus and conduct of a replay in separate processes: each takes as long as everything else together.

Their outcomes are returned in the order of the requests, so the result does not depend on which process is faster.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from assay_models.truth.factory import make_truth
from assay_schemas.annotation import ProjectId
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
"""The largest number of unanswered batches: enough to keep the processes busy, and few enough to limit memory."""

HeaderlessOutput = tuple[str, bytes | None, bytes | None]
"""An output without its headers, which the files do not contain: topic, key, value."""
BatchOutcome = tuple[int, list[HeaderlessOutput]]
"""The outputs of a batch, and the time (ms since 1970) up to which they are complete."""


class _ReplayRecord(NamedTuple):
    """A record in the form that cores read."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


class ReplayTask(Protocol):
    """A task of a worker process: processes batches of records at a time (ms since 1970), then finishes."""

    def process(self, records: Sequence[tuple[bytes | None, bytes | None]], now: int) -> BatchOutcome:
        """Process one batch."""
        ...

    def finish(self) -> BatchOutcome | None:
        """Return the next part of the remaining outputs; None when none is left."""
        ...


class ConsensusReplay:
    """The consensus over a validator's outputs, as one partition; its outputs go directly to the exchange."""

    def __init__(self, contracts: Mapping[ProjectId, LabelContract], *, watched: bool = True) -> None:
        """Start with an empty state. `watched`: whether to publish items for the conduct service."""
        projects = {name: ConsensusProject(contract, make_truth) for name, contract in contracts.items()}
        self._pool, self._state = Exchange(), PartitionState()
        self._core = ConsensusCore(
            projects, self._pool, PartitionOrigin(0, 1), self._state, watched=watched, survives=False
        )
        self._clock = self._offset = 0
        self._quiet: Iterator[tuple[int, Step]] | None = None

    def process(self, records: Sequence[tuple[bytes | None, bytes | None]], now: int) -> BatchOutcome:
        """Absorb one batch at the minute of its newest annotation, but not later than `now` (ms since 1970)."""
        newest = decode(records[-1][1])
        self._clock = max(self._clock, min(now, 0 if newest is None else newest.occurred // _MINUTE * _MINUTE // 1_000))
        batch = [_ReplayRecord(self._offset + place, self._clock, *one) for place, one in enumerate(records)]
        self._offset += len(batch)
        return self._exchange_and_keep(self._core.step(self._state, batch))

    def finish(self) -> BatchOutcome | None:
        """Sweep until the consensus converges, and return everything not published yet."""
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
    """Conduct over a consensus's outputs. It writes no state, because nothing has to survive a restart."""

    def __init__(self, contracts: Mapping[ProjectId, LabelContract]) -> None:
        """Use the contracts in force."""
        self._state, self._offset = PartitionState(), 0
        self._core = ConductCore(contracts, self._state, AT_THE_END)
        self._said: list[Output] | None = []

    def process(self, records: Sequence[tuple[bytes | None, bytes | None]], now: int) -> BatchOutcome:
        """Process one batch; the reports are published at the end."""
        batch = [_ReplayRecord(self._offset + place, now, *one) for place, one in enumerate(records)]
        self._offset += len(batch)
        self._said = [*(self._said or ()), *self._core.step(self._state, batch).outputs]
        return now, []

    def finish(self) -> BatchOutcome | None:
        """Return the final reports of all annotators, once."""
        if self._said is None:
            return None
        last, said = self._core.idle(AT_THE_END.report_ms + 1), self._said
        self._said = None
        return 0, _told([*said, *(() if last is None else last.outputs)])


DutyT = TypeVar("DutyT", bound=ReplayTask)


class ReplayWorkerProcess(Generic[DutyT]):
    """Runs a task in a separate process; a context manager. Errors of the process are raised here."""

    def __init__(
        self, duty: Callable[[Mapping[ProjectId, LabelContract]], DutyT], contracts: Mapping[ProjectId, LabelContract]
    ) -> None:
        """Run the task `duty` with the contracts in force."""
        context = multiprocessing.get_context("spawn")
        self._process = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(duty, dict(contracts)))
        self._asked: deque[Future[BatchOutcome]] = deque()

    def __enter__(self) -> Self:
        """Start the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process after its current batch."""
        self._process.shutdown(wait=True, cancel_futures=True)

    def process(self, outputs: Sequence[Output], now: int) -> Iterator[tuple[int, list[Output]]]:
        """Send a batch at `now` (ms since 1970); yield finished outcomes with times, waiting if too many are open."""
        if outputs:
            self._asked.append(self._process.submit(_take, [(one.key, one.value) for one in outputs], now))
        while len(self._asked) > _MOST_IN_FLIGHT:
            yield _outputs(self._asked.popleft().result())

    def finish(self) -> Iterator[tuple[int, list[Output]]]:
        """Yield all remaining outcomes."""
        while self._asked:
            yield _outputs(self._asked.popleft().result())
        while (said := self._process.submit(_rest).result()) is not None:
            yield _outputs(said)


def judged(said: Sequence[Output]) -> list[Output]:
    """Return the records of `items.judged` among the consensus's outputs."""
    return [one for one in said if one.topic == JUDGED.name]


def _told(outputs: Sequence[Output]) -> list[HeaderlessOutput]:
    return [output[:3] for output in outputs]


def _outputs(said: BatchOutcome) -> tuple[int, list[Output]]:
    return said[0], [Output(*one, []) for one in said[1]]


_at_work: dict[str, ReplayTask] = {}
"""The task of this process, if it is a worker process."""


def _begin(
    duty: Callable[[Mapping[ProjectId, LabelContract]], ReplayTask], contracts: Mapping[ProjectId, LabelContract]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent decides
    _at_work["duty"] = duty(contracts)
    tame_garbage_collector()


def _take(records: Sequence[tuple[bytes | None, bytes | None]], now: int) -> BatchOutcome:
    return _at_work["duty"].process(records, now)


def _rest() -> BatchOutcome | None:
    return _at_work["duty"].finish()
