"""An accuracy drop: right less often than before."""

from assay_models.conduct.baseline import Habits, chance_of_agreeing
from assay_models.conduct.e_detector import Bet
from assay_models.conduct.look import Look

_LEFT = (0.54, 0.78)
"""How much is left of the skill: with four labels, of an accuracy of .9 about .6 and .75."""
WEIGHTS = (0.5, 0.5)


def bet(look: Look, habits: Habits) -> Bet | None:
    """Return how many times as likely it is after each drop to agree, and to disagree; None without a truth.

    Without a drop the annotation agrees as probably as predicted from *all* annotations before: averaged over what one
    may think of a newcomer, that is a fair bet, however little is known. What a drop leaves is reckoned from the skill
    before the last 50 annotations.
    """
    if look.truth is None:
        return None
    before, usual = habits.before.ratio, look.expected
    after = [min(chance_of_agreeing(before * left, look.pool, look.chance), usual) for left in _LEFT]
    return Bet([one / usual for one in after], [(1 - one) / (1 - usual) for one in after], usual)
