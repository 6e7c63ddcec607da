"""Confusion counts: how often each annotator gave which label under which true class."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np

from assay_models.truth.categorical.vote_arrays import WHOLE_VOTE, FloatArray, IntegerArray, VoteArrays

UNITS = 1_000_000
"""Responsibilities are whole millionths: sums stay exact, and a contribution can be subtracted without a residue."""

PER_VOTE = UNITS * WHOLE_VOTE
MOST_CLASSES_IN_FULL = 16
"""With more classes, an annotator's errors are counted per true class only, without the label given instead."""

OTHER = -1
"""Stands in place of a label in a sparse count and means any label but the true one."""

SparseCounts: TypeAlias = tuple[tuple[int, int, float], ...]
"""Tuples (true class, given label, votes), ascending and without zeros; votes are multiples of 1e-9."""


class Gathered(NamedTuple):
    """The counts of each vote's annotator, in votes, per true class: arrays (votes, classes).

    `right`: votes for the true class; `total`: votes for any label; `given`: votes for the label of this vote, None if
    not counted.
    """

    right: FloatArray
    total: FloatArray
    given: FloatArray | None


class ConfusionCounts:
    """Expected counts per annotator as exact integers: additive, and independent of the order of additions. Mutable.

    An annotator needs K² + 2K numbers up to 16 classes, 2K above. The pool's errors are counted in full in either
    case.
    """

    def __init__(self, classes: int) -> None:
        """Start from zero, for this many classes."""
        self.classes = classes
        self.right = np.zeros((0, classes), np.int64)
        self.total = np.zeros((0, classes), np.int64)
        self.cells: IntegerArray | None = _cells(0, classes)  # annotator, label, true class
        self.pool = np.zeros((classes, classes), np.int64)  # label, true class; errors only
        self.pool_right = np.zeros(classes, np.int64)
        self.pool_total = np.zeros(classes, np.int64)

    @property
    def annotators(self) -> int:
        """The number of annotators that the tables have room for."""
        return len(self.right)

    def make_room(self, annotators: int) -> None:
        """Enlarge the tables for at least this many annotators."""
        missing = annotators - self.annotators
        if missing <= 0:
            return
        missing = max(missing, self.annotators // 2, 16)
        self.right = _longer(self.right, missing)
        self.total = _longer(self.total, missing)
        if self.cells is not None:
            self.cells = _longer(self.cells, missing)

    def add(self, ballots: VoteArrays, units: IntegerArray, *, sign: int = 1) -> None:
        """Add (subtract, with sign -1) items' votes; `units`: responsibilities in millionths, (items, classes)."""
        if not len(ballots.row):
            return
        self.make_room(int(ballots.annotator.max()) + 1)
        classes = self.classes
        amounts = units[ballots.row] * (sign * ballots.weight)[:, None]
        truths = np.arange(classes)
        _add(self.total, ballots.annotator[:, None] * classes + truths, amounts)
        correct = amounts[np.arange(len(ballots.row)), ballots.label]
        _add(self.right, ballots.annotator * classes + ballots.label, correct)
        _add(self.pool, ballots.label[:, None] * classes + truths, amounts)
        if self.cells is not None:
            columns = ballots.annotator * classes + ballots.label
            _add(self.cells, columns[:, None] * classes + truths, amounts)
        self.pool_total += amounts.sum(axis=0)
        _add(self.pool_right, ballots.label, correct)

    def gather(self, ballots: VoteArrays) -> Gathered:
        """Return the counts of each vote's annotator."""
        self.make_room(int(ballots.annotator.max(initial=-1)) + 1)
        given = None if self.cells is None else self.cells[ballots.annotator, ballots.label] / PER_VOTE
        return Gathered(self.right[ballots.annotator] / PER_VOTE, self.total[ballots.annotator] / PER_VOTE, given)

    def exchange(self, annotator: int, before: SparseCounts, after: SparseCounts) -> None:
        """Replace a contribution to an annotator's counts: subtract `before`, add `after`."""
        self.make_room(annotator + 1)
        self._put(annotator, before, sign=-1)
        self._put(annotator, after, sign=1)

    @property
    def tables(self) -> list[IntegerArray]:
        """The arrays of all counts; they may be changed in place."""
        tables = [self.right, self.total, self.pool, self.pool_right, self.pool_total]
        return tables if self.cells is None else [*tables, self.cells]

    def grow(self, classes: int) -> None:
        """Increase the number of classes."""
        wider = classes - self.classes
        self.right, self.total, self.pool = (_wider(each, wider, 1) for each in (self.right, self.total, self.pool))
        self.pool = _longer(self.pool, wider)
        self.pool_right, self.pool_total = (_longer(each, wider) for each in (self.pool_right, self.pool_total))
        if self.cells is not None:
            full = classes <= MOST_CLASSES_IN_FULL
            self.cells = _wider(_wider(self.cells, wider, 1), wider, 2) if full else None
        self.classes = classes

    def _put(self, annotator: int, counts: Iterable[tuple[int, int, float]], *, sign: int) -> None:
        for truth, label, votes in counts:
            amount = sign * round(votes * PER_VOTE)
            self.total[annotator, truth] += amount
            self.pool_total[truth] += amount
            if label == truth:
                self.right[annotator, truth] += amount
                self.pool_right[truth] += amount
            if self.cells is not None and label != OTHER:
                self.pool[label, truth] += amount
                self.cells[annotator, label, truth] += amount


def counts_of(tally: ConfusionCounts, annotator: int, *, besides: ConfusionCounts | None = None) -> SparseCounts:
    """Return the counts of one annotator as plain data, less those in `besides` if it is given."""
    if annotator >= tally.annotators:
        return ()
    subtracted = None if besides is None or annotator >= besides.annotators else besides
    if tally.cells is not None:
        table = tally.cells[annotator]
        table = table if subtracted is None or subtracted.cells is None else table - subtracted.cells[annotator]
        return tuple((int(k), int(v), int(table[v, k]) / PER_VOTE) for k, v in np.argwhere(table.T))
    right, total = tally.right[annotator], tally.total[annotator]
    if subtracted is not None:
        right, total = right - subtracted.right[annotator], total - subtracted.total[annotator]
    pairs = ((k, v, int(row[k])) for k in range(len(right)) for v, row in ((OTHER, total - right), (k, right)))
    return tuple((k, label, count / PER_VOTE) for k, label, count in pairs if count)


def added_up(all_counts: Iterable[SparseCounts]) -> SparseCounts:
    """Return the sum of counts, for example of one annotator in several partitions."""
    sums: defaultdict[tuple[int, int], int] = defaultdict(int)
    for truth, label, votes in chain.from_iterable(all_counts):
        sums[truth, label] += round(votes * PER_VOTE)
    return tuple((truth, label, sums[truth, label] / PER_VOTE) for truth, label in sorted(sums))


def errors_of(tally: ConfusionCounts) -> SparseCounts:
    """Return the pool's errors per true class and given label; empty where the annotators' counts contain them.

    That is the case up to `MOST_CLASSES_IN_FULL` classes.
    """
    if tally.cells is not None:
        return ()
    return tuple((int(k), int(v), int(tally.pool[v, k]) / PER_VOTE) for k, v in np.argwhere(tally.pool.T))


def load_errors(tally: ConfusionCounts, counts: SparseCounts) -> None:
    """Set the pool's errors, as `errors_of` returned them."""
    for truth, label, votes in counts:
        tally.pool[label, truth] = round(votes * PER_VOTE)


def _cells(annotators: int, classes: int) -> IntegerArray | None:
    return np.zeros((annotators, classes, classes), np.int64) if classes <= MOST_CLASSES_IN_FULL else None


def _add(table: IntegerArray, places: IntegerArray, amounts: IntegerArray) -> None:
    np.add.at(table.reshape(-1), places.reshape(-1), amounts.reshape(-1))


def _longer(table: IntegerArray, missing: int) -> IntegerArray:
    return np.concatenate([table, np.zeros((missing, *table.shape[1:]), table.dtype)])


def _wider(table: IntegerArray, missing: int, axis: int) -> IntegerArray:
    room: list[tuple[int, int]] = [(0, 0)] * table.ndim
    room[axis] = (0, missing)
    return np.pad(table, room)
