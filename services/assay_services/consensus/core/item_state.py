"""The state of one item, and how an annotation changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from assay_models.rules.canonical_label import LabelReader
from assay_models.truth.truth_model import GivenLabel, ItemFacts
from assay_schemas.annotation import AnnotationId, AnnotatorId, ItemId, Label, ProjectId
from assay_schemas.record_key import record_key

_MILLION = 1_000_000


class Vote(NamedTuple):
    """One annotator's live annotation: when it was made (µs since 1970), its id and its label.

    `copied`: the label equals the pre-label. `lead_time_seconds`: how long the annotator took; None if unknown.
    `judged`: the vote was published on `items.judged` for the conduct service.
    """

    occurred_us: int
    annotation: AnnotationId
    label: Any
    copied: bool
    lead_time_seconds: float | None = None
    prelabel: Any = None
    judged: bool = False


class StandingCorrection(NamedTuple):
    """A correction in force: its id, the annotation's id, its label, and the label that replaces it."""

    id: str
    annotation: AnnotationId
    was: Any
    label: Any


class PublishedConsensus(NamedTuple):
    """The consensus that was last published of an item; `review`: whether a review was requested."""

    label: Any
    probability: float | None
    status: str
    review: bool


@dataclass(slots=True)
class ConsensusItem:
    """One item.

    `votes` are the live annotations by annotator. `withdrawn_us` has the time (µs since 1970) at which an annotator
    withdrew an annotation, to ignore older ones that arrive later. `decisions` are the live annotations of
    adjudicators by their names; the newest one is in force. `unsigned_decision` is one whose author an earlier version
    did not store. `unfit_votes` and `unfit_decisions` have labels that the contract in force does not know; they count
    for nothing until a contract knows them.
    `model_probabilities` are the consistency model's, by label. `posterior` is the truth model's own stored form.
    `newest_us` is the time of the newest annotation (µs since 1970), `heard_ms` when one last changed the item (ms
    since 1970, Kafka's time). `text_length` is in characters. `closed`: still stored, but no longer in the truth model.
    """

    project: ProjectId
    item: ItemId
    votes: dict[AnnotatorId, Vote] = field(default_factory=dict)
    withdrawn_us: dict[AnnotatorId, int] = field(default_factory=dict)
    unsigned_decision: Vote | None = None
    gold: Label | None = None
    model_probabilities: dict[str, float] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    posterior: Any = None
    corrections_in_force: dict[AnnotatorId, StandingCorrection] = field(default_factory=dict)
    correction_count: int = 0
    published: PublishedConsensus | None = None
    newest_us: int = -1
    heard_ms: int = 0
    text_length: int = 0
    closed: bool = False
    decisions: dict[AnnotatorId, Vote] = field(default_factory=dict)
    unfit_votes: dict[AnnotatorId, Vote] = field(default_factory=dict)
    unfit_decisions: dict[AnnotatorId, Vote] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        """Return the item's key: `project:item`."""
        return record_key(self.project, self.item)

    @property
    def adjudication(self) -> Vote | None:
        """Return the newest live annotation of an adjudicator, or None."""
        if not self.decisions:
            return self.unsigned_decision
        return max(self.decisions.values(), key=_decided_at)

    @property
    def newest_live_us(self) -> int | None:
        """Return when the newest live annotation was made (µs since 1970), or None if the item has none."""
        return max([vote.occurred_us for vote in self.votes.values()], default=None)

    @property
    def newest_minute(self) -> int:
        """Return the minute (since 1970) of the newest live annotation; 0 if the item has none."""
        return (self.newest_live_us or 0) // (60 * _MILLION)

    def remember(
        self,
        published: PublishedConsensus,
        corrections: Mapping[AnnotatorId, StandingCorrection],
        correction_count: int,
    ) -> None:
        """Record what was published of the item."""
        self.published = published
        self.corrections_in_force = dict(corrections)
        self.correction_count = correction_count

    def sort_votes(self, labels: "LabelReaders") -> bool:
        """Set aside what the contract's labels do not fit, and take back what they do; return whether anything moved.

        Gold that is no label of the contract is dropped: it comes again with the next annotation.
        """
        votes = _sorted(self.votes, self.unfit_votes, labels.read_label)
        decisions = _sorted(self.decisions, self.unfit_decisions, labels.read_label)
        gold = None if self.gold is None else labels.read_gold(self.gold)
        moved = votes is not None or decisions is not None or gold != self.gold
        self.gold = gold
        if votes is not None:
            self.votes, self.unfit_votes = votes
        if decisions is not None:
            self.decisions, self.unfit_decisions = decisions
        return moved

    def mark_votes_judged(self) -> None:
        """Record that all votes were published on `items.judged`."""
        self.votes = {who: vote if vote.judged else vote._replace(judged=True) for who, vote in self.votes.items()}

    def _dump_rare_fields(self) -> list[Any]:
        """Return the last fields of the stored form, which most items do not have."""
        rare = (self.decisions, self.unfit_votes, self.unfit_decisions)
        length = max((place for place, votes in enumerate(rare, 1) if votes), default=0)
        return [{who: tuple(vote) for who, vote in votes.items()} for votes in rare[:length]]

    def dump(self) -> bytes:
        """Return the stored form: a JSON array whose order of fields is the format."""
        return orjson.dumps(
            (
                self.project,
                self.item,
                {who: tuple(vote) for who, vote in self.votes.items()},
                self.withdrawn_us,
                self.unsigned_decision and tuple(self.unsigned_decision),
                self.gold,
                self.model_probabilities,
                self.attributes,
                self.posterior,
                {who: tuple(one) for who, one in self.corrections_in_force.items()},
                self.correction_count,
                self.published and tuple(self.published),
                self.newest_us,
                self.heard_ms,
                self.text_length,
                self.closed,
                *self._dump_rare_fields(),
            )
        )


