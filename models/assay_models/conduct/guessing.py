"""Guessing: labels that do not depend on the items."""

from typing import Final

from assay_models.conduct.baseline import Habits, chance_of_agreeing
from assay_models.conduct.e_detector import Bet
from assay_models.conduct.look import Look

_LEAST_SKILL: Final = 0.68
"""In parts of the pool's: whoever has more is no guesser. Of a pool that is right at .87 of four labels this is .67."""
_LEAST_LIKELY: Final = 0.02


def bet(look: Look, habits: Habits) -> Bet | None:
    """Return how many times as likely it is for a guesser to agree, and to disagree; None without a truth.

    A guesser agrees as often as the annotator's own mix of labels would. The other side is whoever has the least skill;
    for the more skilled, the bet is worse than fair.
    """
    if look.truth is None:
        return None
    able = chance_of_agreeing(_LEAST_SKILL, look.pool, look.chance)
    guess = min(max(habits.share_said(look.truth, look.chance), _LEAST_LIKELY), able)
    return Bet([guess / able], [(1 - guess) / (1 - able)], able)
