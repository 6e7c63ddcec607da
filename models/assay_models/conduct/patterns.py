"""Patterns: the next label is known from the last ones, whatever the item."""

from typing import Final

from assay_models.conduct.baseline import Habits
from assay_models.conduct.look import Look

_KEPT: Final = 0.9
"""How often somebody with a pattern keeps to it."""
COUNT: Final = 4
"""Patterns: the same label again, or every second, third or fourth one."""


def ratios(look: Look, habits: Habits) -> tuple[float, ...]:
    """Return how many times as likely the annotation is under each pattern.

    The other side says the consensus's label as often as this annotator does, else any other: so a queue in which
    the same label is right a hundred times in a row is no pattern of the annotator's.
    """
    if look.truth is None or look.late or len(habits.newest) < COUNT:
        return (1.0,) * COUNT
    others = 1 / look.chance - 1
    usual = look.expected if look.agrees else (1 - look.expected) * _error_share(look, habits, others)
    rest = (1 - _KEPT) * usual
    return tuple((_KEPT + rest if last == look.label else rest) / usual for last in habits.newest)


def _error_share(look: Look, habits: Habits, others: float) -> float:
    return min(habits.share_of_errors(look.label, look.chance), others / (others + 1)) if others > 1 else 1.0
