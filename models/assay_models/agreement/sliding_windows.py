"""Sliding windows of event time: one-minute cells per scope, with incrementally maintained sums."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar

from assay_models.agreement.window_cell import CellKey, Content, Scope, WindowCell
from assay_schemas.annotation import AnnotatorId

Key = TypeVar("Key", bound=Hashable)


class SlidingWindows:
    """The cells of all scopes. Mutable; no locks. Times are minutes since 1970.

    An item is counted in the cell of its newest live annotation. `move` handles late data, updates, deletions and
    skips alike: it removes the item from its old cell and adds it to its new one. A window covers the minutes from
    `end_minute - length_minutes + 1` to `end_minute`. Once read, a window's sum is maintained: the next reading costs
    only the changes since, and the minutes the window has moved. Memory: one cell per scope and minute with items
    (until `forget`), one sum per scope and length read, and a copy of each cell changed since the last reading.
    """

    def __init__(self) -> None:
        """Start without items."""
        self._scopes: dict[Scope, _ScopeWindows] = {}
        self._floor = -1
        self._dropped = 0

    @property
    def floor(self) -> int:
        """The first minute that is not forgotten; -1 initially."""
        return self._floor

    @property
    def dropped(self) -> int:
        """The number of items that arrived too late: their minute was forgotten."""
        return self._dropped

    def move(self, scope: Scope, old: CellKey | None, new: CellKey | None) -> None:
        """Move an item from its old cell (None: new item) to its new one (None: no live annotation is left).

        Forgotten minutes are neither decremented nor incremented. Raises ValueError if the item is not in its old
        cell.
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
            self._remove(scope, old)
        if new is not None:
            cell = self._opened(scope).to_change(new.minute)
            _shift(cell.patterns, (new.pattern,), 1)
            _shift(cell.annotators, new.annotators, 1)

    def merge(self, scope: Scope, minute: int, cell: WindowCell) -> None:
        """Add a cell, for instance another partition's; no effect for a forgotten minute."""
        if minute < self._floor or not cell.patterns:
            return
        self._opened(scope).to_change(minute).add(cell)

    def withdraw(self, scope: Scope, minute: int, cell: WindowCell) -> None:
        """Subtract a cell, for instance to replace another partition's counts by newer ones.

        No effect for a forgotten minute. Raises ValueError, and changes nothing, if the result would be negative.
        """
        if minute < self._floor or not cell.patterns:
            return
        windows = self._scopes.get(scope, _NO_SCOPE)
        windows.by_minute.get(minute, _NO_SUM).check(cell)
        windows.to_change(minute).subtract(cell)
        self._tidy(scope, minute)

    def table(self, scope: Scope, end_minute: int, length_minutes: int) -> dict[Any, int]:
        """Return the table of a window, in the form the coefficients take."""
        return dict(self._sum(scope, end_minute, length_minutes).patterns)

    def annotators(self, scope: Scope, end_minute: int, length_minutes: int) -> int:
        """Return the number of annotators with a label in a window."""
        return len(self._sum(scope, end_minute, length_minutes).annotators)

    def cell(self, scope: Scope, minute: int) -> WindowCell:
        """Return a copy of one cell; an empty one if nothing is counted there."""
        return self._scopes.get(scope, _NO_SCOPE).by_minute.get(minute, _NO_SUM).frozen()

    def scopes(self) -> frozenset[Scope]:
        """Return the scopes that have items."""
        return frozenset(self._scopes)

    def forget(self, before_minute: int) -> None:
        """Drop all cells before a minute for good; later arrivals for them are dropped and counted in `dropped`."""
        if before_minute <= self._floor:
            return
        for scope, windows in list(self._scopes.items()):
            for minute in [minute for minute in windows.by_minute if minute < before_minute]:
                self.withdraw(scope, minute, windows.by_minute[minute].frozen())
        self._floor = before_minute

    def _exchange(self, scope: Scope, old: CellKey, new: CellKey) -> None:
        """Move an item within its minute, changing only the counts that differ."""
        removed = [who for who in old.annotators if who not in new.annotators]
        joined = [who for who in new.annotators if who not in old.annotators]
        cell = self._checked(scope, old, removed).to_change(new.minute)
        if old.pattern != new.pattern:
            _shift(cell.patterns, (old.pattern,), -1)
            _shift(cell.patterns, (new.pattern,), 1)
        _shift(cell.annotators, removed, -1)
        _shift(cell.annotators, joined, 1)

    def _remove(self, scope: Scope, old: CellKey) -> None:
        cell = self._checked(scope, old, old.annotators).to_change(old.minute)
        _shift(cell.patterns, (old.pattern,), -1)
        _shift(cell.annotators, old.annotators, -1)
        if not cell.patterns:
            self._tidy(scope, old.minute)

    def _checked(self, scope: Scope, place: CellKey, annotators: Iterable[AnnotatorId]) -> "_ScopeWindows":
        """Return the scope's windows; raise ValueError if the item or these annotators are not counted there."""
        windows = self._scopes.get(scope, _NO_SCOPE)
        cell = windows.by_minute.get(place.minute, _NO_SUM)
        if place.pattern not in cell.patterns or not cell.annotators.keys() >= set(annotators):
            raise ValueError(f"{place!r} cannot be taken from {scope!r}, where it is not")
        return windows

    def _opened(self, scope: Scope) -> "_ScopeWindows":
        windows = self._scopes.get(scope)
        if windows is None:
            windows = self._scopes[scope] = _ScopeWindows()
        return windows

    def _tidy(self, scope: Scope, minute: int) -> None:
        windows = self._scopes[scope]
        windows.tidy(minute)
        if not windows.by_minute:
            del self._scopes[scope]

    def _sum(self, scope: Scope, end: int, length: int) -> "_Sum":
        windows = self._scopes.get(scope)
        return _Sum() if windows is None else windows.window(end, length)


