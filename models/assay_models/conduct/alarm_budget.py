"""How many false alarms are allowed, and how the allowance is spread over the detectors and over time."""

from collections.abc import Iterable
from math import exp
from types import MappingProxyType
from typing import Final

from assay_schemas.conduct import Detector

FALSE_ALARMS_PER_WEEK: Final = 0.01
"""Of an annotator who does nothing wrong, all detectors together."""

LEVELS = MappingProxyType(
    {
        Detector.ACCURACY_DROP: 0.007,
        Detector.GUESSING: 0.002,
        Detector.PATTERN: 0.00015,
        Detector.TOO_FAST: 0.0001,
        Detector.LABEL_SHIFT: 0.0002,
        Detector.COPYING: 0.0003,
        Detector.BOT_TIMING: 0.0001,
        Detector.FATIGUE: 0.00015,
    }
)
UPFRONT = MappingProxyType(
    {Detector.GUESSING: 0.8, Detector.PATTERN: 0.5, Detector.TOO_FAST: 0.5, Detector.BOT_TIMING: 0.5}
)
"""The part of the first week's allowance that is spent on the very first annotation: some are bad from the start."""

WEEK: Final = 604_800.0
_DAY: Final = 86_400.0
_MOST_SAVED: Final = 0.6
_FARTHEST_JUMP: Final = 30 * _DAY
"""How far ahead one annotation may carry the time: a clock that is wrong by years must not stop all spending."""

_SPREAD_DAYS: Final = 2.0
_FEWEST: Final = 4.0


class AlarmBudget:
    """What an annotator's detectors may spend on the thought "it begins just now", in weeks of allowance.

    A week's allowance comes in evenly with event time, and is spent on annotations, so that all that is ever spent is
    at most the number of weeks that have passed. What is not spent at night is spread over the next two days.
    """

    __slots__ = ("begun", "fading", "last", "recent", "saved")

    def __init__(self, at: float) -> None:
        """Begin with an annotator's first annotation (s)."""
        self.begun = self.last = at
        self.saved = self.recent = 0.0
        self.fading = 1.0

    def allocate(self, at: float) -> float:
        """Return what is spent on the annotation made now; `fading` is what a week-long memory keeps of the past."""
        gap = max(at - self.last, 0.0)
        self.last = min(max(self.last, at), self.last + _FARTHEST_JUMP)
        self.saved = min(self.saved + gap / WEEK, _MOST_SAVED)
        self.recent = self.recent * exp(-gap / (_SPREAD_DAYS * _DAY)) + 1
        self.fading = exp(-gap / WEEK)
        spent = self.saved / (self.recent + _FEWEST)
        self.saved -= spent
        return spent

    @property
    def is_in_first_week(self) -> bool:
        """Tell whether a part of this week's allowance may have been spent up front."""
        return self.last - self.begun < WEEK

    def dump(self) -> list[float]:
        """Return it as plain JSON data."""
        return [self.begun, self.last, self.saved, self.recent]

    @classmethod
    def load(cls, stored: list[float]) -> "AlarmBudget":
        """Take back what `dump` gave."""
        purse = cls(stored[0])
        purse.last, purse.saved, purse.recent = stored[1:]
        return purse


def false_discovery_level(own: float, others: Iterable[float], count: int) -> float:
    """Return the lowest level at which e-BH calls out an annotator with the e-value `own`, at most 1.

    `others` are the e-values of the other annotators, as far as they are above 1, and `count` is how many annotators
    there are altogether. e-BH at level a calls out the k with the most evidence, for the largest k at which the k-th
    e-value is at least count / (a k), whatever the dependence between them.
    """
    ranked = sorted((*others, own), reverse=True)
    needed = [count / (place * value) for place, value in enumerate(ranked, 1) if value > 0 and value <= own]
    return min(1.0, *needed, 1.0)
