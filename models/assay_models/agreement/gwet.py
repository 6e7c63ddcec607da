"""Gwet's AC1 and AC2: agreement beyond chance, with chance agreement only on items that are hard to label.

Gwet 2008, "Computing inter-rater reliability and its variance in the presence of high agreement"; the weighted AC2 as
in Gwet 2014, chapter 3. 1 is perfect agreement, 0 is chance. Every function returns None where the coefficient is
undefined: no item has two labels, or only one value exists. `values` are the possible values (other labels count as
missing); by default those that occur, which makes the coefficient depend on whether a rare value happens to occur.
"""

from collections.abc import Collection

import numpy as np

from assay_models.agreement.arrays import PAIR, FloatArray, PatternCounts, counts_of, padded, scaled
from assay_models.agreement.contingency import PatternTable, Value, numbers_in
from assay_models.agreement.estimate import Disagreements, Estimate, estimate_of, slants_of


def gwet_ac1(table: PatternTable, *, values: Collection[Value] | None = None) -> Estimate | None:
    """Return AC1 for unordered values."""
    counts = counts_of(table, values=values)
    return _coefficient(counts, 1 - np.eye(len(counts.values)))


def linear_ac2(table: PatternTable, *, values: Collection[float] | None = None) -> Estimate | None:
    """Return AC2 for numbers with linear weights: the distance is the difference as a share of the range."""
    counts = counts_of(table, values=numbers_in(table) if values is None else values)
    return _coefficient(counts, _differences(counts))


def quadratic_ac2(table: PatternTable, *, values: Collection[float] | None = None) -> Estimate | None:
    """Return AC2 for numbers with quadratic weights: the distance is the squared difference as a share of the range."""
    counts = counts_of(table, values=numbers_in(table) if values is None else values)
    return _coefficient(counts, _differences(counts) ** 2)


def _coefficient(counts: PatternCounts, distances: FloatArray) -> Estimate | None:
    if not counts.has_pairs or len(counts.values) < PAIR:
        return None
    return estimate_of(_parts(counts, distances), _parts(padded(counts), distances))


def _parts(counts: PatternCounts, distances: FloatArray) -> Disagreements:
    number = len(counts.values)
    profiles = counts.profiles
    shares = counts.items @ profiles / counts.items.sum()
    weight = (number**2 - float(distances.sum())) / (number * (number - 1))
    expected = 1 - weight * float(shares @ (1 - shares))
    return Disagreements(
        items=counts.items,
        pair_weights=(counts.sizes >= PAIR).astype(np.float64),
        distances=((counts.votes @ distances) * counts.votes).sum(axis=1) / counts.pairs,
        share_weights=np.ones_like(counts.items),
        slants=slants_of(profiles, shares, -2 * weight * shares / expected),
        expected=expected,
        floor=-1 / (counts.annotators - 1),
    )


def _differences(counts: PatternCounts) -> FloatArray:
    numbers = scaled(counts.values)
    spread = float(np.ptp(numbers)) if numbers.size else 0.0
    return np.abs(np.subtract.outer(numbers, numbers)) / (spread or 1)
