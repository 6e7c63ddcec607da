"""The contingency tables of all pairs of annotators, by hour: many small tables, stored as arrays."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from assay_models.agreement.cohen import Ints, PairTables
from assay_models.agreement.contingency import Value, rank
from assay_models.agreement.window_cell import PairVote, WindowCell
from assay_schemas.annotation import AnnotatorId

MOST_WAITING = 500_000
"""Limit on the pairs waiting to be counted: a few megabytes."""
_SECOND = 32
_MASK = (1 << _SECOND) - 1

_PairCounts: TypeAlias = tuple[Ints, Ints]
"""Codes of two votes, ascending, and the number of items with each."""


class ItemVotes(NamedTuple):
    """An item's votes: its hour (first minute, since 1970), its annotators in order, and the value each one gave."""

    hour: int
    annotators: tuple[AnnotatorId, ...]
    values: tuple[Value, ...]


class PairsFound(NamedTuple):
    """Pairs of annotators in order, the number of items they share, and their tables."""

    names: list[tuple[AnnotatorId, AnnotatorId]]
    items: list[int]
    tables: PairTables

    def some(self, places: Sequence[int]) -> "PairsFound":
        """Return the pairs at these places, in this order."""
        names, items = [self.names[place] for place in places], [self.items[place] for place in places]
        return PairsFound(names, items, self.tables.some(places))


