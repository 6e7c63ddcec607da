"""Coefficients with 95 % intervals, from disagreements: one minus observed over expected disagreement.

The interval uses the linearised coefficient (its influence function over items, as in Gwet 2008), evaluated on the
table plus one and a half pseudo-items (`arrays.padded`; an idea of Agresti & Coull 1998). It is symmetric on Fisher's
scale for intraclass agreement, ln((value - floor) / (1 - value)). The README gives the reasons and the coverage.
"""

from dataclasses import dataclass
from math import log, sqrt, tanh
from statistics import NormalDist

import numpy as np

from assay_models.agreement.arrays import FloatArray

_Z = NormalDist().inv_cdf(0.975)
_SMALL = (12.7062047, 4.3026527, 3.1824463, 2.7764451, 2.5705818, 2.4469119)
_CLOSEST = 1e-3
"""Smallest distance to the floor before the transformation, as a share of the scale."""
_NOTHING = 1e-15
"""Disagreement below this is rounding error."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A coefficient with its uncertainty, treating the items as a sample from many.

    `low` and `high` bound the 95 % interval, `items` is the number of items with two labels. `standard_error` is from
    linearisation; None where the items do not vary, because 0 would claim certainty. The interval exists all the same.
    """

    value: float
    low: float
    high: float
    standard_error: float | None
    items: int


@dataclass(frozen=True, slots=True)
class Disagreements:
    """What a coefficient is computed from, with one entry per kind of item; `items` counts the items of each kind.

    The coefficient is 1 - `shrink` * observed / `expected`, where observed is the mean of `distances` weighted by
    `pair_weights`. `slants` are each kind's relative influence on observed / expected via the shares of the values,
    weighted by `share_weights`. `floor` is the lowest possible coefficient.
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
    """Return the estimate for a table, given without and with pseudo-items.

    Requires some item with positive weight and some expected disagreement.
    """
    paired = round(float(plain.items[plain.pair_weights > 0].sum()))
    return estimate_from(_linearised(plain), _linearised(padded), paired=paired, floor=plain.floor)


def estimate_from(plain: tuple[float, float], padded: tuple[float, float], *, paired: int, floor: float) -> Estimate:
    """Return the estimate for a (coefficient, standard error), given without and with pseudo-items.

    A standard error of 0 means that nothing varies. `paired`: number of items with two labels.
    """
    value, error = plain
    low, high = _interval_ends(*padded, t_quantile(max(paired - 1, 1)), floor)
    return Estimate(value, min(low, value), max(high, value), error if error > _NOTHING else None, paired)


def t_quantile(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t, accurate to four decimals (Cornish-Fisher; tabulated up to 6)."""
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
    """Return the coefficient and its standard error; the error of a single item is 0."""
    count, pairs = float(parts.items.sum()), float(parts.items @ parts.pair_weights)
    shares = float(parts.items @ parts.share_weights)
    observed = float(parts.items @ (parts.pair_weights * parts.distances)) / pairs
    direct = parts.pair_weights * (parts.distances - observed) / pairs
    through = parts.share_weights * parts.slants / shares
    small = (1 - parts.shrink) * (parts.share_weights / shares - 1 / count)
    steps = direct + observed * (through + small)
    variance = count / max(count - 1, 1) * float(parts.items @ steps**2)
    return 1 - parts.shrink * observed / parts.expected, sqrt(variance) / parts.expected


def _interval_ends(value: float, error: float, quantile: float, floor: float) -> tuple[float, float]:
    """Return the ends of the interval, computed on the transformed scale and transformed back."""
    above = max(value - floor, _CLOSEST * (1 - floor))
    below = max(1 - value, _NOTHING)
    place, step = log(above / below), quantile * error * (1 / above + 1 / below)
    low, high = ((1 + tanh(end / 2)) / 2 for end in (place - step, place + step))
    return floor + (1 - floor) * low, floor + (1 - floor) * high
