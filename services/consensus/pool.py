"""What the partitions tell each other: their counts of every annotator, and their panes of agreement."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Any
from weakref import WeakSet
from zlib import crc32

import orjson

from models.agreement import pane as panes_data
from models.agreement.pane import Pane
from models.agreement.panes import Panes

Annotator = tuple[str, str]
"""Project and annotator."""

Place = tuple[str, Hashable, int, int]
"""Project, scope, minute and partition."""


def owner(key: str, partitions: int) -> int:
    """Return the partition that speaks for something which no partition has all of."""
    return crc32(key.encode()) % partitions


class Pool:
    """All partitions' counts, merged. It changes in place, as records of the two topics come."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._counts: defaultdict[Annotator, dict[int, Any]] = defaultdict(dict)
        self._panes: dict[Place, Pane] = {}
        self._merged: dict[str, Panes] = {}
        self._newest: dict[str, int] = {}
        self._followers: WeakSet[Changes] = WeakSet()

    def follow(self) -> "Changes":
        """Return what will be told of every change from now on, and of all that is known already."""
        changes = Changes(set(self._counts), set(self._merged))
        self._followers.add(changes)
        return changes

    def take_counts(self, key: bytes, value: bytes | None) -> None:
        """Take one record of `annotators.counts`."""
        project, annotator, partition = orjson.loads(key)
        if value is None:
            self._counts[project, annotator].pop(partition, None)
        else:
            self._counts[project, annotator][partition] = orjson.loads(value)["learned"]
        for changes in self._followers:
            changes.annotators.add((project, annotator))

    def take_pane(self, key: bytes, value: bytes | None) -> None:
        """Take one record of `agreement.panes`; the newest of a partition replaces the one before."""
        project, scope, minute, partition = orjson.loads(key)
        place = (project, tuple(scope), minute, partition)
        merged = self._merged.setdefault(project, Panes())
        before = self._panes.pop(place, None)
        if before is not None:
            merged.withdraw(place[1], minute, before)
        if value is not None:
            pane = self._panes[place] = panes_data.load(orjson.loads(value))
            merged.merge(place[1], minute, pane)
            self._newest[project] = max(minute, self._newest.get(project, 0))
        for changes in self._followers:
            changes.projects.add(project)

    def others(self, annotator: Annotator, partition: int) -> list[Any]:
        """Return what each of the other partitions has learned of an annotator."""
        return [learned for number, learned in sorted(self._counts[annotator].items()) if number != partition]

    def all_panes(self) -> Iterable[tuple[Place, Pane]]:
        """Return every pane that is known, with its project, scope, minute and partition."""
        return self._panes.items()

    def panes(self, project: str) -> Panes:
        """Return the merged panes of a project."""
        return self._merged.setdefault(project, Panes())

    def newest(self, project: str) -> int:
        """Return the newest minute of a project that anything was published of (else 0); event time goes by it."""
        return self._newest.get(project, 0)

    def published(self, partition: int) -> Iterable[tuple[str, Hashable, int]]:
        """Return the panes that a partition has published: project, scope and minute."""
        return [(project, scope, minute) for project, scope, minute, number in self._panes if number == partition]

    def forget(self, project: str, before_minute: int) -> None:
        """Drop the panes of a project before a minute."""
        self._merged[project].forget(before_minute)
        for place in [place for place in self._panes if place[0] == project and place[2] < before_minute]:
            del self._panes[place]


class Changes:
    """What has changed in the pool since somebody looked."""

    def __init__(self, annotators: set[Annotator], projects: set[str]) -> None:
        """Begin with what is known."""
        self.annotators = annotators
        self.projects = projects

    def take_annotators(self) -> set[Annotator]:
        """Return whose counts have changed, once."""
        taken, self.annotators = self.annotators, set()
        return taken
