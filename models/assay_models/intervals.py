"""The 95 % credible interval of a rate."""

from scipy.special import betaincinv

_TAILS = (0.025, 0.975)


def interval(right: float, wrong: float) -> tuple[float, float]:
    """Return the 95 % credible interval of a rate whose posterior is Beta(right, wrong), equal tails.

    Both must be above 0.
    """
    low, high = betaincinv(right, wrong, _TAILS)
    return float(low), float(high)
