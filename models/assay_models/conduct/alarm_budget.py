"""The false alarm budget, its split over the detectors and its release over time; false discovery control."""

from collections.abc import Iterable
from math import exp
from types import MappingProxyType
from typing import Final

from assay_schemas.conduct import Detector

FALSE_ALARMS_PER_WEEK: Final = 0.01
"""Expected number for an annotator without a change, all detectors together."""

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
"""Share of the first week's budget spent on the very first annotation: some annotators are bad from the start."""

WEEK: Final = 604_800.0
_DAY: Final = 86_400.0
_MOST_SAVED: Final = 0.6
_FARTHEST_JUMP: Final = 30 * _DAY
"""Limit (s) on how far one annotation advances the time: a clock wrong by years must not stop all spending."""

_SPREAD_DAYS: Final = 2.0
_FEWEST: Final = 4.0


class AlarmBudget:
    """The prior mass that an annotator's detectors add for a change starting now, in weeks of budget. Mutable.

    The budget accrues evenly with event time and is spent on annotations: the total spent never exceeds the number of
    weeks passed. What is not spent at night is spread over the next two days.
    """

    __slots__ = ("begun", "fading", "last", "recent", "saved")

    def __init__(self, at: float) -> None:
        """Start with the time (s) of the annotator's first annotation."""
        self.begun = self.last = at
        self.saved = self.recent = 0.0
        self.fading = 1.0

    def allocate(self, at: float) -> float:
        """Return the budget spent on an annotation made at `at` (s), and set `fading`, the decay since the last one."""
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
        """Return whether part of the current week's budget may have been spent up front."""
        return self.last - self.begun < WEEK

    def dump(self) -> list[float]:
        """Return the state as plain JSON data."""
        return [self.begun, self.last, self.saved, self.recent]

    @classmethod
    def load(cls, stored: list[float]) -> "AlarmBudget":
        """Return the budget that `dump` described."""
        budget = cls(stored[0])
        budget.last, budget.saved, budget.recent = stored[1:]
        return budget


def false_discovery_level(own: float, others: Iterable[float], count: int) -> float:
    """Return the lowest level (0-1) at which the e-BH procedure rejects an annotator with the e-value `own`.

    `others` are the other annotators' e-values above 1; `count` is the number of all annotators. e-BH at level a
    rejects the k annotators with the largest e-values, for the largest k at which the k-th e-value is at least count /
    (a k), under any dependence between them.
    """
    ranked = sorted((*others, own), reverse=True)
    needed = [count / (place * value) for place, value in enumerate(ranked, 1) if value > 0 and value <= own]
    return min(1.0, *needed, 1.0)
