"""An accuracy drop: right less often than before."""

from models.conduct.habits import Habits, chance_of_agreeing
from models.conduct.look import Look

_LEFT = (0.54, 0.78)
"""How much is left of the skill: with four labels, of an accuracy of .9 about .6 and .75."""
WEIGHTS = (0.6, 0.4)
_NOTHING = (1.0,) * len(_LEFT)


def ratios(look: Look, habits: Habits) -> tuple[float, ...]:
    """Return how many times as likely the annotation is after each drop.

    Without a drop it agrees as probably as predicted from *all* annotations before: averaged over what one may think
    of a newcomer, that is a fair bet, however little is known. What a drop leaves is reckoned from the skill before the
    last 50 annotations.
    """
    if look.truth is None:
        return _NOTHING
    before = habits.before.ratio
    return tuple(_ratio(look, before * left) for left in _LEFT)


def _ratio(look: Look, skill: float) -> float:
    after = min(chance_of_agreeing(skill, look.pool, look.chance), look.expected)
    return after / look.expected if look.agrees else (1 - after) / (1 - look.expected)
