"""Copying: two annotators share more than their knowledge explains, errors above all."""

from dataclasses import dataclass, field
from typing import Any, Final

from assay_models.conduct.baseline import Baseline
from assay_models.conduct.detectors import Features
from assay_models.conduct.e_detector import WITHDRAW_AT, Alternative
from assay_models.conduct.population import Population

_COPIED: Final = 0.8
"""The part of the labels that is copied."""
_MOST_EXPECTED: Final = 0.985
_MOST_OVERUSE: Final = 3.0
_MOST_TELLING: Final = 10
_MOST_TEXT: Final = 1_000
_FEW_TELLING: Final = 2
_LITTLE_TEXT: Final = 200
"""How much is remembered of a pair that there is evidence about, and of any other; text in characters."""
_EVIDENT: Final = 1.0
_TELLING_FROM: Final = 1.5


@dataclass(slots=True)
class AnnotatorPair:
    """What two annotators have in common.

    `telling` are the items that speak most for copying since it may have begun: item, annotation, label, truth,
    whether that is gold, time.
    """

    copying: Alternative
    common: int = 0
    same: int = 0
    same_errors: int = 0
    raised: str | None = None
    against: float = 1.0
    telling: list[list[Any]] = field(default_factory=list)

    def update(self, ratio: float, spent: float, fading: float, at: float) -> None:
        """Take in one common item; what was raised is only weighed against."""
        if self.raised is not None:
            self.against = max(self.against / ratio, 1.0)
            return
        if self.copying.rise <= 0:
            self.telling = []
        self.copying.update(ratio, spent, fading, at)

    def count(self, *, same: bool, error: bool) -> None:
        """Count one common item."""
        self.common += 1
        self.same += same
        self.same_errors += same and error

    def record(self, ratio: float, case: list[Any]) -> None:
        """Remember an annotation that speaks clearly for copying."""
        if ratio < _TELLING_FROM:
            return
        evident = self.copying.evidence >= _EVIDENT
        most, text = (_MOST_TELLING, _MOST_TEXT) if evident else (_FEW_TELLING, _LITTLE_TEXT)
        self.telling = [*self.telling[1 - most :], case]
        while sum(len(item) + len(annotation) for item, annotation, *_ in self.telling) > text:
            del self.telling[0]

    def forget_item(self, item: str) -> bool:
        """Forget that an item spoke for copying; tell whether it did."""
        kept = [case for case in self.telling if case[0] != item]
        found = len(kept) < len(self.telling)
        self.telling = kept
        return found

    @property
    def is_refuted(self) -> bool:
        """Tell whether what was raised is to be withdrawn."""
        return self.against >= WITHDRAW_AT

    def raise_as(self, signal: str) -> None:
        """Count as raised, by a signal of this id."""
        self.raised, self.against = signal, 1.0

    def begin_again(self, at: float) -> None:
        """Forget all evidence up to this time, keep the counts."""
        self.copying, self.raised, self.against, self.telling = Alternative(at=at), None, 1.0, []

    def dump(self) -> list[Any]:
        """Return it as plain JSON data."""
        return [
            self.copying.dump(), self.common, self.same, self.same_errors, self.raised, self.against, self.telling,
        ]  # fmt: skip

    @classmethod
    def load(cls, stored: list[Any]) -> "AnnotatorPair":
        """Take back what `dump` gave."""
        return cls(Alternative.load(stored[0]), *stored[1:])


def ratio(look: Features, habits: Baseline, pool: Population, kind: int, theirs: str) -> float:
    """Return how many times as likely the annotation is if it was copied from the other's label `theirs`.

    The other side knows the consensus (of all others, the other one among them) and errs in the annotator's own way. A
    consensus needs no copying, so agreement on it says little; agreement with a dissenter is rare, the more so the
    surer the consensus, and where items mislead many, the pool's dissenters agree often and it says less.
    """
    usual = _usual(look, habits, pool, kind, theirs)
    return _COPIED / usual + 1 - _COPIED if look.label == theirs else 1 - _COPIED


def _usual(look: Features, habits: Baseline, pool: Population, kind: int, theirs: str) -> float:
    if theirs == look.truth:
        easier = pool.likeness(kind, dissents=False) / pool.usual_agreement(kind)
        return min(look.expected * easier, _MOST_EXPECTED)
    overuse = habits.share_of_errors(theirs, look.chance) * (1 / look.chance - 1)
    return min(pool.likeness(kind, dissents=True) * min(max(overuse, 1.0), _MOST_OVERUSE), _MOST_EXPECTED)
