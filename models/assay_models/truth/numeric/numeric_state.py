"""Items that are measured in numbers, and what they teach of their annotators: the one contains the other."""

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
_NOBODY = np.zeros(0)


class ScaleMeaning(NamedTuple):
    """How exactly a truth is known, in units of the scale: its mean, its published variance, and the lapse (0-1)."""

    mean: float
    variance: float
    lapse: float

    def within(self, number: float, tolerance: float) -> float:
        """Return the probability that the truth lies within the tolerance of a number."""
        off = number - self.mean
        if not self.variance:
            return float(abs(off) <= tolerance)
        width = sqrt(2 * self.variance)
        inside = (erf((off + tolerance) / width) - erf((off - tolerance) / width)) / 2
        return (1 - self.lapse) * inside + self.lapse * min(2 * tolerance, 1.0)


@dataclass(slots=True)
class NumericItem:
    """An item's numbers by annotator, in units of the scale; the one that is known to be right; what is believed.

    `weight` and `hit` are by vote: how much it counts, how probable it is that it is near enough to the truth. `told`
    is the mean and the deviation that were last published.
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
        """Begin without a belief: votes without weight teach nothing."""
        self.weight, self.hit = np.zeros(len(self.number)), np.zeros(len(self.number))

    def inherit(self, before: "NumericItem") -> None:
        """Believe what was believed before the votes changed, until it is judged."""
        self.mean, self.variance = before.mean, before.variance
        mine, theirs = np.nonzero(self.annotator[:, None] == before.annotator)
        self.weight[mine], self.hit[mine] = before.weight[theirs], before.hit[theirs]

    @property
    def meaning(self) -> ScaleMeaning:
        """Return what may be said aloud: n votes count for n / (1 + correlation (n - 1)), as with categories."""
        if self.known is not None:
            return ScaleMeaning(self.mean, 0.0, 0.0)
        effect = 1 + _FIRST.correlation * max(len(self.number) - 1, 0)
        return ScaleMeaning(self.mean, self.variance * effect, _FIRST.lapse)

    @property
    def moved(self) -> float:
        """Return how far the mean or the deviation has moved since it was told."""
        mean, deviation = self.published
        return max(abs(self.mean - mean), abs(sqrt(self.variance) - deviation))

    def mark_published(self) -> None:
        """Note that what is believed now is published."""
        self.published = self.mean, sqrt(self.variance)


class NumericState:
    """Sums per annotator, whole numbers: of open items (exactly those that were taught), closed ones, and others'.

    Mutable.
    """

    def __init__(self) -> None:
        """Start from nothing."""
        self.open, self.past, self.others = (np.zeros((0, COLUMNS), np.int64) for _ in range(3))

    @property
    def every(self) -> IntegerArray:
        """All that is counted, (annotators, columns)."""
        return self.open + self.past + self.others

    @property
    def pool(self) -> PooledNoise:
        """All annotators as one."""
        return pool_of(self.every)

    def make_room(self, annotators: int) -> None:
        """Have room for this many annotators."""
        missing = annotators - len(self.open)
        if missing > 0:
            rows = ((0, max(missing, len(self.open) // 2, 16)), (0, 0))
            self.open, self.past, self.others = (np.pad(each, rows) for each in (self.open, self.past, self.others))

    def teach(self, table: IntegerArray, found: Sequence[NumericItem], *, sign: int = 1) -> None:
        """Add (or take away, with sign -1) what these items teach to one of the three tables."""
        numbers = numbers_of(found)
        np.add.at(table, numbers.annotator, sign * _taught(found, numbers))

    def judge(self, found: Sequence[NumericItem], tolerance: float) -> None:
        """Judge these items by what all others say of their annotators, and teach the difference."""
        numbers = numbers_of(found)
        before, pool = _taught(found, numbers), self.pool
        noise = noise_of((self.every[numbers.annotator] - before) / FIXED, pool)
        _believe(found, weigh(numbers, noise, pool), tolerance)
        np.add.at(self.open, numbers.annotator, _taught(found, numbers) - before)


def numbers_of(found: Sequence[NumericItem]) -> Numbers:
    """Return the votes of items as flat arrays."""
    lengths = [len(each.number) for each in found]
    annotator = np.concatenate([np.zeros(0, np.int64), *(each.annotator for each in found)])
    number = np.concatenate([_NOBODY, *(each.number for each in found)])
    return Numbers(len(found), np.repeat(np.arange(len(found)), lengths), annotator, number)


def _taught(found: Sequence[NumericItem], numbers: Numbers) -> IntegerArray:
    """Return what these items' votes teach now, (votes, columns)."""
    weight, hit = (np.concatenate([_NOBODY, *(getattr(each, name) for each in found)]) for name in ("weight", "hit"))
    mean, variance = (np.array([getattr(each, name) for each in found]) for name in ("mean", "variance"))
    return lessons(numbers, Belief(mean, variance, weight), hit)


def _believe(found: Sequence[NumericItem], belief: Belief, tolerance: float) -> None:
    """Let this be what is believed. What is counted takes the votes at their word, unlike what is published."""
    weights, start = np.maximum(belief.weight.round(_DECIMALS), _LEAST_WEIGHT), 0
    for each, mean, variance in zip(found, belief.mean.tolist(), belief.variance.tolist(), strict=True):
        each.mean, each.variance = (mean, variance) if each.known is None else (each.known, 0.0)
        within, end = ScaleMeaning(each.mean, each.variance, 0.0).within, start + len(each.number)
        hits = [within(number, tolerance) for number in each.number.tolist()]
        each.weight, each.hit, start = weights[start:end], np.array(hits).round(_DECIMALS), end
