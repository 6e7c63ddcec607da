"""Fatigue: right less often late in a session than early."""

from typing import Final

from assay_models.conduct.baseline import Habits, chance_of_agreeing
from assay_models.conduct.look import Look

_AFTER_HOURS = (1.0, 2.0, 4.0)
COUNT: Final = len(_AFTER_HOURS)
_EARLY: Final = 1.06
_LATE: Final = 0.75
EARLY_HOURS: Final = 1.0
"""Whoever errs early in the session, too, is not tired: later annotations are set beside the first hour's."""


def ratios(look: Look, habits: Habits) -> tuple[float, ...]:
    """Return how many times as likely the annotation is for somebody who tires after so many hours."""
    if look.truth is None or look.late:
        return (1.0,) * COUNT
    skill = habits.skill.ratio
    early = _ratio(look, skill * _EARLY, look.expected)
    rested = min(skill, habits.early.ratio)
    late = _ratio(look, rested * _LATE, chance_of_agreeing(rested, look.pool, look.chance))
    return tuple(late if look.hours >= hours else early for hours in _AFTER_HOURS)


def _ratio(look: Look, skill: float, usual: float) -> float:
    found = chance_of_agreeing(skill, look.pool, look.chance)
    return found / usual if look.agrees else (1 - found) / (1 - usual)
