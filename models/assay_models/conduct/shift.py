"""Label shift: one label is said far more often in error than before."""

from itertools import islice
from typing import Final

from assay_models.conduct.baseline import Habits
from assay_models.conduct.look import Look

COUNT: Final = 8
"""The labels looked at: the first that the annotator has used."""
_TIMES: Final = 3.0
_MORE: Final = 0.1
_MOST: Final = 0.6
_LEAST: Final = 0.001


def ratios(look: Look, habits: Habits) -> tuple[float, ...]:
    """Return how many times as likely the annotation is if a label were overused, for each label."""
    if look.truth is None:
        return (1.0,) * COUNT
    found = [_ratio(look, habits, label) for label in islice(habits.said, COUNT)]
    return (*found, *(1.0,) * (COUNT - len(found)))


def _ratio(look: Look, habits: Habits, label: str) -> float:
    if look.truth == label:
        return 1.0
    usual = max((1 - look.expected) * min(habits.share_of_errors(label, look.chance), 1.0), _LEAST)
    over = max(min(max(_TIMES * usual, usual + _MORE), _MOST), usual)
    return over / usual if look.label == label else (1 - over) / (1 - usual)
