"""Sliding windows of event time: tables of one-minute panes, kept summed as items come, move and go."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar

from models.agreement.cohen import PairTable
from models.agreement.pane import Pane, Place, Said, Scope, pane_of
from models.agreement.table import Value

Key = TypeVar("Key", bound=Hashable)


class Panes:
    """The panes of all scopes; a plain mutable value without locks.

    An item is in the pane of its newest live annotation. Late data, updates, deletions and skips are all the same:
    `move` takes the item out of its old place and puts it into its new one. A window holds the minutes
    from `end_minute - length_minutes + 1` to `end_minute`. Each window that has been read is kept summed, so that the
    next reading costs the minutes it has slid by. Memory: one pane per scope and minute with items, until
    `forget`, and one sum per scope and length read.
    """

    def __init__(self) -> None:
        """Start without items."""
        self._panes: dict[Scope, dict[int, _Sum]] = defaultdict(dict)
        self._windows: dict[Scope, dict[int, _Window]] = defaultdict(dict)
        self._floor: int | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Return how many items came too late: their pane had been forgotten."""
        return self._dropped

    def move(self, scope: Scope, old: Place | None, new: Place | None) -> None:
        """Take an item from its old place (None: it is new) to its new one (None: nothing live is left of it).

        What lies in a forgotten minute is not there any more, and is not put there again. Raises ValueError
        if the item is not where it is said to be.
        """
        if old is not None and not self._is_forgotten(old.minute):
            self.withdraw(scope, old.minute, pane_of(old))
        if new is not None and self._is_forgotten(new.minute):
            self._dropped += 1
        elif new is not None:
            self.merge(scope, new.minute, pane_of(new))

    def merge(self, scope: Scope, minute: int, pane: Pane) -> None:
        """Add a pane, for instance another partition's; nothing happens if the minute is forgotten."""
        if self._is_forgotten(minute) or pane.is_empty:
            return
        self._panes[scope].setdefault(minute, _Sum()).add(pane)
        for window in self._windows.get(scope, {}).values():
            window.add(minute, pane)

    def withdraw(self, scope: Scope, minute: int, pane: Pane) -> None:
        """Take a pane out again, for instance to replace a partition's by its newer counts.

        Raises ValueError, and changes nothing, where there is less than is to be taken out.
        """
        if self._is_forgotten(minute) or pane.is_empty:
            return
        there = self._panes.get(scope, {}).get(minute, _Sum())
        there.take(pane)
        for window in self._windows.get(scope, {}).values():
            window.take(minute, pane)
        if there.is_empty:
            self._remove(scope, minute)

    def table(self, scope: Scope, end_minute: int, length_minutes: int) -> dict[Any, int]:
        """Return the table of a window, as the coefficients take it."""
        return dict(self._sum(scope, end_minute, length_minutes).patterns)

    def annotators(self, scope: Scope, end_minute: int, length_minutes: int) -> int:
        """Return how many annotators have a label in a window."""
        return len(self._sum(scope, end_minute, length_minutes).annotators)

    def pairs(self, scope: Scope, end_minute: int, length_minutes: int) -> dict[tuple[str, str], PairTable]:
        """Return for each two annotators who share items of a window what they said of them."""
        found: dict[tuple[str, str], dict[tuple[Value, Value], int]] = defaultdict(dict)
        for (first, second, said, other), count in self._sum(scope, end_minute, length_minutes).pairs.items():
            found[first, second][said, other] = count
        return dict(found)

    def pane(self, scope: Scope, minute: int) -> Pane:
        """Return one pane as it is now; empty where nothing is."""
        return self._panes.get(scope, {}).get(minute, _Sum()).frozen()

    def scopes(self) -> frozenset[Scope]:
        """Return the scopes that have items."""
        return frozenset(self._panes)

    def forget(self, before_minute: int) -> None:
        """Drop all panes before a minute, for good; what comes for them later is dropped and counted."""
        if self._floor is not None and before_minute <= self._floor:
            return
        for scope, panes in list(self._panes.items()):
            for minute in [minute for minute in panes if minute < before_minute]:
                self.withdraw(scope, minute, panes[minute].frozen())
        self._floor = before_minute

    def _is_forgotten(self, minute: int) -> bool:
        return self._floor is not None and minute < self._floor

    def _remove(self, scope: Scope, minute: int) -> None:
        del self._panes[scope][minute]
        if not self._panes[scope]:
            del self._panes[scope]
            self._windows.pop(scope, None)

    def _sum(self, scope: Scope, end: int, length: int) -> "_Sum":
        panes = self._panes.get(scope)
        if panes is None:
            return _Sum()
        windows = self._windows[scope]
        if length not in windows or abs(end - windows[length].end) >= length:
            windows[length] = _Window(end, length, panes)
        windows[length].slide(end, panes)
        return windows[length].sum


