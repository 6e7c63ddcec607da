"""Too fast: faster than nearly all others on items of that length."""

from typing import Final

from assay_models.conduct.baseline import Habits
from assay_models.conduct.look import Look

_FAST_BELOW: Final = -1.645
"""In spreads from the pool's mean: a twentieth of all times are as fast as that."""
_MOST_USUAL: Final = 0.4
_TOO_MANY: Final = 0.9
"""A fast annotator has at most two fifths of such times; who clicks through has nine tenths."""


def ratios(look: Look, habits: Habits) -> tuple[float, ...]:  # noqa: ARG001  # all detectors are called alike
    """Return how many times as likely it is for somebody who clicks through to be that fast, or not."""
    if look.pace is None:
        return (1.0,)
    if look.pace < _FAST_BELOW:
        return (_TOO_MANY / _MOST_USUAL,)
    return ((1 - _TOO_MANY) / (1 - _MOST_USUAL),)
