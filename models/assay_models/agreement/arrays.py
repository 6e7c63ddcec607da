"""A table as arrays, as it is and padded with pseudo-items."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay_models.agreement.contingency import PatternTable, Value, rank, restricted

PAIR = 2
"""Labels an item needs before any two can be compared."""

AGREEING_ITEMS = 1.0
"""Pseudo-items of the interval on which all agree."""

CHANCE_ITEMS = 0.5
"""Pseudo-items of the interval that are labelled by chance."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PatternCounts:
    """One row per pattern, one column per value.

    `votes` counts annotators, `sizes` is its sum over a row, `pairs` how many ordered pairs of labels a row has,
    `items` how many items show the row.
    """

    values: tuple[Value, ...]
    votes: FloatArray
    sizes: FloatArray
    pairs: FloatArray
    items: FloatArray

    @property
    def profiles(self) -> FloatArray:
        """Return the share of each value in each row."""
        return self.votes / self.sizes[:, None]

    @property
    def annotators(self) -> float:
        """Return the mean number of labels of the items that have two or more; at least one item must."""
        paired = self.sizes >= PAIR
        return float((self.items * self.sizes)[paired].sum() / self.items[paired].sum())

    @property
    def has_pairs(self) -> bool:
        """Say whether any item has two labels."""
        return bool((self.sizes >= PAIR).any())


def counts_of(table: PatternTable, *, least: int = 1, values: Collection[Value] | None = None) -> PatternCounts:
    """Return the patterns with at least so many labels, in an order that depends on nothing but the table.

    Because of this order, equal tables give equal readings to the last bit, however they came about. With
    `values`, these are the columns, and other labels count as missing; else the columns are the values that occur.
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
    """Return the counts with pseudo-items: on `AGREEING_ITEMS` all agree, `CHANCE_ITEMS` are labelled by chance.

    Their values come half from the shares in the table, half from all values that occur alike: else a rare
    value, of which a small table knows next to nothing, would seem well known. At least one item must have two labels.
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
    """Return the shares of the values of pseudo-items."""
    occurring = totals > 0
    return np.asarray((totals / totals.sum() + occurring / occurring.sum()) / 2)


def usual_loss(weights: FloatArray, losses: FloatArray) -> float:
    """Return the loss that the average loss comes from: 1 if losses are 0 or 1, the mean if all are alike."""
    total = float(weights @ losses)
    return float(weights @ losses**2) / total if total > 0 else 0.0


def scaled(values: Collection[Value] | Collection[float]) -> FloatArray:
    """Return numbers in parts of the largest of them, so that no square overflows."""
    numbers = np.array(list(values), dtype=np.float64)
    return np.asarray(numbers / (np.abs(numbers).max(initial=0) or 1))


def row_order(rows: FloatArray) -> NDArray[np.intp]:
    """Return an order of the rows that depends on their content only."""
    if not rows.size:
        return np.arange(len(rows))
    plain = np.ascontiguousarray(rows)
    return np.argsort(plain.view(np.dtype((np.void, plain.itemsize * plain.shape[1]))).ravel(), kind="stable")
