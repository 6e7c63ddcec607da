"""Sliding windows of event time: tables of one-minute panes, kept summed as items come, move and go."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar

from assay_models.agreement.window_cell import CellKey, Content, Scope, WindowCell

Key = TypeVar("Key", bound=Hashable)


class SlidingWindows:
    """The panes of all scopes; a plain mutable value without locks.

    An item is in the pane of its newest live annotation. Late data, updates, deletions and skips are all the same:
    `move` takes the item out of its old place and puts it into its new one. A window holds the minutes
    from `end_minute - length_minutes + 1` to `end_minute`. Each window that has been read is kept summed: the next
    reading costs what has changed in the meantime, and the minutes it has slid by. Memory: one pane per scope and
    minute with items, until `forget`, one sum per scope and length read, and until the next reading a copy of each
    pane that has changed.
    """

    def __init__(self) -> None:
        """Start without items."""
        self._scopes: dict[Scope, _ScopeWindows] = {}
        self._floor = -1
        self._dropped = 0

    @property
    def floor(self) -> int:
        """Return the first minute that is not forgotten; -1 at first."""
        return self._floor

    @property
    def dropped(self) -> int:
        """Return how many items came too late: their pane had been forgotten."""
        return self._dropped

    def move(self, scope: Scope, old: CellKey | None, new: CellKey | None) -> None:
        """Take an item from its old place (None: it is new) to its new one (None: nothing live is left of it).

        What lies in a forgotten minute is not there any more, and is not put there again. Raises ValueError
        if the item is not where it is said to be.
        """
        if new is not None and new.minute < self._floor:
            self._dropped += 1
            new = None
        if old is not None and old.minute < self._floor:
            old = None
        if old is not None and new is not None and old.minute == new.minute:
            self._exchange(scope, old, new)
            return
        if old is not None:
            self._leave(scope, old)
        if new is not None:
            pane = self._opened(scope).to_change(new.minute)
            _shift(pane.patterns, (new.pattern,), 1)
            _shift(pane.annotators, new.annotators, 1)

    def merge(self, scope: Scope, minute: int, pane: WindowCell) -> None:
        """Add a pane, for instance another partition's; nothing happens if the minute is forgotten."""
        if minute < self._floor or not pane.patterns:
            return
        self._opened(scope).to_change(minute).add(pane)

    def withdraw(self, scope: Scope, minute: int, pane: WindowCell) -> None:
        """Take a pane out again, for instance to replace a partition's by its newer counts.

        Raises ValueError, and changes nothing, where there is less than is to be taken out.
        """
        if minute < self._floor or not pane.patterns:
            return
        panes = self._scopes.get(scope, _NO_SCOPE)
        panes.by_minute.get(minute, _NO_SUM).check(pane)
        panes.to_change(minute).subtract(pane)
        self._tidy(scope, minute)

    def table(self, scope: Scope, end_minute: int, length_minutes: int) -> dict[Any, int]:
        """Return the table of a window, as the coefficients take it."""
        return dict(self._sum(scope, end_minute, length_minutes).patterns)

    def annotators(self, scope: Scope, end_minute: int, length_minutes: int) -> int:
        """Return how many annotators have a label in a window."""
        return len(self._sum(scope, end_minute, length_minutes).annotators)

    def pane(self, scope: Scope, minute: int) -> WindowCell:
        """Return one pane as it is now; empty where nothing is."""
        return self._scopes.get(scope, _NO_SCOPE).by_minute.get(minute, _NO_SUM).frozen()

    def scopes(self) -> frozenset[Scope]:
        """Return the scopes that have items."""
        return frozenset(self._scopes)

    def forget(self, before_minute: int) -> None:
        """Drop all panes before a minute, for good; what comes for them later is dropped and counted."""
        if before_minute <= self._floor:
            return
        for scope, panes in list(self._scopes.items()):
            for minute in [minute for minute in panes.by_minute if minute < before_minute]:
                self.withdraw(scope, minute, panes.by_minute[minute].frozen())
        self._floor = before_minute

    def _exchange(self, scope: Scope, old: CellKey, new: CellKey) -> None:
        """Move an item within its minute: only what differs is touched."""
        gone = [who for who in old.annotators if who not in new.annotators]
        come = [who for who in new.annotators if who not in old.annotators]
        pane = self._checked(scope, old, gone).to_change(new.minute)
        if old.pattern != new.pattern:
            _shift(pane.patterns, (old.pattern,), -1)
            _shift(pane.patterns, (new.pattern,), 1)
        _shift(pane.annotators, gone, -1)
        _shift(pane.annotators, come, 1)

    def _leave(self, scope: Scope, old: CellKey) -> None:
        pane = self._checked(scope, old, old.annotators).to_change(old.minute)
        _shift(pane.patterns, (old.pattern,), -1)
        _shift(pane.annotators, old.annotators, -1)
        if not pane.patterns:
            self._tidy(scope, old.minute)

    def _checked(self, scope: Scope, place: CellKey, annotators: Iterable[str]) -> "_ScopeWindows":
        """Return the scope, if the item and these of its annotators are counted where they are said to be."""
        panes = self._scopes.get(scope, _NO_SCOPE)
        pane = panes.by_minute.get(place.minute, _NO_SUM)
        if place.pattern not in pane.patterns or not pane.annotators.keys() >= set(annotators):
            raise ValueError(f"{place!r} cannot be taken from {scope!r}, where it is not")
        return panes

    def _opened(self, scope: Scope) -> "_ScopeWindows":
        panes = self._scopes.get(scope)
        if panes is None:
            panes = self._scopes[scope] = _ScopeWindows()
        return panes

    def _tidy(self, scope: Scope, minute: int) -> None:
        panes = self._scopes[scope]
        panes.tidy(minute)
        if not panes.by_minute:
            del self._scopes[scope]

    def _sum(self, scope: Scope, end: int, length: int) -> "_Sum":
        panes = self._scopes.get(scope)
        return _Sum() if panes is None else panes.window(end, length)


