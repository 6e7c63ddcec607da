"""Votes of many items in flat arrays, for one vectorised E-step."""

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
"""Annotator index -> weight of the vote (0-1); 1 for annotators that are missing here."""

_FEW_COLUMNS = 16
WHOLE_VOTE = 1_000
"""Weights are whole thousandths: their sums are exact in any order."""


@dataclass(frozen=True, slots=True)
class VoteArrays:
    """Votes of `count` items: one entry per vote in each array; `row` (0 to count - 1) is ascending."""

    count: int
    row: IntegerArray
    annotator: IntegerArray
    label: IntegerArray
    weight: IntegerArray  # thousandths

    @property
    def share(self) -> FloatArray:
        """The weight of each vote, 0-1."""
        return self.weight / WHOLE_VOTE

    def per_item(self, values: FloatArray) -> FloatArray:
        """Return the sums by item, (count, columns), of values by vote, (votes, columns)."""
        columns = [total_of(self.row, column, self.count) for column in values.T]
        return np.stack(columns, axis=1)

    def sizes(self) -> FloatArray:
        """Return the weighted number of votes of each item, (count,)."""
        return total_of(self.row, self.share, self.count)


def total_of(row: IntegerArray, values: FloatArray, count: int) -> FloatArray:
    """Return the sums of values by row, (count,)."""
    return np.bincount(row, values, count).astype(np.float64, copy=False)


def across(combine: np.ufunc, values: FloatArray) -> FloatArray:
    """Reduce each row with np.add or np.maximum, (rows,); few columns go one by one, which is far faster."""
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
        shares = chain.from_iterable(
            map((one or {}).get, each, repeat(1.0)) for each, one in zip(votes, weights, strict=True)
        )
        weight = np.rint(np.fromiter(shares, np.float64, total) * WHOLE_VOTE).astype(np.int64)
    return VoteArrays(len(votes), np.repeat(np.arange(len(votes)), lengths), annotator, label, weight)
