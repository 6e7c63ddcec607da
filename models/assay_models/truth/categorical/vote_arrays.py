"""The votes of some items, laid out flat so that all of them are judged in one stroke."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, repeat
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntegerArray: TypeAlias = NDArray[np.int64]
Votes: TypeAlias = Mapping[int, int]
"""Annotator index -> label index: one vote per annotator."""

VoteWeights: TypeAlias = Mapping[int, float]
"""Annotator index -> how much the vote counts (0-1); 1 for annotators that are not named."""

_FEW_COLUMNS = 16
WHOLE_VOTE = 1_000
"""Weights are kept as whole thousandths: sums of them are exact in every order."""


@dataclass(frozen=True, slots=True)
class VoteArrays:
    """Votes of `count` items: one entry per vote in each array; `row` (0 to count - 1) rises."""

    count: int
    row: IntegerArray
    annotator: IntegerArray
    label: IntegerArray
    weight: IntegerArray  # thousandths

    @property
    def share(self) -> FloatArray:
        """How much each vote counts, 0-1."""
        return self.weight / WHOLE_VOTE

    def per_item(self, values: FloatArray) -> FloatArray:
        """Return the sums by item, (count, columns), of values by vote, (votes, columns)."""
        columns = [total_of(self.row, column, self.count) for column in values.T]
        return np.stack(columns, axis=1)

    def sizes(self) -> FloatArray:
        """Return how many votes each item has, each counted by its weight."""
        return total_of(self.row, self.share, self.count)


def total_of(row: IntegerArray, values: FloatArray, count: int) -> FloatArray:
    """Return the sums of values by row, (count,)."""
    return np.bincount(row, values, count).astype(np.float64, copy=False)


def across(combine: np.ufunc, values: FloatArray) -> FloatArray:
    """Return the sums (np.add) or maxima (np.maximum) of rows, (rows,); by columns where those are few, far faster."""
    if values.shape[1] > _FEW_COLUMNS:
        return np.asarray(combine.reduce(values, axis=1))
    return np.asarray(reduce(combine, values.T))


def ballots_of(votes: Sequence[Votes], weights: Sequence[VoteWeights | None] | None = None) -> VoteArrays:
    """Return the votes of items, one mapping per item, as flat arrays."""
    lengths = np.fromiter(map(len, votes), np.int64, len(votes))
    total = int(lengths.sum())
    annotator = np.fromiter(chain.from_iterable(votes), np.int64, total)
    label = np.fromiter(chain.from_iterable(one.values() for one in votes), np.int64, total)
    weight = np.full(total, WHOLE_VOTE, np.int64)
    if weights is not None and any(weights):
        asked = chain.from_iterable(
            map((one or {}).get, each, repeat(1.0)) for each, one in zip(votes, weights, strict=True)
        )
        weight = np.rint(np.fromiter(asked, np.float64, total) * WHOLE_VOTE).astype(np.int64)
    return VoteArrays(len(votes), np.repeat(np.arange(len(votes)), lengths), annotator, label, weight)
