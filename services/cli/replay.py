"""The same cores over files, without Kafka: one JSONL file per output topic."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from services.cli.alerted import ReplayedAlerts
from services.cli.beside import Beside, ConductDuty, ConsensusDuty, judged
from services.cli.inputs import InputRecord
from services.cli.results import Results
from services.runtime.state import PartitionState
from services.runtime.step import Output
from services.runtime.topics import VALIDATED
from services.validator.core import Origin, Project, Validator

_BATCH = 2_000


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
    contracts = {name: project.rules.contract for name, project in projects.items()}
    total, offset = Counter[str](), 0
    with (
        Results(folder) as results,
        Beside(ConsensusDuty, contracts) as consensus,
        Beside(ConductDuty, contracts) as conduct,
    ):
        follow = _Following(results, conduct, ReplayedAlerts(contracts), now)
        for chunk in _chunks(records):
            batch = [FileRecord(offset + i, now, record.key, record.value) for i, record in enumerate(chunk)]
            step = validator.step(state, batch)
            state.apply(step.changes)
            follow.judged(step.outputs)
            for clock, said in consensus.take([one for one in step.outputs if one.topic == VALIDATED.name], now):
                follow.agreed(said, clock)
            offset += len(batch)
            total.update(step.verdicts)
            yield total
        for clock, said in consensus.finish():
            follow.agreed(said, clock)
        follow.end()


@dataclass(frozen=True, slots=True)
class _Following:
    """What follows on the verdicts: files, conduct and alerts."""

    results: Results
    conduct: Beside[ConductDuty]
    alerts: ReplayedAlerts
    now: int

    def judged(self, outputs: Sequence[Output]) -> None:
        """Take what the validator says."""
        self.results.write(outputs)
        self.alerts.take(outputs, self.now)

    def agreed(self, said: Sequence[Output], clock: int) -> None:
        """Take what the consensus says, at `clock` (ms)."""
        self.judged(said)
        for _ in self.conduct.take(judged(said), clock):
            pass  # it says everything in the end

    def end(self) -> None:
        """Take what conduct says, and what alerts follow from all of it."""
        for _, signals in self.conduct.finish():
            self.judged(signals)
        self.results.write(self.alerts.finish())


def _chunks(records: Iterable[InputRecord]) -> Iterator[list[InputRecord]]:
    rest = iter(records)
    while chunk := list(itertools.islice(rest, _BATCH)):
        yield chunk
