"""Cohen's kappa: agreement of two annotators beyond what their own label distributions give by chance.

Cohen 1960, and 1968 for weights. 1 is perfect agreement, 0 is chance, below 0 is worse than chance. Every function
returns None where kappa is undefined: no item was labelled by both, or both gave one and the same value only. The
standard error is that of Fleiss, Cohen & Everitt 1969, with n - 1. The kappas of many pairs are computed together; a
single kappa is the special case of one pair.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay_models.agreement.arrays import AGREEING_ITEMS, CHANCE_ITEMS, FloatArray
from assay_models.agreement.contingency import Value, rank
from assay_models.agreement.estimate import Estimate, estimate_from

PairTable: TypeAlias = Mapping[tuple[Value, Value], int]
"""The number of items by (first annotator's value, second annotator's value); adds like a `PatternTable`."""

Ints: TypeAlias = NDArray[np.int64]

_Distances: TypeAlias = Callable[[FloatArray], FloatArray]
"""From the numbers of each pair's values (one row per pair) to the distance matrix of each pair."""

_MOST_CELLS = 500_000
"""Limit on the cells computed at once: a few megabytes."""
_FLOOR = -1.0


@dataclass(frozen=True, slots=True)
class PairTables:
    """The contingency tables of `count` pairs of annotators, as sparse rows.

    Row i: `items[i]` items of pair number `pairs[i]` got the values number `firsts[i]` and `seconds[i]` of `values`.
    Ordered by pair, at most one row per cell. A pair may have no rows.
    """

    count: int
    pairs: Ints
    firsts: Ints
    seconds: Ints
    items: FloatArray
    values: tuple[Value, ...]

    def some(self, pairs: Sequence[int]) -> "PairTables":
        """Return the tables of these pairs, in this order."""
        starts, ends = (np.searchsorted(self.pairs, pairs, side) for side in ("left", "right"))
        sizes = ends - starts
        rows = np.repeat(ends - np.cumsum(sizes), sizes) + np.arange(sizes.sum())
        numbers = np.repeat(np.arange(len(pairs)), sizes)
        return PairTables(len(pairs), numbers, self.firsts[rows], self.seconds[rows], self.items[rows], self.values)


def cohen_kappa(table: PairTable) -> Estimate | None:
    """Return kappa for unordered values."""
    return cohen_kappas(_single_pair(table))[0]


def linear_kappa(table: PairTable) -> Estimate | None:
    """Return weighted kappa for numbers, with the difference as distance; other labels count as missing."""
    return linear_kappas(_single_pair(table))[0]


def quadratic_kappa(table: PairTable) -> Estimate | None:
    """Return weighted kappa for numbers, with the squared difference as distance; other labels count as missing."""
    return quadratic_kappas(_single_pair(table))[0]


def cohen_kappas(tables: PairTables) -> list[Estimate | None]:
    """Return each pair's `cohen_kappa`."""
    return _kappas(tables, np.zeros(len(tables.values)), _same_or_not)


def linear_kappas(tables: PairTables) -> list[Estimate | None]:
    """Return each pair's `linear_kappa`."""
    return _kappas(*_numeric(tables), lambda numbers: np.abs(_differences(numbers)))


def quadratic_kappas(tables: PairTables) -> list[Estimate | None]:
    """Return each pair's `quadratic_kappa`."""
    return _kappas(*_numeric(tables), lambda numbers: _differences(numbers) ** 2)


def _single_pair(table: PairTable) -> PairTables:
    values = sorted({value for pair in table for value in pair}, key=rank)
    place = {value: number for number, value in enumerate(values)}
    cells = np.array([(place[one], place[other]) for one, other in table], dtype=np.int64).reshape(-1, 2)
    items = np.fromiter(table.values(), np.float64, len(table))
    return PairTables(1, np.zeros(len(table), np.int64), cells[:, 0], cells[:, 1], items, tuple(values))


def _same_or_not(numbers: FloatArray) -> FloatArray:
    return np.asarray(1 - np.eye(numbers.shape[1]))[None]


def _differences(numbers: FloatArray) -> FloatArray:
    return np.asarray(numbers[:, :, None] - numbers[:, None, :])


def _numeric(tables: PairTables) -> tuple[PairTables, FloatArray]:
    """Return the tables without non-numeric values, and the values as numbers (0 for the removed ones)."""
    numbers = np.array([value if isinstance(value, (int, float)) else np.nan for value in tables.values])
    is_numeric = ~np.isnan(numbers[tables.firsts]) & ~np.isnan(numbers[tables.seconds])
    firsts, seconds = tables.firsts[is_numeric], tables.seconds[is_numeric]
    numeric = PairTables(
        tables.count, tables.pairs[is_numeric], firsts, seconds, tables.items[is_numeric], tables.values
    )
    return numeric, np.nan_to_num(numbers)


