"""Pattern tables as arrays, optionally padded with pseudo-items."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay_models.agreement.contingency import PatternTable, Value, rank, restricted

PAIR = 2
"""The number of labels an item needs for a pair."""

AGREEING_ITEMS = 1.0
"""Number of pseudo-items with full agreement, for the interval."""

CHANCE_ITEMS = 0.5
"""Number of pseudo-items labelled by chance, for the interval."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PatternCounts:
    """A pattern table as arrays: one row per pattern, one column per value.

    `votes`: number of annotators, (rows, columns); `sizes`: its row sums; `pairs`: ordered pairs of labels per row;
    `items`: number of items with this pattern.
    """

    values: tuple[Value, ...]
    votes: FloatArray
    sizes: FloatArray
    pairs: FloatArray
    items: FloatArray

    @property
    def profiles(self) -> FloatArray:
        """The share of each value in each row."""
        return self.votes / self.sizes[:, None]

    @property
    def annotators(self) -> float:
        """The mean number of labels over items with two or more; requires at least one such item."""
        paired = self.sizes >= PAIR
        return float((self.items * self.sizes)[paired].sum() / self.items[paired].sum())

    @property
    def has_pairs(self) -> bool:
        """Whether any item has two labels."""
        return bool((self.sizes >= PAIR).any())


def counts_of(table: PatternTable, *, least: int = 1, values: Collection[Value] | None = None) -> PatternCounts:
    """Return the patterns with at least `least` labels as arrays, in an order that depends only on the table's content.

    Because of this order, equal tables give bit-identical results, whatever their history. `values` sets the columns,
    and other labels count as missing; by default the columns are the values that occur.
    """
    if values is not None:
        table = restricted(table, frozenset(values))
    known = {value for pattern in table for value, _ in pattern} if values is None else set(values)
    columns = tuple(sorted(known, key=rank))
    place = {value: number for number, value in enumerate(columns)}
    votes = np.zeros((len(table), len(columns)))
    rows = np.repeat(np.arange(len(table)), [len(pattern) for pattern in table])
    votes[rows, [place[value] for pattern in table for value, _ in pattern]] = [
        number for pattern in table for _, number in pattern
    ]
    items = np.fromiter(table.values(), np.float64, len(table))
    sizes = votes.sum(axis=1)
    order = row_order(votes)
    order = order[sizes[order] >= least]
    sizes = sizes[order]
    return PatternCounts(columns, votes[order], sizes, np.maximum(sizes * (sizes - 1), 1), items[order])


def padded(counts: PatternCounts) -> PatternCounts:
    """Return the counts plus pseudo-items: `AGREEING_ITEMS` with full agreement, `CHANCE_ITEMS` labelled by chance.

    Their values follow the mean of the shares in the table and the uniform distribution over the values that occur;
    without the latter, a rare value would seem well known in a small table. At least one item must have two labels.
    """
    mix = mixed(counts.items @ counts.votes)
    known = np.flatnonzero(mix)
    size = counts.annotators
    sizes = np.full(known.size + 1, size)
    return PatternCounts(
        counts.values,
        np.vstack([counts.votes, size * np.eye(mix.size)[known], size * mix]),
        np.concatenate([counts.sizes, sizes]),
        np.concatenate([counts.pairs, sizes**2]),
        np.concatenate([counts.items, AGREEING_ITEMS * mix[known], [CHANCE_ITEMS]]),
    )


def mixed(totals: FloatArray) -> FloatArray:
    """Return the distribution of the values of pseudo-items."""
    occurring = totals > 0
    return np.asarray((totals / totals.sum() + occurring / occurring.sum()) / 2)


def usual_loss(weights: FloatArray, losses: FloatArray) -> float:
    """Return the mean loss weighted by the loss itself: 1 if losses are 0 or 1, the mean if all are equal."""
    total = float(weights @ losses)
    return float(weights @ losses**2) / total if total > 0 else 0.0


def scaled(values: Collection[Value] | Collection[float]) -> FloatArray:
    """Return the numbers divided by their largest absolute value, to avoid overflow of squares."""
    numbers = np.array(list(values), dtype=np.float64)
    return np.asarray(numbers / (np.abs(numbers).max(initial=0) or 1))


def row_order(rows: FloatArray) -> NDArray[np.intp]:
    """Return an order of the rows that depends only on their content."""
    if not rows.size:
        return np.arange(len(rows))
    plain = np.ascontiguousarray(rows)
    return np.argsort(plain.view(np.dtype((np.void, plain.itemsize * plain.shape[1]))).ravel(), kind="stable")
