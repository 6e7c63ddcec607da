"""What the validator stores of an open item: each annotator's newest annotation, and the consistency model's view."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson

from assay_schemas.annotation import Action, Annotation, AnnotationId, AnnotatorId, Item, microseconds
from assay_schemas.contract.label_contract import Closing, LabelContract

_LIVE = (Action.CREATED, Action.UPDATED)


NewestState: TypeAlias = tuple[int, AnnotationId, int]
"""An annotation's time (µs since 1970), its id, and 1 if it has a label (0: skipped or deleted)."""


@dataclass(slots=True)
class ValidatorItem:
    """One open item. `votes`: each annotator's newest annotation.

    `view`: a mark of the content that the model saw, and the probabilities that it returned; None without a model.
    """

    votes: dict[AnnotatorId, NewestState] = field(default_factory=dict)
    view: tuple[int, list[float]] | None = None

    def supersedes(self, annotator: AnnotatorId, word: NewestState) -> bool:
        """Return whether an annotation at least as new is known of this annotator; ties go to the greater id."""
        known = self.votes.get(annotator)
        return known is not None and (known[0], known[1]) >= (word[0], word[1])

    def closes_at(self, now: int, contract: LabelContract) -> int:
        """Return when (ms since 1970) this item may be dropped if no further annotation arrives."""
        complete = sum(1 for vote in self.votes.values() if vote[2]) >= contract.redundancy
        return now + (_quiet_ms(contract.close) if complete else _age_ms(contract.close))

    def dump(self) -> bytes:
        """Return the item in stored form."""
        return orjson.dumps((self.votes, self.view))


def load_item(raw: bytes | None) -> ValidatorItem:
    """Parse an item from its stored form; None returns an empty item."""
    if raw is None:
        return ValidatorItem()
    votes, view = orjson.loads(raw)
    return ValidatorItem(
        {who: tuple(word) for who, word in votes.items()}, None if view is None else (view[0], view[1])
    )


def content_mark(scorer: int, item: Item) -> int:
    """Return a hash of the content that the model would see: when it changes, the item is scored again."""
    mark = zlib.crc32((item.text or "").encode(), scorer)
    return zlib.crc32(repr(item.features).encode(), mark) if item.features else mark


def rounded(probabilities: Sequence[float]) -> list[float]:
    """Round as published, which makes a stored view give exactly the same scores."""
    return [int(probability * 1e6 + 0.5) / 1e6 for probability in probabilities]  # four times as fast as round


def state_of(annotation: Annotation) -> NewestState:
    """Return the stored part of an annotation."""
    return (microseconds(annotation.occurred_at), annotation.id, 1 if annotation.action in _LIVE else 0)


def _quiet_ms(close: Closing) -> int:
    return int(close.quiet_hours * 3_600_000)


def _age_ms(close: Closing) -> int:
    return int(close.age_days * 86_400_000)
