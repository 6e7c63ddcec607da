"""What is said of an item: its consensus, corrections and retractions, and whether a person should look at it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from assay_models.truth.truth_model import ItemJudgement
from assay_schemas.annotation import EPOCH, Label
from assay_schemas.consensus import Status
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import CONSENSUS, CORRECTED, JUDGED, REVIEW
from assay_services.consensus.core.item_state import ConsensusItem, PublishedConsensus, StandingCorrection, Vote
from assay_services.engine.core import cloudevents
from assay_services.engine.core.cloudevents import iso
from assay_services.engine.core.core_api import Output

_NOTICEABLE = 0.005
_RETRACTION_SLACK = 6.0
"""A correction is taken back when the annotation is six times as plausible as was allowed: nearer it would flicker."""


_WHY = {Status.DISPUTED: "disputed", Status.ACCEPTED: "one more annotation would say much"}


class PartitionOrigin(NamedTuple):
    """Which partition speaks, and of how many."""

    partition: int
    partitions: int


@dataclass(frozen=True, slots=True)
class ItemEvents:
    """How the items of one project are spoken of at one moment."""

    contract: LabelContract
    now: int
    notes: Counter[tuple[str, ...]]

    def build(self, key: bytes, item: ConsensusItem, judgement: ItemJudgement, *, heard: bool) -> list[Output]:
        """Return what is to be published of an item, and note on the item what was said."""
        status = self._status(item, judgement)
        review = status is Status.DISPUTED or self._is_worth_a_vote(status, judgement)
        before = item.published
        if not heard and before is not None and not _moved(before, judgement, status):
            return []
        item.published = PublishedConsensus(judgement.label, judgement.probability, status.value, review)
        said = [self._consensus(key, item, judgement, status)]
        said += self._corrections(key, item, judgement)
        if review:
            said.append(self._review(key, item, judgement, status))
        elif before is not None and before.review:
            said.append(Output(REVIEW.name, key, None, []))
        return said

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
        return Status.ACCEPTED if sure else Status.DISPUTED

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

    def _corrections(self, key: bytes, item: ConsensusItem, judgement: ItemJudgement) -> list[Output]:
        options = self.contract.consensus
        settled = item.adjudication is not None or item.gold is not None
        enough = settled or len(item.votes) >= options.correct_votes
        keep_at = 1 - _RETRACTION_SLACK * (1 - options.correct_at)
        said: list[Output] = []
        for who, standing in list(item.corrections_in_force.items()):
            vote = item.votes.get(who)
            if vote is None or vote.annotation != standing.annotation:
                said.append(self._retraction(key, item, who, None, "the annotation was changed or withdrawn"))
            elif judgement.doubt(vote.label) < keep_at or judgement.label == vote.label:
                said.append(self._retraction(key, item, who, judgement, "later annotations speak for it"))
            elif judgement.label != standing.label and (judgement.probability or 0.0) >= options.accept_at:
                said.append(self._retraction(key, item, who, judgement, "another label is more probable now"))
        for who, vote in item.votes.items() if enough else ():
            if vote.label == judgement.label or who in item.corrections_in_force:
                continue
            if judgement.doubt(vote.label) >= options.correct_at:
                said.append(self._correction(key, item, who, judgement))
        return said

    def _correction(self, key: bytes, item: ConsensusItem, who: str, judgement: ItemJudgement) -> Output:
        vote = item.votes[who]
        made = self._next_id(key, item)
        self.notes["corrections", item.project, "correction"] += 1
        item.corrections_in_force[who] = StandingCorrection(made, vote.annotation, vote.label, judgement.label)
        reason = f"{len(item.votes)} annotations and what is known of their authors speak against it"
        if item.adjudication is not None or item.gold is not None:
            reason = "an adjudicator says so" if item.adjudication is not None else "the right label is known"
        return self._corrected(
            key, item, who, made, was=vote.label, annotation=vote.annotation, label=judgement.label,
            probability=round(judgement.doubt(vote.label), 6), retracts=None, reason=reason,
        )  # fmt: skip

    def _retraction(
        self, key: bytes, item: ConsensusItem, who: str, judgement: ItemJudgement | None, reason: str
    ) -> Output:
        standing = item.corrections_in_force.pop(who)
        doubt = None if judgement is None else round(judgement.doubt(standing.was), 6)
        self.notes["corrections", item.project, "retraction"] += 1
        return self._corrected(
            key, item, who, self._next_id(key, item), was=standing.was, annotation=standing.annotation,
            label=None if judgement is None else judgement.label,
            probability=doubt,
            retracts=standing.id, reason=reason,
        )  # fmt: skip

    def _corrected(self, key: bytes, item: ConsensusItem, who: str, made: str, **rest: Any) -> Output:  # noqa: ANN401
        value = {
            "id": made,
            "project": item.project,
            "item": item.item,
            "annotator": who,
            **rest,
            "contract_version": self.contract.version,
            "as_of": iso(self.now),
        }
        return event(CORRECTED.name, key, value, kind="correction")

    def _next_id(self, key: bytes, item: ConsensusItem) -> str:
        """Return an id that is the same whenever the same step is taken again."""
        item.correction_count += 1
        return blake2b(b"%b\0%d" % (key, item.correction_count), digest_size=12).hexdigest()

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


def _moved(before: PublishedConsensus, judgement: ItemJudgement, status: Status) -> bool:
    """Tell whether an item that nothing was heard of is worth another word."""
    if before.label != judgement.label or before.status != status.value:
        return True
    return abs((before.probability or 0.0) - (judgement.probability or 0.0)) >= _NOTICEABLE


def event(topic: str, key: bytes, value: Mapping[str, Any], *, kind: str) -> Output:
    """Return a record that the consensus publishes."""
    return cloudevents.event(topic, key, value, kind=kind, source="consensus")


_FEWEST_OTHERS = 2

Without = Mapping[str, tuple[Label, float]]
"""By annotator: the likeliest label without their vote, and how probable it is."""


def has_unpublished_votes(item: ConsensusItem, contract: LabelContract) -> bool:
    """Tell whether an item has its annotations, or its right label, and some that nobody was told of."""
    known = item.adjudication is not None or item.gold is not None
    complete = known or len(item.votes) >= contract.redundancy
    return complete and not all(vote.judged for vote in item.votes.values())


def judged_item_event(key: bytes, item: ConsensusItem, without: Without, now: int) -> Output:
    """Return an item's annotations as they are told, and note on the item that they were."""
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
    item.votes = {who: vote if vote.judged else vote._replace(judged=True) for who, vote in item.votes.items()}
    return event(JUDGED.name, key, value, kind="judged")


def _vote(who: str, vote: Vote, item: ConsensusItem, without: Without) -> Mapping[str, Any]:
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


def _consensus_without(who: str, item: ConsensusItem, without: Without) -> tuple[Label, float]:
    found = without.get(who)
    return found or plurality([vote.label for annotator, vote in item.votes.items() if annotator != who])


def plurality(labels: Sequence[Label]) -> tuple[Label, float]:
    """Return the label that is said most, of several the first by its text, and by which share (0-1)."""
    texts = [orjson.dumps(label, option=orjson.OPT_SORT_KEYS) for label in labels]
    counts = Counter(texts)
    best = min(counts, key=lambda text: (-counts[text], text))
    return labels[texts.index(best)], round(counts[best] / len(labels), 6)
