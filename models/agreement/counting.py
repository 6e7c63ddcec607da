"""Panes that are counted and handed on: no windows, and only what changes is touched."""

from collections.abc import Iterable
from typing import Any

from models.agreement.pane import Pane, Place, Scope

_Key = tuple[Scope, int]


class Counting:
    """The panes of some items, as whole counts by scope and minute; a plain mutable value.

    It counts what `panes.Panes` counts, without reading windows: for a partition that tells its panes to others.
    """

    def __init__(self) -> None:
        """Start without items."""
        self._panes: dict[_Key, tuple[dict[Any, int], dict[str, int], dict[Any, int]]] = {}
        self._floor = -1

    def move(self, scope: Scope, old: Place | None, new: Place | None) -> None:
        """Take an item from its old place (None: it is new) to its new one (None: nothing live is left of it).

        What lies in a forgotten minute is not there any more, and is not put there again. Raises ValueError if the item
        is not where it is said to be.
        """
        old = None if old is None or old.minute < self._floor else old
        new = None if new is None or new.minute < self._floor else new
        if old is not None and new is not None and old.minute == new.minute:
            pane = self._pane(scope, new.minute)
            if old.pattern != new.pattern:
                _take(pane[0], (old.pattern,))
                _add(pane[0], (new.pattern,))
            _change(pane[1], old.annotators, new.annotators)
            _change(pane[2], old.pairs, new.pairs)
            return
        for place, count in ((old, _take), (new, _add)):
            if place is not None:
                pane = self._pane(scope, place.minute)
                count(pane[0], (place.pattern,))
                count(pane[1], place.annotators)
                count(pane[2], place.pairs)

    @property
    def floor(self) -> int:
        """Return the first minute that is not forgotten; -1 at first."""
        return self._floor

    def pane(self, scope: Scope, minute: int) -> Pane:
        """Return one pane as it is now; empty where nothing is."""
        counted = self._panes.get((scope, minute))
        return Pane() if counted is None else Pane(dict(counted[0]), dict(counted[1]), dict(counted[2]))

    def forget(self, before_minute: int) -> None:
        """Drop all panes before a minute, for good."""
        self._floor = max(self._floor, before_minute)
        for key in [key for key in self._panes if key[1] < before_minute]:
            del self._panes[key]

    def _pane(self, scope: Scope, minute: int) -> tuple[dict[Any, int], dict[str, int], dict[Any, int]]:
        key = (scope, minute)
        found = self._panes.get(key)
        if found is None:
            found = self._panes[key] = ({}, {}, {})
        return found


def _change(counts: dict[Any, int], old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
    if old != new:
        before, after = set(old), set(new)
        _take(counts, before - after)
        _add(counts, after - before)


def _add(counts: dict[Any, int], keys: Iterable[Any]) -> None:
    for key in keys:
        counts[key] = counts.get(key, 0) + 1


def _take(counts: dict[Any, int], keys: Iterable[Any]) -> None:
    for key in keys:
        left = counts.get(key, 0) - 1
        if left < 0:
            raise ValueError(f"{key!r} is not counted here")
        if left:
            counts[key] = left
        else:
            del counts[key]
