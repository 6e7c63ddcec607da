"""Agreement of boxes: the F1 score of matching, and the mean overlap of matched boxes."""

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
"""Two boxes match from this intersection over union (0-1)."""


class BoxCounts(NamedTuple):
    """An item's content, summed over all pairs of its annotators.

    `boxes`: boxes of both annotators; `matched`: matched pairs of boxes; `overlap`: sum of their intersections over
    union.
    """

    annotators: int
    boxes: int
    matched: int
    overlap: float


BoxTable: TypeAlias = Mapping[BoxCounts, int]
"""The number of items with the same content; adds and subtracts like a `PatternTable`."""


@dataclass(frozen=True, slots=True)
class BoxAgreement:
    """Pairwise F1 score, and the mean intersection over union of matched boxes, None if no boxes match."""

    f1: Estimate
    overlap: Estimate | None


def box_counts_of(annotations: Sequence[Sequence[Box]]) -> BoxCounts:
    """Return the content of an item, with one list of boxes (maybe empty) per annotator."""
    matched = [matches(first, second) for first, second in combinations(annotations, 2)]
    boxes = (len(annotations) - 1) * sum(map(len, annotations))
    return BoxCounts(
        len(annotations), boxes, sum(map(len, matched)), fsum(sorted(share for each in matched for share in each))
    )


def matches(first: Sequence[Box], second: Sequence[Box]) -> list[float]:
    """Return the intersections over union of the matched boxes, best first.

    Boxes match if they have the same label and overlap by at least `LEAST_OVERLAP`; each box matches at most once.
    Greedy by overlap. Boxes that barely overlap each other can hardly match the same box, which makes the greedy
    matching optimal except in crowded images.
    """
    if not first or not second:
        return []
    labels = [np.array([box.label for box in boxes]) for boxes in (first, second)]
    shares = overlaps(first, second) * np.equal.outer(*labels)
    near = [(float(shares[i, j]), first[i], second[j]) for i, j in np.argwhere(shares >= LEAST_OVERLAP).tolist()]
    used: set[int] = set()
    shares_matched = []
    for share, a, b in sorted(near, key=_order):
        if used.isdisjoint((id(a), id(b))):
            used |= {id(a), id(b)}
            shares_matched.append(share)
    return shares_matched


def overlaps(first: Sequence[Box], second: Sequence[Box]) -> FloatArray:
    """Return the intersection over union (0-1) of all pairs of boxes, 0 without area; both lists must be non-empty."""
    a, b = (np.array([(box.x, box.y, box.width, box.height) for box in boxes]) for boxes in (first, second))
    low, high = a[:, None, :2], a[:, None, :2] + a[:, None, 2:]
    sides = np.minimum(high, b[None, :, :2] + b[None, :, 2:]) - np.maximum(low, b[None, :, :2])
    both = np.maximum(sides, 0).prod(axis=2)
    either = np.add.outer(a[:, 2] * a[:, 3], b[:, 2] * b[:, 3]) - both
    return np.asarray(both / np.where(either > 0, either, 1))


def box_agreement(table: BoxTable) -> BoxAgreement | None:
    """Return the agreement of boxes, or None if no item has two annotators and a box.

    F1 is twice the matched pairs over the boxes of both: 1 if all match, 0 if none does. An item's pairs have weight 1
    / (annotators - 1), which gives each box the same weight. It is not corrected for chance. Items where all
    annotators agree on no box are ignored. The intervals are over items.
    """
    by_counts = {BoxCounts(*counts_row): number for counts_row, number in table.items()}
    by_counts = {counts: number for counts, number in by_counts.items() if counts.annotators >= PAIR and counts.boxes}
    if not by_counts:
        return None
    rows = np.array([(*counts, number) for counts, number in by_counts.items()], dtype=np.float64)
    annotators, boxes, matched, shares, items = rows[row_order(rows)].T
    weights = 1 / (annotators - 1)
    f1 = _mean(items, weights * boxes, 1 - 2 * matched / boxes)
    overlap = _mean(items, weights * matched, 1 - shares / np.maximum(matched, 1))
    return None if f1 is None else BoxAgreement(f1, overlap)


def _order(pair: tuple[float, Box, Box]) -> tuple[float, list[tuple[float, float, float, float]]]:
    """Return the sort key: best overlap first, ties by position, regardless of who drew which box."""
    share, *boxes = pair
    return -share, sorted((box.x, box.y, box.width, box.height) for box in boxes)


def _mean(items: FloatArray, weights: FloatArray, losses: FloatArray) -> Estimate | None:
    """Return one minus the weighted mean loss; None if all weights are 0."""
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
