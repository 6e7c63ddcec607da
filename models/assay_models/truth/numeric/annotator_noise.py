"""How annotators depart from the truth on a scale: bias, stretch and spread, from sums that add up.

An annotator's number is bias + stretch x truth + noise, the congeneric model of test theory (Jöreskog 1971,
"Statistical analysis of sets of congeneric tests", section 1): without the stretch, whoever always says the middle
would pass for precise. The noise has heavy tails (t distribution; weights as in Lange, Little & Taylor 1989, "Robust
statistical modeling using the t distribution", section 3). All three are shrunk towards the pool's. Numbers are in
units of the scale's length, 0 being its middle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray, total_of

FIXED: Final = 10**11
"""Sums are kept as whole numbers of 1e-11, so that what was added can be taken back to the last digit."""

VOTES, WEIGHT, TRUTH, TRUTH_SQUARED, NUMBER, PRODUCT, NUMBER_SQUARED, HITS = range(8)
"""Per annotator: votes; sums of the weights, of weight times truth, truth², number, number x truth, number²; hits."""

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
    """Votes of `count` items, flat: one entry per vote in each array; `row` (0 to count - 1) rises."""

    count: int
    row: IntegerArray
    annotator: IntegerArray
    number: FloatArray


class Belief(NamedTuple):
    """What is believed: the items' mean and variance, (items,), and how much each vote counts, (votes,)."""

    mean: FloatArray
    variance: FloatArray
    weight: FloatArray


class PooledNoise(NamedTuple):
    """All annotators as one: variance of the noise, mean and variance of the truth, median bias and stretch."""

    noise: float
    centre: float
    truth: float
    bias: float
    stretch: float


class Noise(NamedTuple):
    """Bias, stretch and variance of annotators, all (annotators,)."""

    bias: FloatArray
    stretch: FloatArray
    variance: FloatArray


def pool_of(sums: IntegerArray) -> PooledNoise:
    """Return the pool of annotators with these sums, (annotators, columns).

    Its noise is the geometric mean of theirs, by votes: a few wild ones do not make everybody look wild.
    The median bias and stretch (by precision) are what all biases and stretches are relative to: all of them and the
    truth could shift together unseen. Not the mean: whoever always says the same would bend the scale.
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
    found = noise_of(sums / FIXED, plain)
    precision = votes / found.variance
    return plain._replace(bias=_middle(found.bias, precision, 0.0), stretch=_middle(found.stretch, precision, 1.0))


def noise_of(sums: FloatArray, pool: PooledNoise) -> Noise:
    """Return the noise of annotators with these sums, (annotators, columns), shrunk towards the pool.

    A regression of numbers on truths with a prior worth 16 votes for no bias and 40 for a stretch of 1. Nobody's
    spread is taken for less than 0.7 of the pool's.
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
    """Return what votes with this noise, one entry per vote, say of their items: a vote far off counts for less.

    Begins at the median and reweighs six times. A vote says (number - bias) / stretch, with the precision
    stretch² / variance.
    """
    said = (numbers.number - noise.bias) / noise.stretch
    precision = noise.stretch**2 / noise.variance
    mean, variance = _medians(numbers, said), np.zeros(numbers.count)
    weight = np.ones(len(said))
    for _ in range(_PASSES):
        off = (said - mean[numbers.row]) ** 2 + variance[numbers.row]
        weight = (_FREEDOM + 1) / (_FREEDOM + off * precision)
        whole = total_of(numbers.row, weight * precision, numbers.count) + _FIRST_PRECISION
        mean = (
            total_of(numbers.row, weight * precision * said, numbers.count) + _FIRST_PRECISION * pool.centre
        ) / whole
        variance = 1 / whole
    return Belief(mean, variance, weight)


def lessons(numbers: Numbers, belief: Belief, hit: FloatArray) -> IntegerArray:
    """Return what each vote teaches of its annotator, (votes, columns), by what is believed of its item.

    A vote without weight has not been judged, and teaches nothing.
    """
    mean, variance, number = belief.mean[numbers.row], belief.variance[numbers.row], numbers.number
    each = belief.weight[:, None] * np.stack(
        [np.ones_like(number), mean, mean**2 + variance, number, number * mean, number**2], axis=1
    )
    table = np.concatenate([belief.weight[:, None] > 0, each, hit[:, None]], axis=1)
    lesson: IntegerArray = np.rint(table * FIXED).astype(np.int64)
    return lesson


def rescaled(sums: Sequence[int], stretch: float, shift: float) -> list[int]:
    """Return an annotator's sums as of numbers that are `stretch` x number + `shift`."""
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
    """Return the weighted median, or something else where nothing has weight."""
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
