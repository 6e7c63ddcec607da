"""The same cores over files, without Kafka: one JSONL file per output topic."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from models.truth.kinds import make_truth
from services.cli.alerted import ReplayedAlerts
from services.cli.beside import ReplayedConduct
from services.cli.inputs import InputRecord
from services.cli.results import Results
from services.consensus.core import Consensus
from services.consensus.core import Project as ConsensusProject
from services.consensus.decode import decode
from services.consensus.pool import Pool
from services.consensus.rest import quiet_moments
from services.consensus.words import Origin as ConsensusOrigin
from services.runtime.state import PartitionState
from services.runtime.step import Output, Step
from services.runtime.topics import COUNTS, PANES, VALIDATED
from services.validator.core import Origin, Project, Validator

_BATCH = 2_000
_MINUTE = 60_000_000


class FileRecord(NamedTuple):
    """A record as a core sees it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def replay(
    records: Iterable[InputRecord], *, projects: Mapping[str, Project], folder: Path, now: int
) -> Iterator[Counter[str]]:
    """Judge every record as if it arrived at `now` (ms since 1970); yield the verdicts after each batch.

    What follows on the verdicts goes by the annotations' own time. The files appear whole when all is done, or not at
    all.
    """
    validator, state = Validator(projects, Origin("annotations", 0)), PartitionState()
    consensus = ReplayedConsensus(projects)
    contracts = {name: project.rules.contract for name, project in projects.items()}
    alerts = ReplayedAlerts(contracts)
    total, offset = Counter[str](), 0
    with Results(folder) as results, ReplayedConduct(contracts) as conduct:
        for chunk in _chunks(records):
            batch = [FileRecord(offset + i, now, record.key, record.value) for i, record in enumerate(chunk)]
            step = validator.step(state, batch)
            state.apply(step.changes)
            results.write(step.outputs)
            said = consensus.absorb([one for one in step.outputs if one.topic == VALIDATED.name], now)
            results.write(said)
            conduct.watch(said, consensus.clock)
            alerts.take((*step.outputs, *said), now)
            offset += len(batch)
            total.update(step.verdicts)
            yield total
        for said in consensus.finish():
            results.write(said)
            conduct.watch(said, consensus.clock)
            alerts.take(said, now)
        signals = conduct.finish()
        results.write(signals)
        alerts.take(signals, now)
        results.write(alerts.finish())


@dataclass
class ReplayedConsensus:
    """The consensus over the outputs of a validator, one partition for all; the pool is fed by hand."""

    projects: Mapping[str, Project]
    pool: Pool = field(default_factory=Pool)
    state: PartitionState = field(default_factory=PartitionState)
    clock: int = 0
    offset: int = 0

    def __post_init__(self) -> None:
        """Begin with an empty state."""
        projects = {
            name: ConsensusProject(project.rules.contract, make_truth) for name, project in self.projects.items()
        }
        self.core = Consensus(projects, self.pool, ConsensusOrigin(0, 1), self.state)

    def absorb(self, validated: Sequence[Output], now: int) -> Sequence[Output]:
        """Absorb one batch in the minute of its newest annotations, which is not later than `now` (ms)."""
        if not validated:
            return ()
        newest = decode(validated[-1].value)
        self.clock = max(self.clock, min(now, 0 if newest is None else newest.occurred // _MINUTE * _MINUTE // 1_000))
        batch = [FileRecord(self.offset + i, self.clock, one.key, one.value) for i, one in enumerate(validated)]
        self.offset += len(batch)
        return self._taken(self.core.step(self.state, batch))

    def finish(self) -> Iterator[Sequence[Output]]:
        """Sweep until nothing moves, and tell everything that has not been told."""
        for _, step in quiet_moments(self.core, self.clock):
            yield self._taken(step)

    def _taken(self, step: Step) -> Sequence[Output]:
        self.state.apply(step.changes)
        for output in step.outputs:
            if output.topic == COUNTS.name:
                self.pool.take_counts(output.key or b"", output.value)
            elif output.topic == PANES.name:
                self.pool.take_pane(output.key or b"", output.value)
        return step.outputs


def _chunks(records: Iterable[InputRecord]) -> Iterator[list[InputRecord]]:
    rest = iter(records)
    while chunk := list(itertools.islice(rest, _BATCH)):
        yield chunk