class _Sum:
    """Mutable counts of patterns and annotators."""

    __slots__ = ("annotators", "patterns")

    def __init__(self) -> None:
        self.patterns: dict[Content, int] = {}
        self.annotators: dict[AnnotatorId, int] = {}

    @property
    def is_empty(self) -> bool:
        return not self.patterns

    def add(self, other: "WindowCell | _Sum") -> None:
        _add(self.patterns, other.patterns)
        _add(self.annotators, other.annotators)

    def check(self, other: WindowCell) -> None:
        """Raise ValueError if subtracting `other` would give negative counts."""
        for pattern, count in other.patterns.items():
            _check(self.patterns, (pattern,), count)
        for who, count in other.annotators.items():
            _check(self.annotators, (who,), count)

    def subtract(self, other: "WindowCell | _Sum") -> None:
        _subtract(self.patterns, other.patterns)
        _subtract(self.annotators, other.annotators)

    def frozen(self) -> WindowCell:
        return WindowCell(dict(self.patterns), dict(self.annotators))


class _ScopeWindows:
    """The cells of one scope, its window sums, and copies of cells from before they changed since the last sum."""

    __slots__ = ("by_minute", "changed", "windows")

    def __init__(self) -> None:
        self.by_minute: dict[int, _Sum] = {}
        self.windows: dict[int, _WindowSum] = {}
        self.changed: dict[int, WindowCell] = {}

    def to_change(self, minute: int) -> _Sum:
        cell = self.by_minute.get(minute)
        if cell is None:
            cell = self.by_minute[minute] = _Sum()
        if self.windows and minute not in self.changed:
            self.changed[minute] = cell.frozen()
        return cell

    def tidy(self, minute: int) -> None:
        """Drop the cell if it is empty."""
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
        """Apply a cell's changes to the window sums."""
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
    """The sum of the cells of the minutes end - length + 1 to end."""

    __slots__ = ("end", "length", "sum")

    def __init__(self, end: int, length: int, cells: Mapping[int, _Sum]) -> None:
        self.end = end
        self.length = length
        self.sum = _Sum()
        for minute, cell in cells.items():
            if self.holds(minute):
                self.sum.add(cell)

    def slide(self, end: int, cells: Mapping[int, _Sum]) -> None:
        """Move the end of the window by less than its length, in either direction."""
        low, high = sorted((self.end, end))
        younger, older = range(low + 1, high + 1), range(low - self.length + 1, high - self.length + 1)
        entering, leaving = (younger, older) if end > self.end else (older, younger)
        for cell in _present(cells, entering):
            self.sum.add(cell)
        for cell in _present(cells, leaving):
            self.sum.subtract(cell)
        self.end = end

    def holds(self, minute: int) -> bool:
        return self.end - self.length < minute <= self.end


_NO_SCOPE, _NO_SUM = _ScopeWindows(), _Sum()
"""Defaults for absent scopes and cells; never changed."""


def _present(cells: Mapping[int, _Sum], minutes: Iterable[int]) -> list[_Sum]:
    return [cells[minute] for minute in minutes if minute in cells]


def _difference(before: Mapping[Key, int], now: Mapping[Key, int]) -> dict[Key, int]:
    """Return the change of each count; unchanged counts are absent."""
    changes = {key: count - before.get(key, 0) for key, count in now.items() if count != before.get(key, 0)}
    return changes | {key: -count for key, count in before.items() if key not in now}


def _add(total: dict[Key, int], other: Mapping[Key, int]) -> None:
    """Add counts, which may be negative; entries of 0 are removed."""
    for key, count in other.items():
        sum_ = total.get(key, 0) + count
        if sum_:
            total[key] = sum_
        else:
            del total[key]


def _subtract(total: dict[Key, int], other: Mapping[Key, int]) -> None:
    for key, count in other.items():
        _shift(total, (key,), -count)


def _shift(total: dict[Key, int], keys: Iterable[Key], count: int) -> None:
    for key in keys:
        sum_ = total.get(key, 0) + count
        if sum_:
            total[key] = sum_
        else:
            del total[key]


def _check(total: Mapping[Key, int], keys: Iterable[Key], count: int) -> None:
    for key in keys:
        if total.get(key, 0) < count:
            raise ValueError(f"{count} of {key!r} cannot be taken from {total.get(key, 0)}")
