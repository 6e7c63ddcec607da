"""Validated annotations as records, and a consensus that is fed with them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from assay_models.truth.factory import make_truth
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.json_data import Json
from assay_schemas.topics import COUNTS, PANES
from assay_services.consensus.core.convergence import run_until_converged
from assay_services.consensus.core.events import PartitionOrigin
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.step import ConsensusCore, ConsensusProject
from assay_services.engine.core.core_api import Headers, Output, Step
from assay_services.engine.core.state import PartitionState
from tests.support.builders import a_contract, annotation_input

BEGAN_MS = 1_800_000_000_000
DAY_MS = 86_400_000
ALONE = PartitionOrigin(0, 1)
TELLER, READER = PartitionOrigin(0, 2), PartitionOrigin(1, 2)
"""Of two partitions, the one that tells its panes of the usual project, and the one that reads the project."""


@dataclass(frozen=True, slots=True)
class ARecord:
    value: bytes | None
    timestamp: int = BEGAN_MS
    offset: int = 0
    key: bytes | None = None
    headers: Headers = field(default_factory=list)


def a_validated(*, score: Json = None, at: int = BEGAN_MS, **changes: Json) -> ARecord:
    """Return a validated annotation as it lies on the topic, by `item` and `annotator` ids and what is changed."""
    item, annotator = changes.pop("item", "i1"), changes.pop("annotator", "a1")
    kind = changes.pop("kind", "human")
    plain = annotation_input(**{"id": f"{item}-{annotator}", **changes})
    plain["item"] = {"id": item, "text": "some text", "gold": changes.get("gold"), "attributes": {"market": "BR"}}
    plain.pop("gold", None)
    plain["annotator"] = {"id": annotator, "kind": kind}
    return ARecord(
        orjson.dumps({"annotation": plain, "findings": [], "score": score, "contract_version": 7}), timestamp=at
    )


class Fed:
    """A consensus of one partition, its state, and everything it has said."""

    def __init__(
        self,
        *contracts: LabelContract,
        pool: Exchange | None = None,
        origin: PartitionOrigin = ALONE,
        state: PartitionState | None = None,
        watched: bool = True,
    ) -> None:
        self.projects: dict[str, ConsensusProject] = {}
        for one in contracts or (a_contract(),):
            self.adopt(one)
        self.pool, self.state = pool or Exchange(), state or PartitionState()
        self.core = ConsensusCore(self.projects, self.pool, origin, self.state, watched=watched)
        self.said: list[Output] = []
        self.now = BEGAN_MS

    def adopt(self, contract: LabelContract) -> None:
        """Put a contract in force."""
        self.projects[contract.project] = ConsensusProject(contract, make_truth)

    def hear(self, *records: ARecord) -> Step:
        """Feed one batch."""
        step = self.core.step(self.state, records)
        self.now = max(self.now, *(record.timestamp for record in records))
        self._take(step)
        return step

    def rest(self) -> None:
        """Let quiet moments pass until nothing more is said."""
        for now, step in run_until_converged(self.core, self.now):
            self.now = now
            self._take(step)

    def values(self, topic: str) -> list[Any]:
        """Return what was said on a topic, decoded."""
        return [None if one.value is None else orjson.loads(one.value) for one in self.said if one.topic == topic]

    def newest(self, topic: str = "items.consensus") -> Json:
        return self.values(topic)[-1]

    def _take(self, step: Step) -> None:
        self.state.apply(step.changes)
        self.said += step.outputs
        for output in step.outputs:
            if output.topic == COUNTS.name:
                self.pool.receive_counts(output.key or b"", output.value)
            elif output.topic == PANES.name:
                self.pool.receive_cell(output.key or b"", output.value)


def a_crowd(*, items: int, annotators: int, wrong: Sequence[int] = ()) -> Iterator[ARecord]:
    """Yield annotations of many items by annotators who agree, but for those numbers that always say `scam`."""
    for number in range(items):
        for who in range(annotators):
            label = "scam" if who in wrong else ("safe", "adult")[number % 2]
            yield a_validated(item=f"c{number}", annotator=f"w{who}", label=label)
