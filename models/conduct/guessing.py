"""Guessing: labels that do not depend on the items."""

from models.conduct.habits import Habits, chance_of_agreeing
from models.conduct.look import Look

_LEAST_SKILL = 0.68
"""In parts of the pool's: whoever has more is no guesser. Of a pool that is right at .87 of four labels this is .67."""


def ratios(look: Look, habits: Habits) -> tuple[float, ...]:
    """Return how many times as likely the annotation is for a guesser with this annotator's mix of labels.

    The other side is whoever has the least skill; for the more skilled, the bet is worse than fair.
    """
    if look.truth is None:
        return (1.0,)
    able = chance_of_agreeing(_LEAST_SKILL, look.pool, look.chance)
    guess = min(max(habits.share_said(look.truth, look.chance), 0.02), able)
    return (guess / able if look.agrees else (1 - guess) / (1 - able),)
