"""Annotators' noise on a numeric scale: bias, stretch and variance, from additive sums.

A given number is modelled as bias + stretch x truth + noise, the congeneric model of test theory (Jöreskog 1971,
"Statistical analysis of sets of congeneric tests", section 1): without the stretch, an annotator who always gives the
middle would seem precise. The noise has heavy tails (t distribution; weights as in Lange, Little & Taylor 1989,
"Robust statistical modeling using the t distribution", section 3). All three are shrunk towards the pool's. Numbers
are in units of the scale's length, with 0 in its middle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray, total_of

FIXED: Final = 10**11
"""Sums are whole multiples of 1e-11: exact, and a contribution can be subtracted without a residue."""

VOTES, WEIGHT, TRUTH, TRUTH_SQUARED, NUMBER, PRODUCT, NUMBER_SQUARED, HITS = range(8)
"""Columns of an annotator's sums.

The number of votes; the sum of weights, and of weight times truth, truth², number, number x truth and number²; the
expected number of hits, which are votes within the tolerance.
"""

COLUMNS: Final = HITS + 1

_FREEDOM = 20.0
_SPREAD_VOTES = 16.0
_BIAS_VOTES = 16.0
_STRETCH_VOTES = 40.0
_LEAST_STRETCH = 0.02
_LEAST_SPREAD_SHARE = 0.5
_FIRST_VOTES = 5.0
_FIRST_VARIANCE = 0.02
_FIRST_TRUTH_VARIANCE = 0.05
_FIRST_PRECISION = 0.5
_PASSES = 6


@dataclass(frozen=True, slots=True)
class Numbers:
    """Votes of `count` items: one entry per vote in each array; `row` (0 to count - 1) is ascending."""

    count: int
    row: IntegerArray
    annotator: IntegerArray
    number: FloatArray


class Belief(NamedTuple):
    """Posterior: the items' mean and variance, (items,), and the weight of each vote, (votes,)."""

    mean: FloatArray
    variance: FloatArray
    weight: FloatArray


class PooledNoise(NamedTuple):
    """All annotators together: noise variance, mean and variance of the truth, median bias and median stretch."""

    noise: float
    centre: float
    truth: float
    bias: float
    stretch: float


class Noise(NamedTuple):
    """Bias, stretch and noise variance per annotator, all (annotators,)."""

    bias: FloatArray
    stretch: FloatArray
    variance: FloatArray


def pool_of(sums: IntegerArray) -> PooledNoise:
    """Return the pooled noise of annotators with these sums, (annotators, columns).

    The noise variance is the geometric mean over annotators, weighted by votes, which limits the effect of a few
    erratic annotators. Biases and stretches are relative to their medians (weighted by precision): a shift of all of
    them together with the truth is not identifiable. The median is used because an annotator who always gives the same
    number would distort the mean.
    """
    total = sums.sum(axis=0) / FIXED
    weight = total[WEIGHT] + _FIRST_VOTES
    squares = total[NUMBER_SQUARED] - 2 * total[PRODUCT] + total[TRUTH_SQUARED]
    noise = (max(squares, 0.0) + _FIRST_VOTES * _FIRST_VARIANCE) / weight
    centre = total[TRUTH] / weight
    truth = max((total[TRUTH_SQUARED] + _FIRST_VOTES * _FIRST_TRUTH_VARIANCE) / weight - centre**2, noise / 100)
    plain = PooledNoise(float(noise), float(centre), float(truth), 0.0, 1.0)
    votes = np.maximum(sums[:, WEIGHT], 0) / FIXED
    logarithms = np.log(noise_of(sums / FIXED, plain).variance)
    noise = np.exp((votes @ logarithms + _FIRST_VOTES * np.log(noise)) / (votes.sum() + _FIRST_VOTES))
    plain = plain._replace(noise=float(noise))
    shrunk = noise_of(sums / FIXED, plain)
    precision = votes / shrunk.variance
    return plain._replace(bias=_middle(shrunk.bias, precision, 0.0), stretch=_middle(shrunk.stretch, precision, 1.0))


