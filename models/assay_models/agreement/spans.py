"""Agreement of labelled spans: Krippendorff's unitizing alpha over code points, with intervals over items.

We use the u-alphas of Krippendorff, Mathet, Bouvry & Widlöcher 2016, "On the reliability of unitizing textual
continua: Further developments", which weigh every coincidence by its length: a boundary off by three characters costs
three characters. Two alternatives were rejected. The alpha_U of 2004 squares the distance of boundaries, which lets
one long span outweigh a corpus; its expected disagreement depends on the lengths of all units and gaps together and is
not additive over items. Gamma (Mathet et al. 2015) estimates the expected disagreement from shuffled corpora, which
needs random numbers and an optimisation per shuffle. The u-alphas only need, per item, the number of code points with
each pattern of labels.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from assay_models.agreement.arrays import (
    AGREEING_ITEMS,
    CHANCE_ITEMS,
    PAIR,
    FloatArray,
    PatternCounts,
    row_order,
    usual_loss,
)
from assay_models.agreement.contingency import Pattern, Value, pattern_of, rank
from assay_models.agreement.estimate import Estimate, estimate_of
from assay_models.agreement.krippendorff import alpha_parts
from assay_schemas.annotation import Span

Stretches: TypeAlias = tuple[tuple[Pattern, int], ...]
"""An item's content: the number of code points of its text with each pattern of labels; a gap has the value ()."""

SpanTable: TypeAlias = Mapping[Stretches, int]
"""The number of items with the same content; adds and subtracts like a `PatternTable`."""

IN_SPAN = "in a span"


def stretches_of(annotations: Collection[Sequence[Span]], *, length: int) -> Stretches:
    """Return the content of an item of `length` code points, with one list of spans (maybe empty) per annotator.

    Where spans of one annotator overlap, the code points have all their labels. Spans are cut at the ends of the text.
    """
    inside = [[(max(s.start, 0), min(s.end, length), s.label) for s in spans] for spans in annotations]
    cuts = sorted(
        {0, length} | {end for spans in inside for low, high, _ in spans if low < high for end in (low, high)}
    )
    counted: Counter[Pattern] = Counter()
    for (start, end), *labels in zip(pairwise(cuts), *(_sweep(spans, cuts[:-1]) for spans in inside), strict=True):
        counted[pattern_of(labels)] += end - start
    return tuple(sorted(counted.items(), key=lambda stretch: [(rank(value), n) for value, n in stretch[0]]))


def unitizing_alpha(table: SpanTable) -> Estimate | None:
    """Return alpha over code points, with gaps as one more label.

    1 is perfect agreement, 0 is chance, below 0 is worse than chance. None where it is undefined: no text has two
    annotators, or all code points have the same label (for instance none). The interval treats the items, not the code
    points, as the sample; `items` counts those with two annotators.
    """
    return _alpha({stretches: count for stretches, count in table.items() if _annotators(stretches) >= PAIR})


def covering_alpha(table: SpanTable) -> Estimate | None:
    """Return alpha on whether each code point lies in any span; None as for `unitizing_alpha`."""
    covered: Counter[Stretches] = Counter()
    for stretches, count in table.items():
        covered[_without_labels(stretches)] += count
    return unitizing_alpha(covered)


def _sweep(spans: Iterable[tuple[int, int, str]], cuts: Iterable[int]) -> Iterator[tuple[str, ...]]:
    """Yield the labels of the segment between each cut and the next."""
    changes: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for low, high, label in spans:
        if low < high:
            changes[low].append((label, 1))
            changes[high].append((label, -1))
    active: Counter[str] = Counter()
    for cut in cuts:
        for label, step in changes[cut]:
            active[label] += step
        yield tuple(label for label, number in active.items() if number)


def _annotators(stretches: Stretches) -> int:
    return sum(number for _, number in stretches[0][0]) if stretches else 0


def _without_labels(stretches: Stretches) -> Stretches:
    lengths: Counter[Pattern] = Counter()
    for pattern, length in stretches:
        inside = sum(number for value, number in pattern if value != ())
        outside = sum(number for _, number in pattern) - inside
        pairs: tuple[tuple[Value, int], ...] = (((), outside), ((IN_SPAN,), inside))
        lengths[tuple(pair for pair in pairs if pair[1])] += length
    return tuple(sorted(lengths.items()))


def _alpha(table: SpanTable) -> Estimate | None:
    if not table:
        return None
    values = {value for stretches in table for pattern, _ in stretches for value, _ in pattern}
    place = {value: number for number, value in enumerate(sorted(values, key=rank))}
    votes, agreeing = np.zeros((len(table), len(place))), np.zeros(len(table))
    for row, stretches in enumerate(table):
        for pattern, length in stretches:
            for value, number in pattern:
                votes[row, place[value]] += number * length
                agreeing[row] += number * (number - 1) * length
    annotators = np.array([_annotators(stretches) for stretches in table], dtype=np.float64)
    items = np.fromiter(table.values(), np.float64, len(table))
    order = row_order(np.column_stack([votes, agreeing, annotators, items]))
    votes, agreeing, annotators, items = votes[order], agreeing[order], annotators[order], items[order]
    sizes = votes.sum(axis=1)
    inner = 1 - agreeing / (sizes * (annotators - 1))
    floor = -1 / (float(items @ sizes) / float(items @ (sizes / annotators)) - 1)
    return _estimate(PatternCounts(tuple(place), votes, sizes, sizes**2, items), inner, floor)


def _estimate(counts: PatternCounts, inner: FloatArray, floor: float) -> Estimate | None:
    distances = 1 - np.eye(len(counts.values))
    plain = alpha_parts(counts, inner, distances, floor)
    if plain is None:
        return None
    loss = usual_loss(counts.items * counts.sizes, inner) or plain.expected
    more = alpha_parts(_padded(counts), np.concatenate([inner, [0.0, loss]]), distances, floor)
    return None if more is None else estimate_of(plain, more)


def _padded(counts: PatternCounts) -> PatternCounts:
    """Return the items plus pseudo-items: one typical item with full agreement, half of one with the usual loss."""
    count = counts.items.sum()
    typical = np.tile(counts.items @ counts.votes / count, (2, 1))
    sizes = typical.sum(axis=1)
    return PatternCounts(
        counts.values,
        np.vstack([counts.votes, typical]),
        np.concatenate([counts.sizes, sizes]),
        np.concatenate([counts.pairs, sizes**2]),
        np.concatenate([counts.items, [AGREEING_ITEMS, CHANCE_ITEMS]]),
    )
