"""How much an annotator's labels depend on the items.

Raykar & Yu 2012, "Eliminating Spammers and Ranking Annotators for Crowdsourced Labeling Tasks", section 3.2.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Final

_ENOUGH: Final = 3.0


def spammer_score(confusion: Mapping[str, Mapping[str, float]]) -> float | None:
    """Return 1 for labels that follow the truth perfectly, 0 for labels that do not depend on it.

    `confusion` has for each true label how often which label was given. The score is the mean squared distance of the
    rows, over the labels that have been the truth three times or more; None with fewer than two of those. For two
    labels it is (sensitivity + specificity - 1) squared.
    """
    rows = [_shares(row) for row in confusion.values() if sum(row.values()) >= _ENOUGH]
    if len(rows) < 2:  # noqa: PLR2004  # a distance needs two
        return None
    total = sum([_squared_distance(one, other) for one, other in combinations(rows, 2)])
    return min(total / (len(rows) * (len(rows) - 1)), 1.0)


def _shares(row: Mapping[str, float]) -> dict[str, float]:
    total = sum(row.values())
    return {label: count / total for label, count in row.items()}


def _squared_distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum([(one.get(label, 0.0) - other.get(label, 0.0)) ** 2 for label in sorted({*one, *other})])