def noise_of(sums: FloatArray, pool: PooledNoise) -> Noise:
    """Return the noise of annotators with these sums, (annotators, columns), shrunk towards the pool.

    A regression of numbers on truths, with a prior worth 16 votes at bias 0 and 40 votes at stretch 1. No variance is
    below half the pool's (0.7 of its standard deviation).
    """
    weight, truth, truth2, number, product, number2 = (
        np.maximum(sums[:, column], 0) if column in {WEIGHT, TRUTH_SQUARED, NUMBER_SQUARED} else sums[:, column]
        for column in range(WEIGHT, HITS)
    )
    first, last = weight + _BIAS_VOTES, truth2 + _STRETCH_VOTES * pool.truth
    right = product + _STRETCH_VOTES * pool.truth
    determinant = np.maximum(first * last - truth**2, first * _STRETCH_VOTES * pool.truth / 2)
    bias = (last * number - truth * right) / determinant
    stretch = np.maximum((first * right - truth * number) / determinant, _LEAST_STRETCH)
    fitted = 2 * bias * number + 2 * stretch * product
    squares = number2 - fitted + bias**2 * weight + 2 * bias * stretch * truth + stretch**2 * truth2
    variance = (np.maximum(squares, 0) + _SPREAD_VOTES * pool.noise) / (weight + _SPREAD_VOTES)
    variance = np.maximum(variance, _LEAST_SPREAD_SHARE * pool.noise)
    return Noise(bias - pool.bias, stretch / pool.stretch, variance)


def weigh(numbers: Numbers, noise: Noise, pool: PooledNoise) -> Belief:
    """Return the posterior of the items for votes with this noise (one entry per vote), down-weighting outliers.

    Iteratively reweighted, six times, starting from the median. A vote estimates the truth as (number - bias) /
    stretch, with precision stretch² / variance.
    """
    estimates = (numbers.number - noise.bias) / noise.stretch
    precision = noise.stretch**2 / noise.variance
    mean, variance = _medians(numbers, estimates), np.zeros(numbers.count)
    weight = np.ones(len(estimates))
    for _ in range(_PASSES):
        squared_error = (estimates - mean[numbers.row]) ** 2 + variance[numbers.row]
        weight = (_FREEDOM + 1) / (_FREEDOM + squared_error * precision)
        whole = total_of(numbers.row, weight * precision, numbers.count) + _FIRST_PRECISION
        mean = (
            total_of(numbers.row, weight * precision * estimates, numbers.count) + _FIRST_PRECISION * pool.centre
        ) / whole
        variance = 1 / whole
    return Belief(mean, variance, weight)


def lessons(numbers: Numbers, belief: Belief, hit: FloatArray) -> IntegerArray:
    """Return each vote's contribution to its annotator's sums, (votes, columns), for the items' posterior.

    A vote with weight 0 has not been judged and contributes nothing.
    """
    mean, variance, number = belief.mean[numbers.row], belief.variance[numbers.row], numbers.number
    each = belief.weight[:, None] * np.stack(
        [np.ones_like(number), mean, mean**2 + variance, number, number * mean, number**2], axis=1
    )
    table = np.concatenate([belief.weight[:, None] > 0, each, hit[:, None]], axis=1)
    contributions: IntegerArray = np.rint(table * FIXED).astype(np.int64)
    return contributions


def rescaled(sums: Sequence[int], stretch: float, shift: float) -> list[int]:
    """Return an annotator's sums after the transformation `stretch` x number + `shift` of the scale."""
    weight, truth, truth2, number, product, number2 = sums[WEIGHT:HITS]
    moved = (
        stretch * truth + shift * weight,
        stretch**2 * truth2 + 2 * stretch * shift * truth + shift**2 * weight,
        stretch * number + shift * weight,
        stretch**2 * product + stretch * shift * (truth + number) + shift**2 * weight,
        stretch**2 * number2 + 2 * stretch * shift * number + shift**2 * weight,
    )
    return [sums[VOTES], weight, *map(round, moved), sums[HITS]]


def _middle(values: FloatArray, weights: FloatArray, otherwise: float) -> float:
    """Return the weighted median, or `otherwise` if all weights are 0."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)]) if reached.any() else otherwise


def _medians(numbers: Numbers, values: FloatArray) -> FloatArray:
    """Return the median of each item's values, (items,); 0 for items without votes."""
    lengths = np.bincount(numbers.row, minlength=numbers.count)
    ordered = np.append(values[np.lexsort((values, numbers.row))], 0.0)
    starts = np.cumsum(lengths) - lengths
    low, high = starts + np.maximum(lengths - 1, 0) // 2, starts + lengths // 2
    return np.where(lengths > 0, (ordered[low] + ordered[high]) / 2, 0.0)
