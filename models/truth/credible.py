"""The interval in which a rate lies with 95 % probability, without a statistics library."""

from math import copysign, exp, lgamma, log, log1p, sqrt

_TAIL = 0.025
_NORMAL_TAIL = 1.959964
_CLOSE_ENOUGH = 1e-8
"""Of the last step: Newton's method squares the error, which leaves less than 1e-10 where the posterior
is nearly normal."""

_FARTHEST = 500.0
_TERMS = 200
_TINY = 1e-300
_CLOSE = 1e-12


def interval(right: float, wrong: float) -> tuple[float, float]:
    """Return the 95 % credible interval of a rate whose posterior is Beta(right, wrong), equal tails.

    Both must be above 0. Found by Newton's method, to 1e-10.
    """
    return _quantile(_TAIL, right, wrong), _quantile(1 - _TAIL, right, wrong)


def share_below(x: float, right: float, wrong: float) -> float:
    """Return how probable a rate below x (0-1) is under Beta(right, wrong).

    The regularised incomplete beta function by its continued fraction (Press et al. 2007, "Numerical Recipes",
    section 6.4).
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(lgamma(right + wrong) - lgamma(right) - lgamma(wrong) + right * log(x) + wrong * log1p(-x))
    if x < (right + 1) / (right + wrong + 2):
        return front * _fraction(x, right, wrong) / right
    return 1 - front * _fraction(1 - x, wrong, right) / wrong


def _quantile(share: float, right: float, wrong: float) -> float:
    """Newton's steps on the log-odds scale, where the posterior is nearly normal; kept between what is known."""
    low, high = 0.0, 1.0
    start = log(right / wrong) + copysign(_NORMAL_TAIL, share - 0.5) * sqrt(1 / right + 1 / wrong)
    x, after = -1.0, 1 / (1 + exp(-max(-_FARTHEST, min(start, _FARTHEST))))
    scale = lgamma(right + wrong) - lgamma(right) - lgamma(wrong)
    while abs(after - x) >= _CLOSE_ENOUGH:
        x = after
        missing = share - share_below(x, right, wrong)
        low, high = (x, high) if missing > 0 else (low, x)
        slope = exp(scale + right * log(x) + wrong * log1p(-x))  # of the share, by the log-odds of x
        odds = log(x) - log1p(-x) + missing / max(slope, _TINY)
        after = 1 / (1 + exp(-max(-_FARTHEST, min(odds, _FARTHEST))))
        after = after if low < after < high else (low + high) / 2
    return after


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
