"""Small tables, and random ones with missing labels."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from assay_models.agreement.contingency import Pattern, pattern_of

KRIPPENDORFF_C = ["11.1", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", ".555", "..11", "..3."]
"""Krippendorff 2011, data C: four observers, twelve units."""

Rows = list[list[float | None]]


def a_table(items: Iterable[Iterable[object]]) -> dict[Pattern, int]:
    """Return the table of items, each given by its labels; None is missing."""
    return dict(Counter(pattern_of([label for label in item if label is not None]) for item in items))  # type: ignore[misc]


def digits(rows: Sequence[str]) -> list[list[int | None]]:
    """Return rows of digits as numbers; a dot is missing."""
    return [[None if sign == "." else int(sign) for sign in row] for row in rows]


def random_rows(seed: int, *, missing_share: float = 0.2, fewest: int = 0) -> Rows:
    """Return items by annotators with numbers from 1, some missing, at least so many labels in each row."""
    rng = np.random.default_rng(seed)
    items, annotators, values = rng.integers(8, 40), rng.integers(2, 6), rng.integers(2, 6)
    truth = rng.integers(1, values + 1, items)
    truth[:2] = 1, 2
    seen = rng.random((items, annotators)) < 0.6
    given = np.where(seen, truth[:, None], rng.integers(1, values + 1, (items, annotators)))
    gone = rng.random(given.shape) < missing_share
    gone[(~gone).sum(axis=1) < fewest] = False
    gone[:2] = False
    return [
        [None if no else float(label) for label, no in zip(*row, strict=True)] for row in zip(given, gone, strict=True)
    ]