def _kappas(tables: PairTables, numbers: FloatArray, distances: _Distances) -> list[Estimate | None]:
    estimates_by_pair: list[Estimate | None] = [None] * tables.count
    present = np.unique(tables.pairs)
    at_once = max(1, _MOST_CELLS // max(1, len(tables.values) ** 2))
    for start in range(0, present.size, at_once):
        batch = present[start : start + at_once]
        low, high = np.searchsorted(tables.pairs, (batch[0], batch[-1] + 1))
        rows = np.searchsorted(batch, tables.pairs[low:high])
        cells = np.concatenate([tables.firsts[low:high], tables.seconds[low:high]])
        used, places = np.unique(cells, return_inverse=True)
        firsts, seconds = places.reshape(2, -1)
        both = np.zeros((batch.size, used.size, used.size))
        both[rows, firsts, seconds] = tables.items[low:high]
        estimates = _estimates(both, distances(_scaled(numbers[used], both)))
        for pair, estimate in zip(batch.tolist(), estimates, strict=True):
            estimates_by_pair[pair] = estimate
    return estimates_by_pair


def _scaled(numbers: FloatArray, both: FloatArray) -> FloatArray:
    """Return each pair's numbers divided by its largest absolute value, to avoid overflow; 0 for absent values."""
    occurring = both.any(axis=1) | both.any(axis=2)
    each = np.where(occurring, numbers, 0.0)
    largest = np.abs(each).max(axis=1, keepdims=True)
    return np.asarray(each / np.where(largest > 0, largest, 1.0))


def _estimates(both: FloatArray, distances: FloatArray) -> Iterator[Estimate | None]:
    """Yield the estimates of dense tables: items by pair, first and second value.

    Pseudo-items are those of `arrays.padded`, with chance labels spread over the values by their shares.
    """
    mixes = _mixed(both.sum(axis=2)), _mixed(both.sum(axis=1))
    agreeing = AGREEING_ITEMS * (mixes[0] + mixes[1]) / 2
    plain = _linearised(both, distances, mixes, 0.0)
    padded = _linearised(both + agreeing[:, :, None] * np.eye(both.shape[1]), distances, mixes, CHANCE_ITEMS)
    items = both.sum(axis=(1, 2)).tolist()
    for paired, (value, error, expected), (other, wider, _) in zip(items, plain, padded, strict=True):
        if expected > 0:
            yield estimate_from((value, error), (other, wider), paired=round(paired), floor=_FLOOR)
        else:
            yield None


def _mixed(totals: FloatArray) -> FloatArray:
    """Return `arrays.mixed` of each row."""
    occurring = totals > 0
    shares = totals / totals.sum(axis=1, keepdims=True)
    return np.asarray((shares + occurring / occurring.sum(axis=1, keepdims=True)) / 2)


def _linearised(
    both: FloatArray, distances: FloatArray, mixes: tuple[FloatArray, FloatArray], by_chance: float
) -> list[tuple[float, float, float]]:
    """Return each pair's coefficient, its standard error and the expected disagreement; see `estimate`.

    `by_chance`: the number of pseudo-items labelled by chance to add.
    """
    totals = both.sum(axis=2) + by_chance * mixes[0], both.sum(axis=1) + by_chance * mixes[1]
    count = totals[0].sum(axis=1)
    shares = totals[0] / count[:, None], totals[1] / count[:, None]
    expected = _product(shares[0], distances, shares[1])
    scale = np.where(expected > 0, expected, 1.0)
    slants = tuple(
        _centred(-_applied(distances, theirs) / scale[:, None], ours)
        for ours, theirs in ((shares[0], shares[1]), (shares[1], shares[0]))
    )
    by_chance_distance = _product(mixes[0], distances, mixes[1])
    by_chance_slant = (mixes[0] * slants[0] + mixes[1] * slants[1]).sum(axis=1)
    observed = ((both * distances).sum(axis=(1, 2)) + by_chance * by_chance_distance) / count
    middle = observed[:, None, None]
    steps = distances - middle + middle * (slants[0][:, :, None] + slants[1][:, None, :])
    by_chance_step = by_chance_distance - observed + observed * by_chance_slant
    squares = (both * steps**2).sum(axis=(1, 2)) + by_chance * by_chance_step**2
    error = np.sqrt(squares / (count * np.maximum(count - 1, 1))) / scale
    return list(zip((1 - observed / scale).tolist(), error.tolist(), expected.tolist(), strict=True))


def _applied(distances: FloatArray, shares: FloatArray) -> FloatArray:
    return np.asarray((distances @ shares[:, :, None])[:, :, 0])


def _product(ours: FloatArray, distances: FloatArray, theirs: FloatArray) -> FloatArray:
    return np.asarray((ours * _applied(distances, theirs)).sum(axis=1))


def _centred(pulls: FloatArray, shares: FloatArray) -> FloatArray:
    return np.asarray(pulls - (shares * pulls).sum(axis=1, keepdims=True))
