"""What the consensus remembers of an open item."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from assay_models.truth.truth_model import GivenLabel, ItemFacts
from assay_schemas.annotation import Label

_MILLION = 1_000_000


class Vote(NamedTuple):
    """One annotator's live annotation: when it was made (µs since 1970), its id, its label.

    `copied`: the label is the pre-label, unchanged. `lead`: the seconds it took. `judged`: told to those who watch the
    annotators' conduct.
    """

    occurred_us: int
    annotation: str
    label: Any
    copied: bool
    lead_time_seconds: float | None = None
    prelabel: Any = None
    judged: bool = False


class StandingCorrection(NamedTuple):
    """A correction that stands: its id, the annotation, what that said, and the label in its place."""

    id: str
    annotation: str
    was: Any
    label: Any


class PublishedConsensus(NamedTuple):
    """What was published last of an item; `review`: whether a person was asked to look at it."""

    label: Any
    probability: float | None
    status: str
    review: bool


@dataclass(slots=True)
class ConsensusItem:
    """One item.

    `votes` are the live annotations; `gone` the newest times of annotators whose annotation was withdrawn, so that
    nothing older comes back. `word` is the adjudicator's label. `view` is what the consistency model gives each
    label it has been asked about. `posterior` is the truth model's own. `seen` is the newest time of anything
    (µs), `heard` when something was last heard (ms), `length` that of the text. `closed`: kept, no longer at work.
    """

    project: str
    item: str
    votes: dict[str, Vote] = field(default_factory=dict)
    withdrawn_us: dict[str, int] = field(default_factory=dict)
    adjudication: Vote | None = None
    gold: Label | None = None
    model_probabilities: dict[str, float] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    posterior: Any = None
    corrections_in_force: dict[str, StandingCorrection] = field(default_factory=dict)
    correction_count: int = 0
    published: PublishedConsensus | None = None
    newest_us: int = -1
    heard_ms: int = 0
    text_length: int = 0
    closed: bool = False

    @property
    def newest_live_us(self) -> int | None:
        """Return when the newest live annotation was made (µs since 1970), or None where there is none."""
        return max([vote.occurred_us for vote in self.votes.values()], default=None)

    @property
    def newest_minute(self) -> int:
        """Return the minute (since 1970) of the newest live annotation; there must be one."""
        return (self.newest_live_us or 0) // (60 * _MILLION)

    def remember(
        self, published: PublishedConsensus, corrections: Mapping[str, StandingCorrection], correction_count: int
    ) -> None:
        """Remember what was published of the item."""
        self.published = published
        self.corrections_in_force = dict(corrections)
        self.correction_count = correction_count

    def mark_votes_judged(self) -> None:
        """Remember that all votes were published on `items.judged`."""
        self.votes = {who: vote if vote.judged else vote._replace(judged=True) for who, vote in self.votes.items()}

    def dump(self) -> bytes:
        """Return the stored form: a JSON array whose order of fields is the format."""
        return orjson.dumps(
            (
                self.project,
                self.item,
                {who: tuple(vote) for who, vote in self.votes.items()},
                self.withdrawn_us,
                self.adjudication and tuple(self.adjudication),
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
            )
        )


def load_item(raw: bytes) -> ConsensusItem:
    """Read an item back."""
    found = ConsensusItem(*orjson.loads(raw))
    found.votes = {who: Vote(*vote) for who, vote in found.votes.items()}
    found.adjudication = None if found.adjudication is None else Vote(*found.adjudication)
    found.corrections_in_force = {who: StandingCorrection(*one) for who, one in found.corrections_in_force.items()}
    found.published = None if found.published is None else PublishedConsensus(*found.published)
    return found


_ADJUDICATOR = "adjudicator"


class IncomingAnnotation(NamedTuple):
    """One validated annotation. `vote` is None where it was deleted or skipped."""

    project: str
    item: str
    annotator: str
    kind: str
    annotation: str
    vote: Vote | None
    occurred: int
    gold: Label | None
    attributes: Mapping[str, str]
    length: int
    view: Mapping[str, float]

    @property
    def key(self) -> bytes:
        """Return the key of the item: `project:item`."""
        return f"{self.project}:{self.item}".encode()


def apply_annotation(item: ConsensusItem, heard: IncomingAnnotation) -> bool:
    """Take over an annotation; False, and nothing changes, where something at least as new is known."""
    who = heard.annotator
    known = item.votes.get(who)
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
    if heard.vote is None:
        item.votes.pop(who, None)
        item.withdrawn_us[who] = heard.occurred
    else:
        item.votes[who] = heard.vote
        item.withdrawn_us.pop(who, None)
    return True


def _apply_adjudication(item: ConsensusItem, heard: IncomingAnnotation) -> bool:
    if item.adjudication is not None and item.adjudication.occurred_us > heard.occurred:
        return False
    item.adjudication = heard.vote
    item.votes = {who: vote._replace(judged=False) for who, vote in item.votes.items()}
    if heard.vote is None:
        item.withdrawn_us[heard.annotator] = heard.occurred
    return True


def facts_of(item: ConsensusItem) -> ItemFacts:
    """Return what a truth model is given of an item; an adjudicated label counts as gold."""
    known = item.gold if item.adjudication is None else item.adjudication.label
    return ItemFacts(
        {who: GivenLabel(vote.label, vote.copied) for who, vote in item.votes.items()},
        known,
        item.model_probabilities or None,
    )