def _sorted(
    fit: Mapping[AnnotatorId, Vote], unfit: Mapping[AnnotatorId, Vote], read: LabelReader
) -> tuple[dict[AnnotatorId, Vote], dict[AnnotatorId, Vote]] | None:
    """Return the votes that fit and those that do not; None if they are sorted already."""
    gone = [who for who, vote in fit.items() if read(vote.label) is None]
    back = [who for who, vote in unfit.items() if read(vote.label) is not None]
    if not gone and not back:
        return None
    every = {**unfit, **fit}
    out = {who for who, vote in every.items() if read(vote.label) is None}
    fitting = {who: vote for who, vote in every.items() if who not in out}
    return fitting, {who: vote for who, vote in every.items() if who in out}


def load_item(raw: bytes) -> ConsensusItem:
    """Parse an item from its stored form."""
    found = ConsensusItem(*orjson.loads(raw))
    found.votes = {who: Vote(*vote) for who, vote in found.votes.items()}
    found.unsigned_decision = None if found.unsigned_decision is None else Vote(*found.unsigned_decision)
    for name in ("decisions", "unfit_votes", "unfit_decisions"):
        setattr(found, name, {who: Vote(*vote) for who, vote in getattr(found, name).items()})
    found.corrections_in_force = {who: StandingCorrection(*one) for who, one in found.corrections_in_force.items()}
    found.published = None if found.published is None else PublishedConsensus(*found.published)
    return found


_ADJUDICATOR = "adjudicator"


class LabelReaders(NamedTuple):
    """How the contract in force reads labels and gold: to their canonical form, or None for what is no label of it."""

    read_label: LabelReader
    read_gold: LabelReader

    def fit(self, heard: "IncomingAnnotation") -> bool:
        """Return whether an annotation's label and gold are labels of the contract, in canonical form."""
        label = None if heard.vote is None else heard.vote.label
        fits = label is None or self.read_label(label) is not None
        return fits and (heard.gold is None or self.read_gold(heard.gold) == heard.gold)


class IncomingAnnotation(NamedTuple):
    """One validated annotation. `vote` is None if it was deleted or skipped; `occurred` is in µs since 1970."""

    project: ProjectId
    item: ItemId
    annotator: AnnotatorId
    kind: str
    annotation: AnnotationId
    vote: Vote | None
    occurred: int
    gold: Label | None
    attributes: Mapping[str, str]
    length: int
    view: Mapping[str, float]

    @property
    def key(self) -> bytes:
        """Return the key of the item: `project:item`."""
        return record_key(self.project, self.item)


def apply_annotation(item: ConsensusItem, heard: IncomingAnnotation) -> bool:
    """Apply an annotation to its item; return False, without a change, if one at least as new is known."""
    who = heard.annotator
    known = item.votes.get(who) or item.unfit_votes.get(who)
    if heard.occurred < item.withdrawn_us.get(who, -1):
        return False
    if known is not None and (known.occurred_us, known.annotation) >= (heard.occurred, heard.annotation):
        return False
    if heard.occurred >= item.newest_us:
        item.newest_us, item.text_length, item.attributes = heard.occurred, heard.length, dict(heard.attributes)
    item.gold = item.gold if heard.gold is None else heard.gold
    if heard.kind == _ADJUDICATOR:
        return _apply_adjudication(item, heard)
    item.model_probabilities = {**item.model_probabilities, **heard.view}
    item.unfit_votes.pop(who, None)
    if heard.vote is None:
        item.votes.pop(who, None)
        item.withdrawn_us[who] = heard.occurred
    else:
        item.votes[who] = heard.vote
        item.withdrawn_us.pop(who, None)
    return True


def _apply_adjudication(item: ConsensusItem, heard: IncomingAnnotation) -> bool:
    """Store or withdraw the decision of one adjudicator; those of the others stay."""
    who = heard.annotator
    known = item.decisions.get(who) or item.unfit_decisions.get(who)
    unsigned = item.unsigned_decision
    newest = max([one.occurred_us for one in (known, unsigned) if one is not None], default=-1)
    if newest > heard.occurred:
        return False
    item.unsigned_decision = None
    item.unfit_decisions.pop(who, None)
    item.votes = {name: vote._replace(judged=False) for name, vote in item.votes.items()}
    if heard.vote is None:
        item.decisions.pop(who, None)
        item.withdrawn_us[who] = heard.occurred
    else:
        item.decisions[who] = heard.vote
        item.withdrawn_us.pop(who, None)
    return True


def _decided_at(decision: Vote) -> tuple[int, str]:
    return decision.occurred_us, decision.annotation


def facts_of(item: ConsensusItem) -> ItemFacts:
    """Return the input of a truth model for an item; an adjudicated label counts as gold."""
    adjudication = item.adjudication
    known = item.gold if adjudication is None else adjudication.label
    return ItemFacts(
        {who: GivenLabel(vote.label, vote.copied) for who, vote in item.votes.items()},
        known,
        item.model_probabilities or None,
    )
