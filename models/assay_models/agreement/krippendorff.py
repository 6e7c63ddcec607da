"""Krippendorff's alpha: one minus observed over expected disagreement of paired values.

Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"; the metrics are those of its section E. 1 is perfect
agreement, 0 is chance, below 0 is worse than chance. Every function returns None where alpha is undefined: no item has
two labels, or only one value occurs among the items that have. `estimate` describes the interval.
"""

from collections.abc import Callable

import numpy as np

from assay_models.agreement.arrays import PAIR, FloatArray, PatternCounts, counts_of, padded, scaled
from assay_models.agreement.contingency import PatternTable, numbers_in
from assay_models.agreement.estimate import Disagreements, Estimate, estimate_of, slants_of

_SAME, _WITHIN, _OVERLAPPING = 1.0, 2 / 3, 1 / 3


def nominal_alpha(table: PatternTable) -> Estimate | None:
    """Return alpha for unordered values, which are equal or not."""
    counts = counts_of(table, least=PAIR)
    return _alpha(counts, 1 - np.eye(len(counts.values)))


def interval_alpha(table: PatternTable) -> Estimate | None:
    """Return alpha for numbers with meaningful differences; other labels count as missing."""
    counts = counts_of(table, least=PAIR, values=numbers_in(table))
    numbers = scaled(counts.values)
    return _alpha(counts, np.subtract.outer(numbers, numbers) ** 2)


def ratio_alpha(table: PatternTable) -> Estimate | None:
    """Return alpha for non-negative numbers with meaningful ratios; other labels count as missing."""
    counts = counts_of(table, least=PAIR, values={number for number in numbers_in(table) if number >= 0})
    numbers = scaled(counts.values)
    sums = np.add.outer(numbers, numbers)
    return _alpha(counts, (np.subtract.outer(numbers, numbers) / np.where(sums > 0, sums, 1)) ** 2)


def ordinal_alpha(table: PatternTable) -> Estimate | None:
    """Return alpha for numbers of which only the order is meaningful; other labels count as missing.

    The distance of two values is the squared number of labels between them in the table, half of their own included:
    the squared difference of their mean ranks. The distances therefore depend on the shares of the values, which the
    interval takes into account.
    """
    return _with_interval(counts_of(table, least=PAIR, values=numbers_in(table)), _ordinal_parts)


def jaccard_alpha(table: PatternTable) -> Estimate | None:
    """Return alpha for multi-labels with the Jaccard distance: the share of their labels that only one of two has."""
    counts = counts_of(table, least=PAIR)
    return _alpha(counts, 1 - _overlaps(counts)[0])


def masi_alpha(table: PatternTable) -> Estimate | None:
    """Return alpha for multi-labels with the distance 1 - MASI (Passonneau 2006).

    MASI is the Jaccard index times 1 for equal sets, 2/3 if one set contains the other, 1/3 if they overlap otherwise,
    and 0 if they are disjoint.
    """
    counts = counts_of(table, least=PAIR)
    jaccard, within = _overlaps(counts)
    monotone = np.where(jaccard == 1, _SAME, np.where(within, _WITHIN, _OVERLAPPING))
    return _alpha(counts, 1 - jaccard * monotone)


def alpha_parts(counts: PatternCounts, inner: FloatArray, distances: FloatArray, floor: float) -> Disagreements | None:
    """Return the parts of alpha for items with known mean inner distances, None without expected disagreement.

    `inner`: mean distance of two labels of each item, (items,); `distances`: of any two values; `floor`: lowest
    possible value.
    """
    zeros = np.zeros(len(counts.values))
    return _parts(counts, inner, distances, (zeros, zeros), floor)


def _alpha(counts: PatternCounts, distances: FloatArray) -> Estimate | None:
    return _with_interval(
        counts, lambda some: alpha_parts(some, _inner(some, distances), distances, -1 / (some.annotators - 1))
    )


def _with_interval(counts: PatternCounts, parts: Callable[[PatternCounts], Disagreements | None]) -> Estimate | None:
    if not counts.items.size:
        return None
    plain, more = parts(counts), parts(padded(counts))
    return estimate_of(plain, more) if plain and more else None


def _inner(counts: PatternCounts, distances: FloatArray) -> FloatArray:
    """Return the mean distance of two labels of the same item, per row."""
    return np.asarray(((counts.votes @ distances) * counts.votes).sum(axis=1) / counts.pairs)


def _ordinal_parts(counts: PatternCounts) -> Disagreements | None:
    labels = float(counts.items @ counts.sizes)
    shares = counts.items @ counts.votes / labels
    below = np.tril(np.ones((shares.size, shares.size))) - np.eye(shares.size) / 2
    ranks = below @ shares
    weights = counts.items * counts.sizes / counts.pairs / labels
    coincidences = counts.votes.T @ (counts.votes * weights[:, None])
    coincidences += np.diag(shares - coincidences.sum(axis=1))
    pulls = (
        4 * below.T @ (shares * ranks - coincidences @ ranks),
        4 * below.T @ (shares * ranks - shares * (shares @ ranks)),
    )
    distances = np.subtract.outer(ranks, ranks) ** 2
    return _parts(counts, _inner(counts, distances), distances, pulls, -1 / (counts.annotators - 1))


def _parts(
    counts: PatternCounts, inner: FloatArray, distances: FloatArray, pulls: tuple[FloatArray, FloatArray], floor: float
) -> Disagreements | None:
    """Return the parts of alpha; `pulls` are the gradients of observed and expected disagreement via the distances."""
    labels = float(counts.items @ counts.sizes)
    shares = counts.items @ counts.votes / labels
    expected = float(shares @ distances @ shares)
    if expected <= 0:
        return None
    observed = float(counts.items @ (counts.sizes * inner)) / labels
    through_observed = pulls[0] / observed if observed > 0 else np.zeros_like(shares)
    return Disagreements(
        items=counts.items,
        pair_weights=counts.sizes,
        distances=inner,
        share_weights=counts.sizes,
        slants=slants_of(counts.profiles, shares, through_observed - (2 * distances @ shares + pulls[1]) / expected),
        expected=expected,
        floor=floor,
        shrink=(labels - 1) / labels,
    )


def _overlaps(counts: PatternCounts) -> tuple[FloatArray, FloatArray]:
    """Return, for all pairs of values, the Jaccard index of their labels, and whether one contains the other."""
    sets = [frozenset(value) if isinstance(value, tuple) else frozenset((str(value),)) for value in counts.values]
    place = {label: number for number, label in enumerate(sorted(frozenset().union(*sets)))}
    members = np.zeros((len(sets), len(place)))
    for row, labels in enumerate(sets):
        members[row, [place[label] for label in labels]] = 1
    both = members @ members.T
    sizes = members.sum(axis=1)
    either = np.add.outer(sizes, sizes) - both
    return np.where(either > 0, both / np.maximum(either, 1), 1.0), both == np.minimum.outer(sizes, sizes)
