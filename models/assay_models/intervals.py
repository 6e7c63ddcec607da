"""95 % intervals of rates: Wilson's for a share that was counted, and the credible interval of a Beta posterior."""

from math import sqrt

from scipy.special import betaincinv

_TAILS = (0.025, 0.975)
_Z = 1.959963984540054
"""Normal quantile of a 95 % interval."""


def wilson_interval(hits: float, total: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a share of `total` cases (Wilson 1927), or None if `total` is 0 or less."""
    if total <= 0:
        return None
    share = min(1.0, max(0.0, hits / total))
    squared = _Z * _Z / total
    middle = (share + squared / 2) / (1 + squared)
    half = _Z / (1 + squared) * sqrt(share * (1 - share) / total + squared / (4 * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def interval(right: float, wrong: float) -> tuple[float, float]:
    """Return the 95 % credible interval of a rate whose posterior is Beta(right, wrong), equal tails.

    Both must be above 0.
    """
    low, high = betaincinv(right, wrong, _TAILS)
    return float(low), float(high)
