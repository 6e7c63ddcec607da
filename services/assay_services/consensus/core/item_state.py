"""What the consensus remembers of an open item."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from assay_schemas.annotation import Label

_MILLION = 1_000_000


class Vote(NamedTuple):
    """One annotator's live annotation: when it was made (µs since 1970), its id, its label.

    `copied`: the label is the pre-label, unchanged. `lead`: the seconds it took. `judged`: told to those who watch the
    annotators' conduct.
    """

    occurred: int
    annotation: str
    label: Any
    copied: bool
    lead: float | None = None
    prelabel: Any = None
    judged: bool = False


class Standing(NamedTuple):
    """A correction that stands: its id, the annotation, what that said, and the label in its place."""

    id: str
    annotation: str
    was: Any
    label: Any


class Said(NamedTuple):
    """What was published last of an item; `review`: whether a person was asked to look at it."""

    label: Any
    probability: float | None
    status: str
    review: bool


@dataclass(slots=True)
class OpenItem:
    """One item.

    `votes` are the live annotations; `gone` the newest times of annotators whose annotation was withdrawn, so that
    nothing older comes back. `word` is the adjudicator's label. `view` is what the consistency model gives each
    label it has been asked about. `posterior` is the truth model's own. `seen` is the newest time of anything
    (µs), `heard` when something was last heard (ms), `length` that of the text. `closed`: kept, no longer at work.
    """

    project: str
    item: str
    votes: dict[str, Vote] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    word: Vote | None = None
    gold: Label | None = None
    view: dict[str, float] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    posterior: Any = None
    standing: dict[str, Standing] = field(default_factory=dict)
    corrections: int = 0
    said: Said | None = None
    seen: int = -1
    heard: int = 0
    length: int = 0
    closed: bool = False

    @property
    def newest(self) -> int | None:
        """Return when the newest live annotation was made (µs since 1970), or None where there is none."""
        return max([vote.occurred for vote in self.votes.values()], default=None)

    @property
    def minute(self) -> int:
        """Return the minute (since 1970) of the newest live annotation; there must be one."""
        return (self.newest or 0) // (60 * _MILLION)

    def dump(self) -> bytes:
        """Return what is kept."""
        return orjson.dumps(
            (
                self.project,
                self.item,
                {who: tuple(vote) for who, vote in self.votes.items()},
                self.gone,
                self.word and tuple(self.word),
                self.gold,
                self.view,
                self.attributes,
                self.posterior,
                {who: tuple(one) for who, one in self.standing.items()},
                self.corrections,
                self.said and tuple(self.said),
                self.seen,
                self.heard,
                self.length,
                self.closed,
            )
        )


def load_item(raw: bytes) -> OpenItem:
    """Read an item back."""
    found = OpenItem(*orjson.loads(raw))
    found.votes = {who: Vote(*vote) for who, vote in found.votes.items()}
    found.word = None if found.word is None else Vote(*found.word)
    found.standing = {who: Standing(*one) for who, one in found.standing.items()}
    found.said = None if found.said is None else Said(*found.said)
    return found


_ADJUDICATOR = "adjudicator"


class Heard(NamedTuple):
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


def absorb(item: OpenItem, heard: Heard) -> bool:
    """Take over an annotation; False, and nothing changes, where something at least as new is known."""
    who = heard.annotator
    known = item.votes.get(who)
    if heard.occurred < item.gone.get(who, -1):
        return False
    if known is not None and (known.occurred, known.annotation) >= (heard.occurred, heard.annotation):
        return False
    if heard.occurred >= item.seen:
        item.seen, item.length, item.attributes = heard.occurred, heard.length, dict(heard.attributes)
    item.gold = item.gold if heard.gold is None else heard.gold
    if heard.kind == _ADJUDICATOR:
        return _absorb_word(item, heard)
    item.view = {**item.view, **heard.view}
    if heard.vote is None:
        item.votes.pop(who, None)
        item.gone[who] = heard.occurred
    else:
        item.votes[who] = heard.vote
        item.gone.pop(who, None)
    return True


def _absorb_word(item: OpenItem, heard: Heard) -> bool:
    if item.word is not None and item.word.occurred > heard.occurred:
        return False
    item.word = heard.vote
    item.votes = {who: vote._replace(judged=False) for who, vote in item.votes.items()}
    if heard.vote is None:
        item.gone[heard.annotator] = heard.occurred
    return True
