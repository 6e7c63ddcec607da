"""Agreement of boxes: how many of two annotators' boxes match, and how well the matched ones lie on each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import fsum
from typing import NamedTuple, TypeAlias

import numpy as np

from assay_models.agreement.arrays import AGREEING_ITEMS, CHANCE_ITEMS, PAIR, FloatArray, row_order, usual_loss
from assay_models.agreement.estimate import Disagreements, Estimate, estimate_of
from assay_schemas.annotation import Box

LEAST_OVERLAP = 0.5
"""The least intersection over union (0-1) of boxes that match."""


class BoxCounts(NamedTuple):
    """What an item says: summed over all pairs of its annotators.

    `boxes` counts the boxes of both, `matched` the matched pairs of boxes, `overlap` sums their intersection over
    union.
    """

    annotators: int
    boxes: int
    matched: int
    overlap: float


BoxTable: TypeAlias = Mapping[BoxCounts, int]
"""How many items say the same; adds and subtracts like any `table`."""


@dataclass(frozen=True, slots=True)
class BoxAgreement:
    """Pairwise F1 and, where anything matches, the mean intersection over union of what does."""

    f1: Estimate
    overlap: Estimate | None


def box_counts_of(annotations: Sequence[Sequence[Box]]) -> BoxCounts:
    """Return what an item says; each annotator gives a list of boxes, which may be empty."""
    matched = [matches(first, second) for first, second in combinations(annotations, 2)]
    boxes = (len(annotations) - 1) * sum(map(len, annotations))
    return BoxCounts(
        len(annotations), boxes, sum(map(len, matched)), fsum(sorted(share for each in matched for share in each))
    )


def matches(first: Sequence[Box], second: Sequence[Box]) -> list[float]:
    """Return the intersections over union of the boxes that match, best first.

    Boxes match if their labels are the same and they overlap by `LEAST_OVERLAP`, each with one at most. The best
    overlap is taken first. Of boxes that barely overlap among themselves hardly two can match the same one,
    so this is the best matching but for crowded images.
    """
    if not first or not second:
        return []
    labels = [np.array([box.label for box in boxes]) for boxes in (first, second)]
    shares = overlaps(first, second) * np.equal.outer(*labels)
    near = [(float(shares[i, j]), first[i], second[j]) for i, j in np.argwhere(shares >= LEAST_OVERLAP).tolist()]
    taken: set[int] = set()
    kept = []
    for share, a, b in sorted(near, key=_order):
        if taken.isdisjoint((id(a), id(b))):
            taken |= {id(a), id(b)}
            kept.append(share)
    return kept


def overlaps(first: Sequence[Box], second: Sequence[Box]) -> FloatArray:
    """Return the intersection over union (0-1) of each two boxes, both lists not empty; 0 for those without area."""
    a, b = (np.array([(box.x, box.y, box.width, box.height) for box in boxes]) for boxes in (first, second))
    low, high = a[:, None, :2], a[:, None, :2] + a[:, None, 2:]
    sides = np.minimum(high, b[None, :, :2] + b[None, :, 2:]) - np.maximum(low, b[None, :, :2])
    both = np.maximum(sides, 0).prod(axis=2)
    either = np.add.outer(a[:, 2] * a[:, 3], b[:, 2] * b[:, 3]) - both
    return np.asarray(both / np.where(either > 0, either, 1))


def box_agreement(table: BoxTable) -> BoxAgreement | None:
    """Return how well boxes agree, or None where no two annotators of an item drew any box.

    F1 is twice the matched pairs over the boxes of both: 1 if all match, 0 if none does. An item's pairs weigh
    1 / (annotators - 1), so that each box weighs the same. Nothing is taken off for chance. An item on which all
    agree that there is nothing says nothing. The intervals are over items.
    """
    kept = {BoxCounts(*said): number for said, number in table.items()}
    kept = {counts: number for counts, number in kept.items() if counts.annotators >= PAIR and counts.boxes}
    if not kept:
        return None
    rows = np.array([(*counts, number) for counts, number in kept.items()], dtype=np.float64)
    annotators, boxes, matched, shares, items = rows[row_order(rows)].T
    weights = 1 / (annotators - 1)
    f1 = _mean(items, weights * boxes, 1 - 2 * matched / boxes)
    overlap = _mean(items, weights * matched, 1 - shares / np.maximum(matched, 1))
    return None if f1 is None else BoxAgreement(f1, overlap)


def _order(pair: tuple[float, Box, Box]) -> tuple[float, list[tuple[float, float, float, float]]]:
    """Sort the best overlap first, and equal ones by where they lie, whoever drew which."""
    share, *boxes = pair
    return -share, sorted((box.x, box.y, box.width, box.height) for box in boxes)


def _mean(items: FloatArray, weights: FloatArray, losses: FloatArray) -> Estimate | None:
    """Return one minus the weighted mean loss; None where nothing has weight."""
    if not weights.any():
        return None
    size = float(items @ weights) / float(items[weights > 0].sum())
    loss = usual_loss(items * weights, losses) or 1.0
    pseudo = np.array([(AGREEING_ITEMS, size, 0.0), (CHANCE_ITEMS, size, loss)])
    plain = np.column_stack([items, weights, losses])
    return estimate_of(_parts(plain), _parts(np.vstack([plain, pseudo])))


def _parts(rows: FloatArray) -> Disagreements:
    items, weights, losses = rows.T
    return Disagreements(
        items=items,
        pair_weights=weights,
        distances=losses,
        share_weights=weights,
        slants=np.zeros_like(items),
        expected=1.0,
        floor=0.0,
    )