class _Sum:
    """Counts of patterns, annotators and pairs that change in place."""

    __slots__ = ("annotators", "pairs", "patterns")

    def __init__(self) -> None:
        self.patterns: dict[Said, int] = {}
        self.annotators: dict[str, int] = {}
        self.pairs: dict[tuple[str, str, Value, Value], int] = {}

    @property
    def is_empty(self) -> bool:
        return not self.patterns

    def add(self, other: "Pane | _Sum") -> None:
        _add(self.patterns, other.patterns)
        _add(self.annotators, other.annotators)
        _add(self.pairs, other.pairs)

    def take(self, other: "Pane | _Sum") -> None:
        """Subtract; raises ValueError, and changes nothing, where there is less than is to be taken out."""
        _check(self.patterns, other.patterns)
        _check(self.annotators, other.annotators)
        _check(self.pairs, other.pairs)
        _take(self.patterns, other.patterns)
        _take(self.annotators, other.annotators)
        _take(self.pairs, other.pairs)

    def frozen(self) -> Pane:
        return Pane(dict(self.patterns), dict(self.annotators), dict(self.pairs))


class _Window:
    """The sum of the panes of the minutes end - length + 1 … end."""

    __slots__ = ("end", "length", "sum")

    def __init__(self, end: int, length: int, panes: Mapping[int, _Sum]) -> None:
        self.end = end
        self.length = length
        self.sum = _Sum()
        for minute, pane in panes.items():
            if self._holds(minute):
                self.sum.add(pane)

    def add(self, minute: int, pane: Pane) -> None:
        if self._holds(minute):
            self.sum.add(pane)

    def take(self, minute: int, pane: Pane) -> None:
        if self._holds(minute):
            self.sum.take(pane)

    def slide(self, end: int, panes: Mapping[int, _Sum]) -> None:
        """Move the end by less than the length, either way."""
        low, high = sorted((self.end, end))
        younger, older = range(low + 1, high + 1), range(low - self.length + 1, high - self.length + 1)
        entering, leaving = (younger, older) if end > self.end else (older, younger)
        for pane in _present(panes, entering):
            self.sum.add(pane)
        for pane in _present(panes, leaving):
            self.sum.take(pane)
        self.end = end

    def _holds(self, minute: int) -> bool:
        return self.end - self.length < minute <= self.end


def _present(panes: Mapping[int, _Sum], minutes: Iterable[int]) -> list[_Sum]:
    return [panes[minute] for minute in minutes if minute in panes]


def _add(total: dict[Key, int], other: Mapping[Key, int]) -> None:
    for key, count in other.items():
        total[key] = total.get(key, 0) + count


def _check(total: Mapping[Key, int], other: Mapping[Key, int]) -> None:
    for key, count in other.items():
        if total.get(key, 0) < count:
            raise ValueError(f"{count} of {key!r} cannot be taken from {total.get(key, 0)}")


def _take(total: dict[Key, int], other: Mapping[Key, int]) -> None:
    for key, count in other.items():
        total[key] -= count
        if not total[key]:
            del total[key]