class _Sum:
    """Counts of patterns and annotators that change in place."""

    __slots__ = ("annotators", "patterns")

    def __init__(self) -> None:
        self.patterns: dict[Content, int] = {}
        self.annotators: dict[str, int] = {}

    @property
    def is_empty(self) -> bool:
        return not self.patterns

    def add(self, other: "WindowCell | _Sum") -> None:
        _add(self.patterns, other.patterns)
        _add(self.annotators, other.annotators)

    def check(self, other: WindowCell) -> None:
        """Raise ValueError where there is less than is to be taken out."""
        for said, count in other.patterns.items():
            _check(self.patterns, (said,), count)
        for who, count in other.annotators.items():
            _check(self.annotators, (who,), count)

    def subtract(self, other: "WindowCell | _Sum") -> None:
        _subtract(self.patterns, other.patterns)
        _subtract(self.annotators, other.annotators)

    def frozen(self) -> WindowCell:
        return WindowCell(dict(self.patterns), dict(self.annotators))


class _ScopeWindows:
    """The panes of one scope, the windows that have been read, and what changed panes were when windows were summed."""

    __slots__ = ("by_minute", "changed", "windows")

    def __init__(self) -> None:
        self.by_minute: dict[int, _Sum] = {}
        self.windows: dict[int, _WindowSum] = {}
        self.changed: dict[int, WindowCell] = {}

    def to_change(self, minute: int) -> _Sum:
        pane = self.by_minute.get(minute)
        if pane is None:
            pane = self.by_minute[minute] = _Sum()
        if self.windows and minute not in self.changed:
            self.changed[minute] = pane.frozen()
        return pane

    def tidy(self, minute: int) -> None:
        """Drop a pane that has become empty."""
        if self.by_minute[minute].is_empty:
            self._settle(minute)
            del self.by_minute[minute]

    def window(self, end: int, length: int) -> _Sum:
        for minute in list(self.changed):
            self._settle(minute)
        window = self.windows.get(length)
        if window is None or abs(end - window.end) >= length:
            window = self.windows[length] = _WindowSum(end, length, self.by_minute)
        window.slide(end, self.by_minute)
        return window.sum

    def _settle(self, minute: int) -> None:
        """Tell the windows what has changed in a pane."""
        before = self.changed.pop(minute, None)
        if before is None:
            return
        now = self.by_minute[minute]
        patterns, annotators = (
            _difference(before.patterns, now.patterns),
            _difference(before.annotators, now.annotators),
        )
        for window in self.windows.values():
            if window.holds(minute):
                _add(window.sum.patterns, patterns)
                _add(window.sum.annotators, annotators)


class _WindowSum:
    """The sum of the panes of the minutes end - length + 1 … end."""

    __slots__ = ("end", "length", "sum")

    def __init__(self, end: int, length: int, panes: Mapping[int, _Sum]) -> None:
        self.end = end
        self.length = length
        self.sum = _Sum()
        for minute, pane in panes.items():
            if self.holds(minute):
                self.sum.add(pane)

    def slide(self, end: int, panes: Mapping[int, _Sum]) -> None:
        """Move the end by less than the length, either way."""
        low, high = sorted((self.end, end))
        younger, older = range(low + 1, high + 1), range(low - self.length + 1, high - self.length + 1)
        entering, leaving = (younger, older) if end > self.end else (older, younger)
        for pane in _present(panes, entering):
            self.sum.add(pane)
        for pane in _present(panes, leaving):
            self.sum.subtract(pane)
        self.end = end

    def holds(self, minute: int) -> bool:
        return self.end - self.length < minute <= self.end


_NO_SCOPE, _NO_SUM = _ScopeWindows(), _Sum()
"""What is looked at where there is nothing; never changed."""


def _present(panes: Mapping[int, _Sum], minutes: Iterable[int]) -> list[_Sum]:
    return [panes[minute] for minute in minutes if minute in panes]


def _difference(before: Mapping[Key, int], now: Mapping[Key, int]) -> dict[Key, int]:
    """Return by how much each count has changed; 0 is absent."""
    found = {key: count - before.get(key, 0) for key, count in now.items() if count != before.get(key, 0)}
    return found | {key: -count for key, count in before.items() if key not in now}


def _add(total: dict[Key, int], other: Mapping[Key, int]) -> None:
    """Add counts, which may be negative; what falls to 0 disappears."""
    for key, count in other.items():
        there = total.get(key, 0) + count
        if there:
            total[key] = there
        else:
            del total[key]


def _subtract(total: dict[Key, int], other: Mapping[Key, int]) -> None:
    for key, count in other.items():
        _shift(total, (key,), -count)


def _shift(total: dict[Key, int], keys: Iterable[Key], count: int) -> None:
    for key in keys:
        there = total.get(key, 0) + count
        if there:
            total[key] = there
        else:
            del total[key]


def _check(total: Mapping[Key, int], keys: Iterable[Key], count: int) -> None:
    for key in keys:
        if total.get(key, 0) < count:
            raise ValueError(f"{count} of {key!r} cannot be taken from {total.get(key, 0)}")
