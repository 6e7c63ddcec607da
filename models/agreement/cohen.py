"""Cohen's kappa: how two annotators agree beyond what their own shares of values would give by chance.

Cohen 1960, and 1968 for weights. 1 is perfect agreement, 0 is chance, below 0 is worse than chance. Every function
returns None where kappa is undefined: no item has been labelled by both, or both gave one and the same value
only. The standard error is that of Fleiss, Cohen & Everitt 1969, with n - 1.
"""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from models.agreement.counts import AGREEING_ITEMS, CHANCE_ITEMS, Floats, mixed, scaled
from models.agreement.interval import Disagreements, Estimate, estimate_of, slants_of
from models.agreement.table import Value, rank

PairTable: TypeAlias = Mapping[tuple[Value, Value], int]
"""How many items the first annotator gave the one value and the second the other; adds like any `table`."""


def cohen_kappa(table: PairTable) -> Estimate | None:
    """Return kappa for unordered values."""
    values = sorted({value for pair in table for value in pair}, key=rank)
    return _kappa(table, values, 1 - np.eye(len(values)))


def linear_kappa(table: PairTable) -> Estimate | None:
    """Return weighted kappa for numbers, whose distance is their difference; other labels count as missing."""
    numeric, values = _numeric(table)
    return _kappa(numeric, values, np.abs(_differences(values)))


def quadratic_kappa(table: PairTable) -> Estimate | None:
    """Return weighted kappa for numbers, whose distance is their squared difference; other labels count as missing."""
    numeric, values = _numeric(table)
    return _kappa(numeric, values, _differences(values) ** 2)


def _differences(values: list[float]) -> Floats:
    numbers = scaled(values)
    return np.asarray(np.subtract.outer(numbers, numbers))


def _numeric(table: PairTable) -> tuple[PairTable, list[float]]:
    numeric = {pair: n for pair, n in table.items() if all(isinstance(value, (int, float)) for value in pair)}
    return numeric, sorted({value for pair in numeric for value in pair if isinstance(value, (int, float))})


def _kappa(table: PairTable, values: list[Value] | list[float], distances: Floats) -> Estimate | None:
    if not table:
        return None
    place = {value: number for number, value in enumerate(values)}
    both = np.zeros((len(place), len(place)))
    for (first, second), number in table.items():
        both[place[first], place[second]] = number
    rows, columns = np.nonzero(both)
    each = np.eye(len(place))
    items = both[rows, columns]
    plain = _parts(items, each[rows], each[columns], distances)
    more = _parts(*_padded(items, each[rows], each[columns]), distances)
    return estimate_of(plain, more) if plain and more else None


def _padded(items: Floats, firsts: Floats, seconds: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the rows with pseudo-items, as `counts.padded` does; what is said by chance is said in shares."""
    mixes = [mixed(items @ firsts), mixed(items @ seconds)]
    agreeing = np.eye(firsts.shape[1])
    return (
        np.concatenate([items, AGREEING_ITEMS * (mixes[0] + mixes[1]) / 2, [CHANCE_ITEMS]]),
        np.vstack([firsts, agreeing, mixes[0]]),
        np.vstack([seconds, agreeing, mixes[1]]),
    )


def _parts(items: Floats, firsts: Floats, seconds: Floats, distances: Floats) -> Disagreements | None:
    shares = [items @ firsts / items.sum(), items @ seconds / items.sum()]
    expected = float(shares[0] @ distances @ shares[1])
    if expected <= 0:
        return None
    ones = np.ones_like(items)
    pulls = [-(distances @ shares[1]) / expected, -(distances @ shares[0]) / expected]
    return Disagreements(
        items=items,
        pair_weights=ones,
        distances=((firsts @ distances) * seconds).sum(axis=1),
        share_weights=ones,
        slants=slants_of(firsts, shares[0], pulls[0]) + slants_of(seconds, shares[1], pulls[1]),
        expected=expected,
        floor=-1.0,
    )
