"""Copying: two annotators agree, above all in errors, more often than their knowledge explains."""

from dataclasses import dataclass, field
from typing import Any, Final

from assay_models.conduct.baseline import Baseline
from assay_models.conduct.detectors import Features
from assay_models.conduct.e_detector import WITHDRAW_AT, Alternative
from assay_models.conduct.population import Population
from assay_schemas.annotation import ItemId

_COPIED: Final = 0.8
"""The share of copied labels under the alternative."""
_MOST_EXPECTED: Final = 0.985
_MOST_OVERUSE: Final = 3.0
_MOST_TELLING: Final = 10
_MOST_TEXT: Final = 1_000
_FEW_TELLING: Final = 2
_LITTLE_TEXT: Final = 200
"""Limits on the stored examples (items, and characters of their ids) for pairs with evidence, and for all others."""
_EVIDENT: Final = 1.0
_TELLING_FROM: Final = 1.5


@dataclass(slots=True)
class AnnotatorPair:
    """The common items of two annotators, with the evidence for copying.

    `telling`: the common items with the strongest evidence since the possible start of copying, each as [item,
    annotation, label, truth, whether that is gold, time (s)].
    """

    copying: Alternative
    common: int = 0
    same: int = 0
    same_errors: int = 0
    raised: str | None = None
    against: float = 1.0
    telling: list[list[Any]] = field(default_factory=list)

    def update(self, ratio: float, spent: float, fading: float, at: float) -> None:
        """Update with one common item; after a signal accumulate only counter-evidence."""
        if self.raised is not None:
            self.against = max(self.against / ratio, 1.0)
            return
        if self.copying.rise <= 0:
            self.telling = []
        self.copying.update(ratio, spent, fading, at)

    def count(self, *, same: bool, error: bool) -> None:
        """Add one common item to the counts."""
        self.common += 1
        self.same += same
        self.same_errors += same and error

    def record(self, ratio: float, case: list[Any]) -> None:
        """Store an annotation as an example if its likelihood ratio is at least 1.5."""
        if ratio < _TELLING_FROM:
            return
        evident = self.copying.evidence >= _EVIDENT
        most, text = (_MOST_TELLING, _MOST_TEXT) if evident else (_FEW_TELLING, _LITTLE_TEXT)
        self.telling = [*self.telling[1 - most :], case]
        while sum(len(item) + len(annotation) for item, annotation, *_ in self.telling) > text:
            del self.telling[0]

    def forget_item(self, item: ItemId) -> bool:
        """Delete an item from the examples; return whether it was among them."""
        remaining = [case for case in self.telling if case[0] != item]
        was_stored = len(remaining) < len(self.telling)
        self.telling = remaining
        return was_stored

    @property
    def is_refuted(self) -> bool:
        """Return whether the counter-evidence suffices to withdraw the signal."""
        return self.against >= WITHDRAW_AT

    def raise_as(self, signal: str) -> None:
        """Mark as raised by the signal with this id."""
        self.raised, self.against = signal, 1.0

    def begin_again(self, at: float) -> None:
        """Discard all evidence up to this time (s); keep the counts."""
        self.copying, self.raised, self.against, self.telling = Alternative(at=at), None, 1.0, []

    def dump(self) -> list[Any]:
        """Return the state as plain JSON data."""
        return [
            self.copying.dump(), self.common, self.same, self.same_errors, self.raised, self.against, self.telling,
        ]  # fmt: skip

    @classmethod
    def load(cls, stored: list[Any]) -> "AnnotatorPair":
        """Return the pair that `dump` described."""
        return cls(Alternative.load(stored[0]), *stored[1:])


def ratio(look: Features, habits: Baseline, pool: Population, kind: int, theirs: str) -> float:
    """Return the likelihood ratio of an annotation: copied from the other's label `theirs` against independent.

    An independent annotator knows the consensus (of all others, the peer included) and errs in the annotator's usual
    way. Agreement on the consensus is weak evidence, because it needs no copying. Agreement with a dissenter is strong
    evidence, the stronger the more certain the consensus; it is weaker where many annotators are misled and dissenters
    often agree.
    """
    usual = _usual(look, habits, pool, kind, theirs)
    return _COPIED / usual + 1 - _COPIED if look.label == theirs else 1 - _COPIED


def _usual(look: Features, habits: Baseline, pool: Population, kind: int, theirs: str) -> float:
    if theirs == look.truth:
        easier = pool.likeness(kind, dissents=False) / pool.usual_agreement(kind)
        return min(look.expected * easier, _MOST_EXPECTED)
    overuse = habits.share_of_errors(theirs, look.chance) * (1 / look.chance - 1)
    return min(pool.likeness(kind, dissents=True) * min(max(overuse, 1.0), _MOST_OVERUSE), _MOST_EXPECTED)
