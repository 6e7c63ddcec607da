"""What should have come of the same input in one undisturbed go, and how far what is there departs from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from assay_models.truth.factory import make_truth
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import (
    ANNOTATIONS,
    CONSENSUS,
    CONSENSUS_STATE,
    COUNTS,
    DEAD,
    PANES,
    REJECTED,
    VALIDATED,
    VALIDATOR_STATE,
)
from assay_services.consensus.core.agreement_cells import PAIRS
from assay_services.consensus.core.events import PartitionOrigin as ConsensusOrigin
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.item_state import Vote, load_item
from assay_services.consensus.core.step import ConsensusCore, ConsensusProject
from assay_services.engine.core.core_api import Output, Step
from assay_services.engine.core.state import PartitionState
from assay_services.engine.kafka import partition_reader
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import restore
from assay_services.validator.core.step import BatchOrigin, ValidatorCore, ValidatorProject
from assay_services.validator.projects import load_project
from bench.report import at_most

LABELS_SAME = 0.999
PROBABILITY_GAP = 0.02
"""What the order in which partitions hear of each other may change, after the last sweep."""

_VERDICTS = (VALIDATED, REJECTED, DEAD)
_BATCH = 500
_TICK_MS = 500
_A_WHILE_MS = 301_000


@dataclass(frozen=True, slots=True)
class ConsensusGap:
    """How far the consensus departs from an undisturbed run's."""

    items: int
    different_votes: int
    different_panes: int
    different_labels: int
    widest: float

    @property
    def problems(self) -> list[str]:
        """Return what is not as it must be."""
        found = []
        if self.different_votes:
            found.append(f"the votes of {self.different_votes} items differ from an undisturbed run")
        if self.different_panes:
            found.append(f"{self.different_panes} window counts of agreement differ from an undisturbed run")
        if self.items - self.different_labels < LABELS_SAME * self.items:
            found.append(f"{self.different_labels} of {self.items} labels differ from an undisturbed run")
        if self.widest > PROBABILITY_GAP:
            found.append(f"a probability differs by {self.widest:.4f} from an undisturbed run")
        return found

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield the rows of a table: what, measured, target, result."""
        yield "items in the consensus", f"{self.items:,}", "", ""
        yield "items whose votes differ", str(self.different_votes), "0", at_most(self.different_votes, 0)
        yield "window counts of agreement that differ", str(self.different_panes), "0", at_most(self.different_panes, 0)
        allowed = (1 - LABELS_SAME) * self.items
        result = at_most(self.different_labels, allowed)
        yield "labels that differ", str(self.different_labels), f"at most {1 - LABELS_SAME:.1%}", result
        widest = f"{self.widest:.4f}"
        yield (
            "largest difference of a probability",
            widest,
            f"at most {PROBABILITY_GAP}",
            at_most(self.widest, PROBABILITY_GAP),
        )


async def compare_validator(settings: RuntimeSettings, contract: LabelContract) -> tuple[int, int]:
    """Judge the same input again; return how many outputs and how many keys of state differ."""
    project = load_project(contract, settings.models)
    if project is None:
        raise RuntimeError("the contract does not compile")
    outputs = keys = 0
    for number in range(settings.partitions):
        one, two = await _compare_partition(settings, number, {contract.project: project})
        outputs, keys = outputs + one, keys + two
    return outputs, keys


async def _compare_partition(
    settings: RuntimeSettings, number: int, projects: dict[str, ValidatorProject]
) -> tuple[int, int]:
    core = ValidatorCore(projects, BatchOrigin(ANNOTATIONS.name, number))
    state, expected = PartitionState(), {topic.name: list[bytes | None]() for topic in _VERDICTS}
    source = await records_of(settings, ANNOTATIONS.name, number)
    for start in range(0, len(source), 1_000):
        step = core.step(state, source[start : start + 1_000])
        state.apply(step.changes)
        for output in step.outputs:
            expected[output.topic].append(output.value)
    differing = 0
    for topic in _VERDICTS:
        found = [record.value for record in await records_of(settings, topic.name, number)]
        wanted = expected[topic.name]
        differing += abs(len(found) - len(wanted)) + sum(a != b for a, b in zip(found, wanted, strict=False))
    restored, _ = await restore(settings, VALIDATOR_STATE.name, number)
    return differing, len(set(restored.items().items()) ^ set(state.items().items()))


async def compare_consensus(settings: RuntimeSettings, contract: LabelContract) -> ConsensusGap:
    """Absorb the same validated annotations again, all partitions in turn; say what differs."""
    numbers = range(settings.partitions)
    wanted = _Undisturbed(contract, settings.partitions)
    wanted.absorb([await records_of(settings, VALIDATED.name, number) for number in numbers])
    votes, panes, said = 0, Exchange(), dict[bytes, Any]()
    for number in numbers:
        restored, _ = await restore(settings, CONSENSUS_STATE.name, number)
        votes += _different_votes(restored, wanted.states[number])
        for record in await records_of(settings, PANES.name, number):
            panes.receive_cell(record.key, record.value)
        for record in await records_of(settings, CONSENSUS.name, number):
            said[record.key] = orjson.loads(record.value)
    gaps = [abs(said[key]["probability"] - one["probability"]) for key, one in wanted.said.items() if key in said]
    different = sum(key not in said or said[key]["label"] != one["label"] for key, one in wanted.said.items())
    told = _by_place(panes) ^ _by_place(wanted.pool)
    return ConsensusGap(len(wanted.said), votes, len(told), different, max(gaps, default=1.0))


class _Undisturbed:
    """One consensus per partition, in one process, with a pool that hears everything at once."""

    def __init__(self, contract: LabelContract, partitions: int) -> None:
        projects: dict[str, ConsensusProject] = {contract.project: ConsensusProject(contract, make_truth)}
        self.pool = Exchange()
        self.states = [PartitionState() for _ in range(partitions)]
        self.said: dict[bytes, Any] = {}
        self._cores = [
            ConsensusCore(projects, self.pool, ConsensusOrigin(number, partitions), state)
            for number, state in enumerate(self.states)
        ]

    def absorb(self, sources: Sequence[Sequence[Any]]) -> None:
        now = 0
        for start in range(0, max(map(len, sources)), _BATCH):
            for number, source in enumerate(sources):
                batch = source[start : start + _BATCH]
                if batch:
                    now = max(now, batch[-1].timestamp)
                    self._take(number, self._cores[number].step(self.states[number], batch))
        while not all(core.is_converged for core in self._cores):
            now += _TICK_MS
            self._quiet_moment(now)
        for _ in range(2):
            now += _A_WHILE_MS
            self._quiet_moment(now)

    def _quiet_moment(self, now: int) -> None:
        for number, core in enumerate(self._cores):
            step = core.idle(now)
            if step is not None:
                self._take(number, step)

    def _take(self, number: int, step: Step) -> None:
        self.states[number].apply(step.changes)
        for output in step.outputs:
            self._hear(output)

    def _hear(self, output: Output) -> None:
        if output.topic == COUNTS.name:
            self.pool.receive_counts(output.key or b"", output.value)
        elif output.topic == PANES.name:
            self.pool.receive_cell(output.key or b"", output.value)
        elif output.topic == CONSENSUS.name:
            self.said[output.key or b""] = orjson.loads(output.value or b"")


def _votes(value: bytes) -> Mapping[str, Vote]:
    """Return an item's votes; when somebody was told of them depends on the batches."""
    return {who: vote._replace(judged=False) for who, vote in load_item(value).votes.items()}


def _different_votes(found: PartitionState, wanted: PartitionState) -> int:
    one, other = (
        {key: _votes(value) for key, value in state.values() if key.startswith(b"i:")} for state in (found, wanted)
    )
    return sum(one.get(key) != other.get(key) for key in one.keys() | other.keys())


def _by_place(pool: Exchange) -> set[tuple[Any, ...]]:
    """Return every pane of the pool, but for the pairs, which are told more seldom."""
    return {
        (*place, frozenset(pane.patterns.items()), frozenset(pane.annotators.items()))
        for place, pane in pool.all_panes()
        if place[1] != PAIRS
    }


async def records_of(settings: RuntimeSettings, topic: str, number: int) -> list[Any]:
    """Return all committed records of one partition."""
    async with partition_reader(settings, topic, number) as reader:
        return [record async for batch in reader.batches() for record in batch]
