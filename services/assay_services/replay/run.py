"""Run the services' cores over files, without Kafka: one JSONL file per output topic."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from assay_schemas.annotation import ProjectId
from assay_schemas.topics import UNREADABLE_HEADER, VALIDATED
from assay_services.engine.core.core_api import Output
from assay_services.engine.core.state import PartitionState
from assay_services.ingest.input_record import InputRecord
from assay_services.replay.alerts import ReplayedAlerts
from assay_services.replay.workers import ConductReplay, ConsensusReplay, ReplayWorkerProcess, judged
from assay_services.replay.writer import Results
from assay_services.validator.core.step import BatchOrigin, ValidatorCore, ValidatorProject

_BATCH = 2_000


class FileRecord(NamedTuple):
    """A record in the form that cores read."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def file_record(offset: int, now: int, record: InputRecord) -> FileRecord:
    """Return a record of a file as one that arrived at `now`."""
    headers = () if record.problem is None else ((UNREADABLE_HEADER, record.problem.encode()),)
    return FileRecord(offset, now, record.key, record.value, headers)


def replay(
    records: Iterable[InputRecord],
    *,
    projects: Mapping[ProjectId, ValidatorProject],
    folder: Path,
    now: int,
    watched: bool = True,
) -> Iterator[Counter[str]]:
    """Judge every record as if it arrived at `now` (ms since 1970); yield the verdicts after each batch.

    Everything after the verdicts uses the annotations' own times. All files appear complete at the end, or not at all.
    `watched`: whether to run conduct and alerts too.
    """
    validator, state = ValidatorCore(projects, BatchOrigin("annotations", 0)), PartitionState()
    contracts = {name: project.rules.contract for name, project in projects.items()}
    total, offset = Counter[str](), 0
    with (
        Results(folder, watched=watched) as results,
        ReplayWorkerProcess(partial(ConsensusReplay, watched=watched), contracts) as consensus,
        ReplayWorkerProcess(ConductReplay, contracts) if watched else nullcontext() as conduct,
    ):
        watch = None if conduct is None else _ConductAndAlerts(conduct, ReplayedAlerts(contracts))
        follow = _ReplayPipeline(results, watch, now)
        for chunk in _chunks(records):
            batch = [file_record(offset + place, now, record) for place, record in enumerate(chunk)]
            step = validator.step(state, batch)
            state.apply(step.changes)
            follow.judged(step.outputs)
            for clock, said in consensus.process([one for one in step.outputs if one.topic == VALIDATED.name], now):
                follow.agreed(said, clock)
            offset += len(batch)
            total.update(step.verdicts)
            yield total
        for clock, said in consensus.finish():
            follow.agreed(said, clock)
        follow.end()


@dataclass(frozen=True, slots=True)
class _ConductAndAlerts:
    """Conduct and alerts of a replay."""

    conduct: ReplayWorkerProcess[ConductReplay]
    alerts: ReplayedAlerts

    def agreed(self, said: Sequence[Output], clock: int) -> None:
        """Process the consensus's outputs at `clock` (ms since 1970)."""
        for _ in self.conduct.process(judged(said), clock):
            pass  # conduct publishes everything at the end

    def finish(self, now: int) -> Iterator[Output]:
        """Yield the outputs of conduct, and the alerts that follow from all outputs."""
        for _, signals in self.conduct.finish():
            self.alerts.add(signals, now)
            yield from signals
        yield from self.alerts.finish()


@dataclass(frozen=True, slots=True)
class _ReplayPipeline:
    """Everything after the verdicts: the files, and conduct and alerts if enabled."""

    results: Results
    watch: _ConductAndAlerts | None
    now: int

    def judged(self, outputs: Sequence[Output]) -> None:
        """Process the validator's outputs."""
        self.results.write(outputs)
        if self.watch is not None:
            self.watch.alerts.add(outputs, self.now)

    def agreed(self, said: Sequence[Output], clock: int) -> None:
        """Process the consensus's outputs at `clock` (ms since 1970)."""
        self.judged(said)
        if self.watch is not None:
            self.watch.agreed(said, clock)

    def end(self) -> None:
        """Process the final outputs."""
        if self.watch is not None:
            self.results.write(self.watch.finish(self.now))


def _chunks(records: Iterable[InputRecord]) -> Iterator[list[InputRecord]]:
    rest = iter(records)
    while chunk := list(itertools.islice(rest, _BATCH)):
        yield chunk
