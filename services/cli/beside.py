"""Conduct in a process of its own, beside a replay: it takes as long as all the rest, and there are several cores."""

import multiprocessing
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import NamedTuple, Self

from schemas.contract import LabelContract
from services.conduct.core import AT_THE_END, Conduct
from services.runtime.chassis import tame_garbage_collector
from services.runtime.state import PartitionState
from services.runtime.step import Output
from services.runtime.topics import JUDGED


class _Record(NamedTuple):
    """A judged item as the core sees it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


class ReplayedConduct:
    """Conduct over what a replayed consensus says; usable with `with`. Nothing has to survive, so no state is kept."""

    def __init__(self, contracts: Mapping[str, LabelContract]) -> None:
        """Take the contracts in force."""
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_watch, args=(theirs, dict(contracts)), daemon=True)

    def __enter__(self) -> Self:
        """Start the process."""
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, whatever it is at."""
        self._process.terminate()
        self._process.join()

    def watch(self, said: Sequence[Output], now: int) -> None:
        """Take in the items that were judged, at `now` (ms)."""
        judged = [(one.key, one.value) for one in said if one.topic == JUDGED.name]
        if judged:
            self._ours.send((now, judged))

    def finish(self) -> Sequence[Output]:
        """Return everything that is to be said of the annotators."""
        self._ours.send(None)
        found: Sequence[Output] = self._ours.recv()
        return found


def _watch(theirs: Connection, contracts: Mapping[str, LabelContract]) -> None:
    tame_garbage_collector()
    state = PartitionState()
    core, said, offset = Conduct(contracts, state, AT_THE_END), list[Output](), 0
    while (batch := theirs.recv()) is not None:
        now, judged = batch
        step = core.step(state, [_Record(offset + place, now, *one) for place, one in enumerate(judged)])
        offset += len(judged)
        said += step.outputs
    last = core.idle(AT_THE_END.report_ms + 1)
    theirs.send([*said, *(() if last is None else last.outputs)])
