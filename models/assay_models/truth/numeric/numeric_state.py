"""Numeric items, and the annotator sums they contribute to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import erf, sqrt
from typing import NamedTuple

import numpy as np

from assay_models.truth.categorical.posterior import Learned
from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray
from assay_models.truth.numeric.annotator_noise import (
    COLUMNS,
    FIXED,
    Belief,
    Numbers,
    PooledNoise,
    lessons,
    noise_of,
    pool_of,
    weigh,
)

_DECIMALS = 9
_LEAST_WEIGHT = 1e-9
_FIRST = Learned()
_EMPTY = np.zeros(0)


class ScaleMeaning(NamedTuple):
    """The posterior of a truth, in units of the scale: mean, variance to publish, and lapse share (0-1)."""

    mean: float
    variance: float
    lapse: float

    def within(self, number: float, tolerance: float) -> float:
        """Return the probability (0-1) that the truth lies within `tolerance` of a number."""
        off = number - self.mean
        if not self.variance:
            return float(abs(off) <= tolerance)
        width = sqrt(2 * self.variance)
        inside = (erf((off + tolerance) / width) - erf((off - tolerance) / width)) / 2
        return (1 - self.lapse) * inside + self.lapse * min(2 * tolerance, 1.0)


@dataclass(slots=True)
class NumericItem:
    """One item's numbers by annotator, in units of the scale, its gold number (None without gold) and its posterior.

    `weight` and `hit` are per vote: its weight in the sums, and the probability (0-1) that it is within the tolerance
    of the truth. `published` is the mean and standard deviation published last.
    """

    annotator: IntegerArray
    number: FloatArray
    known: float | None
    mean: float = 0.0
    variance: float = 0.0
    weight: FloatArray = field(init=False)
    hit: FloatArray = field(init=False)
    published: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Start with vote weights of 0: unjudged votes contribute nothing."""
        self.weight, self.hit = np.zeros(len(self.number)), np.zeros(len(self.number))

    def inherit(self, before: "NumericItem") -> None:
        """Copy the posterior of the item's previous version, until it is judged again."""
        self.mean, self.variance = before.mean, before.variance
        mine, theirs = np.nonzero(self.annotator[:, None] == before.annotator)
        self.weight[mine], self.hit[mine] = before.weight[theirs], before.hit[theirs]

    @property
    def meaning(self) -> ScaleMeaning:
        """Return the posterior to publish: the variance of n votes is multiplied by 1 + correlation (n - 1)."""
        if self.known is not None:
            return ScaleMeaning(self.mean, 0.0, 0.0)
        effect = 1 + _FIRST.correlation * max(len(self.number) - 1, 0)
        return ScaleMeaning(self.mean, self.variance * effect, _FIRST.lapse)

    @property
    def moved(self) -> float:
        """Return the larger of the changes of mean and standard deviation since the last publication."""
        mean, deviation = self.published
        return max(abs(self.mean - mean), abs(sqrt(self.variance) - deviation))

    def mark_published(self) -> None:
        """Record the current posterior as published."""
        self.published = self.mean, sqrt(self.variance)


class NumericState:
    """Annotators' sums as whole numbers: from open items, from closed ones (`past`), from other partitions (`others`).

    Mutable. Invariant: `open` equals exactly the sum of the open items' contributions.
    """

    def __init__(self) -> None:
        """Start from zero."""
        self.open, self.past, self.others = (np.zeros((0, COLUMNS), np.int64) for _ in range(3))

    @property
    def every(self) -> IntegerArray:
        """The total of all sums, (annotators, columns)."""
        return self.open + self.past + self.others

    @property
    def pool(self) -> PooledNoise:
        """The pooled noise of all annotators."""
        return pool_of(self.every)

    def make_room(self, annotators: int) -> None:
        """Enlarge the tables for at least this many annotators."""
        missing = annotators - len(self.open)
        if missing > 0:
            rows = ((0, max(missing, len(self.open) // 2, 16)), (0, 0))
            self.open, self.past, self.others = (np.pad(each, rows) for each in (self.open, self.past, self.others))

    def teach(self, table: IntegerArray, items: Sequence[NumericItem], *, sign: int = 1) -> None:
        """Add (subtract, with sign -1) these items' contributions to one of the three tables."""
        numbers = numbers_of(items)
        np.add.at(table, numbers.annotator, sign * _contributions(items, numbers))

    def judge(self, items: Sequence[NumericItem], tolerance: float) -> None:
        """Compute these items' posteriors from sums without their own contribution, then update the sums."""
        numbers = numbers_of(items)
        before, pool = _contributions(items, numbers), self.pool
        noise = noise_of((self.every[numbers.annotator] - before) / FIXED, pool)
        _set_posteriors(items, weigh(numbers, noise, pool), tolerance)
        np.add.at(self.open, numbers.annotator, _contributions(items, numbers) - before)


def numbers_of(items: Sequence[NumericItem]) -> Numbers:
    """Return the votes of items as flat arrays."""
    lengths = [len(each.number) for each in items]
    annotator = np.concatenate([np.zeros(0, np.int64), *(each.annotator for each in items)])
    number = np.concatenate([_EMPTY, *(each.number for each in items)])
    return Numbers(len(items), np.repeat(np.arange(len(items)), lengths), annotator, number)


def _contributions(items: Sequence[NumericItem], numbers: Numbers) -> IntegerArray:
    """Return the current contributions of these items' votes, (votes, columns)."""
    weight, hit = (np.concatenate([_EMPTY, *(getattr(each, name) for each in items)]) for name in ("weight", "hit"))
    mean, variance = (np.array([getattr(each, name) for each in items]) for name in ("mean", "variance"))
    return lessons(numbers, Belief(mean, variance, weight), hit)


def _set_posteriors(items: Sequence[NumericItem], belief: Belief, tolerance: float) -> None:
    """Set the items' posteriors. Hits are computed without the correction for correlation used in publication."""
    weights, start = np.maximum(belief.weight.round(_DECIMALS), _LEAST_WEIGHT), 0
    for each, mean, variance in zip(items, belief.mean.tolist(), belief.variance.tolist(), strict=True):
        each.mean, each.variance = (mean, variance) if each.known is None else (each.known, 0.0)
        within, end = ScaleMeaning(each.mean, each.variance, 0.0).within, start + len(each.number)
        hits = [within(number, tolerance) for number in each.number.tolist()]
        each.weight, each.hit, start = weights[start:end], np.array(hits).round(_DECIMALS), end
