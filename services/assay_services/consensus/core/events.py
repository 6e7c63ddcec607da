"""Build the events about an item: consensus, corrections, review requests, and the input of the conduct service."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from assay_models.truth.truth_model import ItemJudgement
from assay_schemas.annotation import EPOCH, AnnotatorId, Label
from assay_schemas.consensus import Status
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import CONSENSUS, JUDGED, REVIEW
from assay_services.consensus.core.corrections import Corrections, decide_corrections
from assay_services.consensus.core.item_state import ConsensusItem, PublishedConsensus, Vote
from assay_services.engine.core import cloudevents
from assay_services.engine.core.cloudevents import iso
from assay_services.engine.core.core_api import Output

_NOTICEABLE = 0.005
"""A smaller change of a probability is not published again."""

_FEWEST_OTHERS = 2
_WHY = {Status.DISPUTED: "disputed", Status.ACCEPTED: "one more annotation would say much"}


class PartitionOrigin(NamedTuple):
    """The publishing partition, and the number of partitions."""

    partition: int
    partitions: int


class ItemPublication(NamedTuple):
    """The events about one item, and what the item has to remember of them (see `ConsensusItem.remember`)."""

    outputs: list[Output]
    published: PublishedConsensus
    corrections: Corrections


@dataclass(frozen=True, slots=True)
class ItemEvents:
    """Builds the events of one project's items at one moment (`now` in ms)."""

    contract: LabelContract
    now: int

    def build(
        self, key: bytes, item: ConsensusItem, judgement: ItemJudgement, *, changed: bool
    ) -> ItemPublication | None:
        """Return what to publish of an item; None if no annotation `changed` it and its judgement hardly moved."""
        status = self._status(item, judgement)
        review = status is Status.DISPUTED or self._is_worth_a_vote(status, judgement)
        before = item.published
        if not changed and before is not None and not _has_moved(before, judgement, status):
            return None
        corrections = decide_corrections(key, item, judgement, self.contract, self.now)
        outputs = [self._consensus(key, item, judgement, status), *corrections.events]
        if review:
            outputs.append(self._review(key, item, judgement, status))
        elif before is not None and before.review:
            outputs.append(Output(REVIEW.name, key, None, []))
        published = PublishedConsensus(judgement.label, judgement.probability, status.value, review)
        return ItemPublication(outputs, published, corrections)

    def _status(self, item: ConsensusItem, judgement: ItemJudgement) -> Status:
        if item.adjudication is not None:
            return Status.ADJUDICATED
        if item.gold is not None:
            return Status.GOLD
        if not item.votes:
            return Status.EMPTY
        if len(item.votes) < self.contract.redundancy:
            return Status.OPEN
        sure = judgement.probability is not None and judgement.probability >= self.contract.consensus.accept_at
        if sure:
            return Status.ACCEPTED
        return Status.OPEN if is_unanimous(item) else Status.DISPUTED

    def _is_worth_a_vote(self, status: Status, judgement: ItemJudgement) -> bool:
        return status is Status.ACCEPTED and judgement.gain >= self.contract.consensus.review_gain

    def _consensus(self, key: bytes, item: ConsensusItem, judgement: ItemJudgement, status: Status) -> Output:
        value = {
            "project": item.project,
            "item": item.item,
            "label": judgement.label,
            "probability": judgement.probability,
            "probabilities": judgement.probabilities,
            "votes": len(item.votes),
            "status": status.value,
            "contract_version": self.contract.version,
            "as_of": iso(self.now),
        }
        return event(CONSENSUS.name, key, value, kind="consensus")

    def _review(self, key: bytes, item: ConsensusItem, judgement: ItemJudgement, status: Status) -> Output:
        shown = "no label" if judgement.probability is None else f"{judgement.probability:.0%} for the likeliest label"
        value = {
            "project": item.project,
            "item": item.item,
            "reason": f"{_WHY[status]}: {shown}, of {len(item.votes)} annotations",
            "priority": judgement.gain,
            "label": judgement.label,
            "probability": judgement.probability,
            "votes": len(item.votes),
            "as_of": iso(self.now),
        }
        return event(REVIEW.name, key, value, kind="review")


def is_unanimous(item: ConsensusItem) -> bool:
    """Return whether all annotators of an item gave the same label: then nobody disputes it, however unsure it is."""
    first, *others = (vote.label for vote in item.votes.values())
    return all(label == first for label in others)


def _has_moved(before: PublishedConsensus, judgement: ItemJudgement, status: Status) -> bool:
    """Return whether a judgement differs enough from the published one to be published."""
    if before.label != judgement.label or before.status != status.value:
        return True
    return abs((before.probability or 0.0) - (judgement.probability or 0.0)) >= _NOTICEABLE


def event(topic: str, key: bytes, value: Mapping[str, Any], *, kind: str) -> Output:
    """Return a record published by the consensus."""
    return cloudevents.event(topic, key, value, kind=kind, source="consensus")


Without = Mapping[AnnotatorId, tuple[Label, float]]
"""By annotator: the likeliest label without their vote, and its probability."""


def has_unpublished_votes(item: ConsensusItem, contract: LabelContract) -> bool:
    """Return whether an item is complete (enough votes, or a known label) and has votes not yet on `items.judged`."""
    known = item.adjudication is not None or item.gold is not None
    complete = known or len(item.votes) >= contract.redundancy
    return complete and not all(vote.judged for vote in item.votes.values())


def judged_item_event(key: bytes, item: ConsensusItem, without: Without, now: int) -> Output:
    """Return an item with its annotations, each beside the consensus of the others, for the conduct service."""
    value = {
        "project": item.project,
        "item": item.item,
        "text_length": item.text_length,
        "gold": item.gold if item.adjudication is None else item.adjudication.label,
        "model_label": max(item.model_probabilities, key=lambda label: item.model_probabilities[label], default=None),
        "attributes": item.attributes,
        "annotations": [_vote(who, vote, item, without) for who, vote in sorted(item.votes.items())],
        "as_of": iso(now),
    }
    return event(JUDGED.name, key, value, kind="judged")


def _vote(who: AnnotatorId, vote: Vote, item: ConsensusItem, without: Without) -> Mapping[str, Any]:
    label, probability = _consensus_without(who, item, without) if len(item.votes) > _FEWEST_OTHERS else (None, None)
    return {
        "annotator": who,
        "annotation": vote.annotation,
        "label": vote.label,
        "occurred_at": EPOCH + timedelta(microseconds=vote.occurred_us),
        "lead_time_seconds": vote.lead_time_seconds,
        "prelabel": vote.prelabel,
        "consensus": label,
        "consensus_probability": probability,
        "fresh": not vote.judged,
    }


def _consensus_without(who: AnnotatorId, item: ConsensusItem, without: Without) -> tuple[Label, float]:
    found = without.get(who)
    return found or plurality([vote.label for annotator, vote in item.votes.items() if annotator != who])


def plurality(labels: Sequence[Label]) -> tuple[Label, float]:
    """Return the most frequent label (of several, the first by its text) and its share (0-1)."""
    texts = [orjson.dumps(label, option=orjson.OPT_SORT_KEYS) for label in labels]
    counts = Counter(texts)
    best = min(counts, key=lambda text: (-counts[text], text))
    return labels[texts.index(best)], round(counts[best] / len(labels), 6)
