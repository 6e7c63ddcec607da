"""Columnar storage of the open items: their votes and responsibilities, in arrays with one place per item."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from assay_models.truth.categorical.confusion_counts import UNITS
from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray, VoteArrays

UNPINNED = -1
_FIRST_PLACES = 64


class OpenItems:
    """Open items, each at a place of its own until it is released. Mutable; memory grows with the open items only.

    Per item: responsibilities in millionths (`units`), the probabilities published last (`told`), the gold label or
    -1, and a run of entries with its votes. Entries of replaced votes are dropped once they outnumber the live ones.
    """

    def __init__(self, classes: int) -> None:
        """Start empty, for this many classes."""
        self.classes = classes
        self.places: dict[Hashable, int] = {}
        self.names: list[Hashable] = []
        self.units = np.zeros((0, classes), np.int32)
        self.published = np.zeros((0, classes), np.float32)
        self.gold = np.zeros(0, np.int32)
        self.view: NDArray[np.float32] | None = None
        self.settled = np.zeros(0, np.bool_)
        self._start = np.zeros(0, np.int64)
        self._length = np.zeros(0, np.int32)
        self._annotator = np.zeros(0, np.int32)
        self._label = np.zeros(0, np.int16)
        self._weight = np.zeros(0, np.int16)
        self._free: list[int] = []
        self._used = 0
        self._kept = 0

    def place(self, item: Hashable) -> int:
        """Return the item's place; assign one if it has none."""
        place = self.places.get(item)
        if place is None:
            place = self._free.pop() if self._free else len(self.names)
            self.places[item] = place
            if place == len(self.names):
                self.names.append(item)
                self._make_places(place + 1)
            else:
                self.names[place] = item
        return place

    def detach(self, item: Hashable) -> int:
        """Forget the item's name; return its place, which `release` frees later."""
        place = self.places.pop(item)
        self.names[place] = None
        return place

    def release(self, places: IntegerArray) -> None:
        """Free the places of detached items."""
        self._kept -= int(self._length[places].sum())
        self._length[places] = 0
        self.unsettle(places)
        self._free.extend(places.tolist())

    def write(self, places: IntegerArray, ballots: VoteArrays) -> None:
        """Replace the votes of the items at these places."""
        lengths = np.bincount(ballots.row, minlength=ballots.count)
        self._make_entries(len(ballots.row))
        self._kept += int(lengths.sum()) - int(self._length[places].sum())
        self._start[places] = self._used + np.cumsum(lengths) - lengths
        self._length[places] = lengths
        end = self._used + len(ballots.row)
        self._annotator[self._used : end] = ballots.annotator
        self._label[self._used : end] = ballots.label
        self._weight[self._used : end] = ballots.weight
        self._used = end

    def read(self, places: IntegerArray) -> VoteArrays:
        """Return the votes of the items at these places."""
        lengths = self._length[places].astype(np.int64)
        row = np.repeat(np.arange(len(places)), lengths)
        ends = np.cumsum(lengths)
        entry = np.arange(len(row)) + np.repeat(self._start[places] - ends + lengths, lengths)
        columns = (self._annotator[entry], self._label[entry], self._weight[entry])
        return VoteArrays(len(places), row, *(column.astype(np.int64) for column in columns))

    def live(self) -> IntegerArray:
        """Return the places of all settled items, ascending."""
        return np.flatnonzero(self.settled[: len(self.names)])

    def in_turn(self, start: int, count: int) -> IntegerArray:
        """Return the places of up to `count` settled items, from `start` upwards and then from 0."""
        places, parts, missing = len(self.names), list[IntegerArray](), count
        step = 4 * count + _FIRST_PLACES  # scanning a million places would take longer than the E-step itself
        for first, last in ((min(start, places), places), (0, min(start, places))):
            for low in range(first, last, step):
                if missing:
                    here = np.flatnonzero(self.settled[low : min(low + step, last)])[:missing] + low
                    missing -= len(here)
                    parts.append(here)
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def beliefs(self, places: IntegerArray) -> IntegerArray:
        """Return the responsibilities of the items at these places, (items, classes), in millionths; 0 if unsettled."""
        return self.units[places].astype(np.int64)

    def unsettle(self, places: IntegerArray) -> None:
        """Mark the items at these places as unsettled and clear their responsibilities."""
        self.settled[places] = False
        self.units[places] = 0

    def lengths(self, places: IntegerArray) -> NDArray[np.int32]:
        """Return the number of votes of the items at these places."""
        return self._length[places]

    def see(self, place: int, view: Sequence[float] | None) -> None:
        """Set the consistency model's probabilities of an item, or clear them with None."""
        if view is None and self.view is None:
            return
        if self.view is None:
            self.view = np.full(self.units.shape, np.nan, np.float32)
        self.view[place] = np.nan
        if view is not None:
            self.view[place, : len(view)] = view

    def restore(
        self, places: IntegerArray, posteriors: Sequence[Sequence[float]], told: Sequence[Sequence[float]]
    ) -> None:
        """Set the items' responsibilities (0-1) and last published probabilities; missing classes get probability 0."""
        if len(places):
            self.units[places] = np.rint(_filled(posteriors, self.classes) * UNITS)
            self.published[places] = _filled(told, self.classes)

    def views(self, places: IntegerArray) -> FloatArray | None:
        """Return the model's probabilities, (items, classes), NaN where it has none; None if no item ever had any."""
        return None if self.view is None else self.view[places].astype(np.float64)

    def grow(self, classes: int) -> None:
        """Increase the number of classes; new ones have probability 0 until the item is settled again."""
        room = ((0, 0), (0, classes - self.classes))
        self.units = np.pad(self.units, room)
        self.published = np.pad(self.published, room)
        if self.view is not None:
            self.view = np.pad(self.view, room, constant_values=np.nan)
        self.classes = classes

    def _make_places(self, places: int) -> None:
        missing = places - len(self.gold)
        if missing <= 0:
            return
        missing = max(missing, len(self.gold) // 4, _FIRST_PLACES)
        rows = ((0, missing), (0, 0))
        self.units, self.published = np.pad(self.units, rows), np.pad(self.published, rows)
        self.gold = np.pad(self.gold, (0, missing), constant_values=UNPINNED)
        self.settled = np.pad(self.settled, (0, missing))
        self._start, self._length = np.pad(self._start, (0, missing)), np.pad(self._length, (0, missing))
        if self.view is not None:
            self.view = np.pad(self.view, rows, constant_values=np.nan)

    def _make_entries(self, more: int) -> None:
        if self._used + more <= len(self._annotator):
            return
        if self._used > 2 * self._kept:
            self._compact()
        room = more + max(self._used // 4, 4 * _FIRST_PLACES)
        for name in ("_annotator", "_label", "_weight"):
            setattr(self, name, np.pad(getattr(self, name)[: self._used], (0, room)))

    def _compact(self) -> None:
        places = np.flatnonzero(self._length[: len(self.names)])
        ballots = self.read(places)
        self._used = self._kept = 0
        self._length[places] = 0
        self.write(places, ballots)


def _filled(rows: Sequence[Sequence[float]], width: int) -> NDArray[np.float64]:
    """Return the rows as an array, short ones padded with zeros."""
    return np.array([row if len(row) == width else [*row, *[0.0] * (width - len(row))] for row in rows])
