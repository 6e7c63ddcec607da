"""From disagreements to an estimate: one minus observed over expected disagreement, with its 95 % interval.

The interval is made of the linearised coefficient (its influence function over items, as in Gwet 2008), at the table
padded with one and a half pseudo-items (`counts.padded`; the idea is that of Agresti & Coull 1998), and is symmetric on
Fisher's scale for agreement within classes, ln((value - floor) / (1 - value)). The README says why, and how often
it holds the truth.
"""

from dataclasses import dataclass
from math import log, sqrt, tanh
from statistics import NormalDist

import numpy as np

from assay_models.agreement.arrays import FloatArray

_Z = NormalDist().inv_cdf(0.975)
_SMALL = (12.7062047, 4.3026527, 3.1824463, 2.7764451, 2.5705818, 2.4469119)
_CLOSEST = 1e-3
"""How near the transformed value may come to its floor, in parts of the scale."""
_NOTHING = 1e-15
"""Disagreement below this is rounding."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A coefficient and how sure it is, taking the items as drawn from many.

    `low` and `high` bound the 95 % interval, `items` is the number of items that could be paired.
    `standard_error` is that of linearisation; None where the items do not vary (a standard error of 0 would
    claim certainty), which the interval survives.
    """

    value: float
    low: float
    high: float
    standard_error: float | None
    items: int


@dataclass(frozen=True, slots=True)
class Disagreements:
    """What each kind of item (with `items` of its kind) does to a coefficient.

    The coefficient is 1 - `shrink` * observed / `expected`, where observed is the mean of `distances` weighted by
    `pair_weights`. A slant is how much, relatively, an item drives observed / expected through the shares of the
    values; it weighs with `share_weights`. `floor` is the least value the coefficient can take.
    """

    items: FloatArray
    pair_weights: FloatArray
    distances: FloatArray
    share_weights: FloatArray
    slants: FloatArray
    expected: float
    floor: float
    shrink: float = 1.0


def estimate_of(plain: Disagreements, padded: Disagreements) -> Estimate:
    """Return the estimate of a table, given as it is and with pseudo-items.

    Some items must have weight, and some disagreement must be expected.
    """
    paired = round(float(plain.items[plain.pair_weights > 0].sum()))
    return estimate_from(_linearised(plain), _linearised(padded), paired=paired, floor=plain.floor)


def estimate_from(plain: tuple[float, float], padded: tuple[float, float], *, paired: int, floor: float) -> Estimate:
    """Return the estimate from a coefficient and its standard error (0 where nothing varies), without and with padding.

    `paired` items could be paired.
    """
    value, error = plain
    low, high = _back(*padded, t_quantile(max(paired - 1, 1)), floor)
    return Estimate(value, min(low, value), max(high, value), error if error > _NOTHING else None, paired)


def t_quantile(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t, right to four decimals (Cornish-Fisher; tabulated up to 6)."""
    if freedom <= len(_SMALL):
        return _SMALL[freedom - 1]
    z, f = _Z, float(freedom)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160
    return z + first / f + second / f**2 + third / f**3 + fourth / f**4


def slants_of(profiles: FloatArray, shares: FloatArray, pull: FloatArray) -> FloatArray:
    """Return the slants of items with these shares of values; `pull` is the gradient of ln(observed / expected)."""
    return np.asarray(profiles @ pull - shares @ pull)


def _linearised(parts: Disagreements) -> tuple[float, float]:
    """Return the coefficient and its standard error; 0 for a single item, which cannot vary."""
    count, pairs = float(parts.items.sum()), float(parts.items @ parts.pair_weights)
    shares = float(parts.items @ parts.share_weights)
    observed = float(parts.items @ (parts.pair_weights * parts.distances)) / pairs
    direct = parts.pair_weights * (parts.distances - observed) / pairs
    through = parts.share_weights * parts.slants / shares
    small = (1 - parts.shrink) * (parts.share_weights / shares - 1 / count)
    steps = direct + observed * (through + small)
    variance = count / max(count - 1, 1) * float(parts.items @ steps**2)
    return 1 - parts.shrink * observed / parts.expected, sqrt(variance) / parts.expected


def _back(value: float, error: float, quantile: float, floor: float) -> tuple[float, float]:
    """Return the ends of the interval, whose steps are taken on the transformed scale."""
    above = max(value - floor, _CLOSEST * (1 - floor))
    below = max(1 - value, _NOTHING)
    place, step = log(above / below), quantile * error * (1 / above + 1 / below)
    low, high = ((1 + tanh(end / 2)) / 2 for end in (place - step, place + step))
    return floor + (1 - floor) * low, floor + (1 - floor) * high