class AnnotatorPairs:
    """The pairs of annotators of all items. Mutable.

    Moves are queued, grouped by votes, and counted when a window or an hour is read: an item that has moved on in
    between costs nothing. Each vote (annotator and value) has a number, and two votes form one code. The sum of the
    last window read is maintained. Memory: each pair of votes per hour, until `forget`.
    """

    def __init__(self, *, most_waiting: int = MOST_WAITING) -> None:
        """Start without items; pairs are summed once more than `most_waiting` wait."""
        self._most_waiting = most_waiting
        self._waiting: dict[ItemVotes, int] = {}
        self._waiting_pairs = 0
        self._hours: dict[int, _PairCounts] = {}
        self._summed: set[int] = set()
        self._sum: _PairCounts = _empty()
        self._numbers: dict[tuple[AnnotatorId, Value], int] = {}
        self._floor = -1

    def move(self, old: ItemVotes | None, new: ItemVotes | None) -> None:
        """Move an item from its old hour and votes (None: new item) to its new ones (None: no live annotation is left).

        Forgotten hours are neither decremented nor incremented. If the item was not counted as `old`, the next reading
        raises ValueError.
        """
        for votes, count in ((old, -1), (new, 1)):
            if votes is not None and votes.hour >= self._floor:
                waiting = self._waiting.get(votes, 0) + count
                if waiting:
                    self._waiting[votes] = waiting
                else:
                    del self._waiting[votes]
                self._waiting_pairs += len(votes.values) * (len(votes.values) - 1) // 2
        if self._waiting_pairs > self._most_waiting:
            self._count()

    def merge(self, hour: int, pairs: Mapping[PairVote, int]) -> None:
        """Add another partition's pairs of an hour; no effect for a forgotten hour."""
        self._apply({hour: [self._coded(pairs, 1)]})

    def withdraw(self, hour: int, pairs: Mapping[PairVote, int]) -> None:
        """Subtract them again. Raises ValueError if the result would be negative."""
        self._apply({hour: [self._coded(pairs, -1)]})

    def pane(self, hour: int) -> WindowCell:
        """Return the pairs of one hour."""
        self._count()
        codes, counts = self._hours.get(hour, _empty())
        votes = list(self._numbers)
        pairs = dict[PairVote, int]()
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            (first, first_value), (second, second_value) = votes[code >> _SECOND], votes[code & _MASK]
            pairs[first, second, first_value, second_value] = count
        return WindowCell(pairs=pairs)

    def tables(self, end_minute: int, length_minutes: int, *, least: int = 1) -> PairsFound:
        """Return the pairs with at least `least` common items in the hours that begin within a window.

        The order of pairs and values depends only on the counts.
        """
        self._count()
        self._slide({hour for hour in self._hours if end_minute - length_minutes < hour <= end_minute})
        codes, counts = self._sum
        names, who = _ranked([name for name, _ in self._numbers], key=str)
        values, value_numbers = _ranked([value for _, value in self._numbers], key=rank)
        firsts, seconds = codes >> _SECOND, codes & _MASK
        pair_codes, pairs = np.unique(who[firsts] * len(names) + who[seconds], return_inverse=True)
        items = np.bincount(pairs, counts, pair_codes.size)
        rows = np.flatnonzero(items[pairs] >= least)
        rows = rows[np.argsort(pairs[rows], kind="stable")]
        shared, numbers = np.unique(pairs[rows], return_inverse=True)
        named = [(names[code // len(names)], names[code % len(names)]) for code in pair_codes[shared].tolist()]
        tables = PairTables(
            shared.size,
            numbers,
            value_numbers[firsts[rows]],
            value_numbers[seconds[rows]],
            counts[rows].astype(np.float64),
            tuple(values),
        )
        return PairsFound(named, [int(count) for count in items[shared]], tables)

    def forget(self, before_minute: int) -> None:
        """Drop all hours that begin before a minute, for good."""
        if before_minute <= self._floor:
            return
        self._floor = before_minute
        if min(self._hours, default=before_minute) < before_minute:
            self._slide({hour for hour in self._summed if hour >= before_minute})
            self._hours = {hour: counted for hour, counted in self._hours.items() if hour >= before_minute}
            self._renumber()

    def _count(self) -> None:
        """Count the queued moves."""
        waiting, self._waiting, self._waiting_pairs = self._waiting, {}, 0
        by_hour = defaultdict[int, dict[ItemVotes, int]](dict)
        for votes, count in waiting.items():
            by_hour[votes.hour][votes] = count
        self._apply({hour: list(self._pairs_of(moved)) for hour, moved in by_hour.items()})

    def _pairs_of(self, moved: Mapping[ItemVotes, int]) -> Iterator[_PairCounts]:
        by_size = defaultdict[int, list[ItemVotes]](list)
        for votes in moved:
            by_size[len(votes.values)].append(votes)
        for size, alike in by_size.items():
            numbers = [
                self._number(vote) for votes in alike for vote in zip(votes.annotators, votes.values, strict=True)
            ]
            rows = np.array(numbers, np.int64).reshape(-1, size)
            one, other = np.triu_indices(size, 1)
            codes = rows[:, one] << _SECOND | rows[:, other]
            yield codes.ravel(), np.repeat(np.array([moved[votes] for votes in alike], np.int64), one.size)

    def _coded(self, pairs: Mapping[PairVote, int], sign: int) -> _PairCounts:
        codes = [self._number((a, one)) << _SECOND | self._number((b, other)) for a, b, one, other in pairs]
        return np.array(codes, np.int64), sign * np.array(list(pairs.values()), np.int64)

    def _number(self, vote: tuple[AnnotatorId, Value]) -> int:
        return self._numbers.setdefault(vote, len(self._numbers))

    def _apply(self, changes: Mapping[int, Iterable[_PairCounts]]) -> None:
        for hour, parts in changes.items():
            if hour < self._floor:
                continue
            change = _added(parts)
            counted = _added([self._hours.get(hour, _empty()), change])
            if (counted[1] < 0).any():
                raise ValueError(f"more pairs are to be taken out of hour {hour} than there are")
            self._hours[hour] = counted
            if not counted[0].size:
                del self._hours[hour]
            if hour in self._summed:
                self._sum = _added([self._sum, change])

    def _slide(self, wanted: set[int]) -> None:
        """Change the maintained sum to the sum over these hours."""
        entering = [self._hours[hour] for hour in sorted(wanted - self._summed)]
        leaving = [self._hours.get(hour, _empty()) for hour in sorted(self._summed - wanted)]
        if entering or leaving:
            self._sum = _added([self._sum, *entering, *((codes, -counts) for codes, counts in leaving)])
        self._summed = wanted

    def _renumber(self) -> None:
        """Drop votes that no longer occur; the order of the others, and of the codes, is kept."""
        votes = list(self._numbers)
        every = np.concatenate([_empty()[0], *(codes for codes, _ in self._hours.values())])
        used = np.unique(np.concatenate([every >> _SECOND, every & _MASK]))
        self._numbers = {votes[old]: new for new, old in enumerate(used.tolist())}

        def renumbered(counted: _PairCounts) -> _PairCounts:
            firsts, seconds = np.searchsorted(used, counted[0] >> _SECOND), np.searchsorted(used, counted[0] & _MASK)
            return firsts << _SECOND | seconds, counted[1]

        self._hours = {hour: renumbered(counted) for hour, counted in self._hours.items()}
        self._sum = renumbered(self._sum)


def _empty() -> _PairCounts:
    return np.zeros(0, np.int64), np.zeros(0, np.int64)


def _added(parts: Iterable[_PairCounts]) -> _PairCounts:
    """Return the sum of all counts; entries of 0 are absent."""
    each = [_empty(), *parts]
    codes, places = np.unique(np.concatenate([codes for codes, _ in each]), return_inverse=True)
    counts = np.bincount(places, np.concatenate([counts for _, counts in each]), codes.size).astype(np.int64)
    return codes[counts != 0], counts[counts != 0]


def _ranked(values: list[Value], *, key: Callable[[Any], Any]) -> tuple[list[Any], Ints]:
    """Return the distinct values in order, and the index of each value there."""
    distinct = sorted(set(values), key=key)
    place = {value: number for number, value in enumerate(distinct)}
    return distinct, np.array([place[value] for value in values], np.int64)
