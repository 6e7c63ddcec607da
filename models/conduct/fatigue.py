"""Fatigue: right less often late in a session than early."""

from models.conduct.habits import Habits, chance_of_agreeing
from models.conduct.look import Look

_AFTER_HOURS = (1.0, 2.0, 4.0)
COUNT = len(_AFTER_HOURS)
_EARLY, _LATE = 1.06, 0.75
"""Parts of the skill over all: a drop that is there early in the session, too, speaks against fatigue."""


def ratios(look: Look, habits: Habits) -> tuple[float, ...]:
    """Return how many times as likely the annotation is for somebody who tires after so many hours."""
    if look.truth is None:
        return (1.0,) * COUNT
    skill = habits.skill.ratio
    early, late = _ratio(look, skill * _EARLY), _ratio(look, skill * _LATE)
    return tuple(late if look.hours >= hours else early for hours in _AFTER_HOURS)


def _ratio(look: Look, skill: float) -> float:
    tired = chance_of_agreeing(skill, look.pool, look.chance)
    return tired / look.expected if look.agrees else (1 - tired) / (1 - look.expected)
