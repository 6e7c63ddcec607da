"""Decide which annotations of an item are corrected, and which corrections are retracted."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from assay_models.truth.truth_model import ItemJudgement
from assay_schemas.annotation import AnnotatorId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import CORRECTED
from assay_services.consensus.core.item_state import ConsensusItem, StandingCorrection, Vote
from assay_services.engine.core.cloudevents import event, iso
from assay_services.engine.core.core_api import Output

_RETRACTION_SLACK = 6.0
"""Retract a correction once its annotation is six times as plausible as the threshold; a smaller factor flickers."""


class Corrections(NamedTuple):
    """The decision on one item: events, the corrections in force by annotator, and how many ids it has used."""

    events: list[Output]
    in_force: dict[AnnotatorId, StandingCorrection]
    id_count: int
    made: int
    retracted: int


def decide_corrections(
    key: bytes, item: ConsensusItem, judgement: ItemJudgement, contract: LabelContract, now: int
) -> Corrections:
    """Return the corrections and retractions that follow from a judgement of an item at `now` (ms).

    A correction's id is a hash of the item's key and a running number, so a repeated step yields the same id.
    """
    in_force, count, events = dict(item.corrections_in_force), item.correction_count, list[Output]()
    retracted = 0
    for annotator, reason, seen in _retractions(item, judgement, contract):
        count, retracted = count + 1, retracted + 1
        standing = in_force.pop(annotator)
        body = {
            "was": standing.was,
            "annotation": standing.annotation,
            "label": None if seen is None else seen.label,
            "probability": None if seen is None else round(seen.doubt(standing.was), 6),
            "retracts": standing.id,
            "reason": reason,
        }
        events.append(_event(key, item, annotator, _id(key, count), body, contract, now))
    for annotator, vote in _wrong_votes(item, judgement, contract):
        if annotator in in_force:
            continue
        count += 1
        in_force[annotator] = StandingCorrection(_id(key, count), vote.annotation, vote.label, judgement.label)
        body = {
            "was": vote.label,
            "annotation": vote.annotation,
            "label": judgement.label,
            "probability": round(judgement.doubt(vote.label), 6),
            "retracts": None,
            "reason": _reason(item),
        }
        events.append(_event(key, item, annotator, _id(key, count), body, contract, now))
    return Corrections(events, in_force, count, made=len(events) - retracted, retracted=retracted)


def _retractions(
    item: ConsensusItem, judgement: ItemJudgement, contract: LabelContract
) -> Iterator[tuple[AnnotatorId, str, ItemJudgement | None]]:
    """Yield the annotator, the reason, and the judgement that supports the annotation (None: changed or withdrawn)."""
    options = contract.consensus
    keep_at = 1 - _RETRACTION_SLACK * (1 - options.correct_at)
    for annotator, standing in item.corrections_in_force.items():
        vote = item.votes.get(annotator)
        if vote is None or vote.annotation != standing.annotation:
            yield annotator, "the annotation was changed or withdrawn", None
        elif judgement.doubt(vote.label) < keep_at or judgement.label == vote.label:
            yield annotator, "later annotations speak for it", judgement
        elif judgement.label != standing.label and (judgement.probability or 0.0) >= options.accept_at:
            yield annotator, "another label is more probable now", judgement


def _wrong_votes(
    item: ConsensusItem, judgement: ItemJudgement, contract: LabelContract
) -> Iterator[tuple[AnnotatorId, Vote]]:
    """Yield the votes that are wrong with at least the contract's probability, if the item has enough votes."""
    options = contract.consensus
    settled = item.adjudication is not None or item.gold is not None
    if not settled and len(item.votes) < options.correct_votes:
        return
    for annotator, vote in item.votes.items():
        if vote.label != judgement.label and judgement.doubt(vote.label) >= options.correct_at:
            yield annotator, vote


def _reason(item: ConsensusItem) -> str:
    if item.adjudication is not None:
        return "an adjudicator says so"
    if item.gold is not None:
        return "the right label is known"
    return f"{len(item.votes)} annotations and what is known of their authors speak against it"


def _id(key: bytes, count: int) -> str:
    return blake2b(b"%b\0%d" % (key, count), digest_size=12).hexdigest()


def _event(  # the fields of every correction
    key: bytes,
    item: ConsensusItem,
    annotator: AnnotatorId,
    made: str,
    body: Mapping[str, Any],
    contract: LabelContract,
    now: int,
) -> Output:
    value = {
        "id": made,
        "project": item.project,
        "item": item.item,
        "annotator": annotator,
        **body,
        "contract_version": contract.version,
        "as_of": iso(now),
    }
    return event(CORRECTED.name, key, value, kind="correction", source="consensus")
