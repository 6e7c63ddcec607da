"""What the partitions tell each other: their counts of every annotator, and their panes of agreement."""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import Any
from weakref import WeakSet
from zlib import crc32

import orjson

from assay_models.agreement import window_cell as panes_data
from assay_models.agreement.window_cell import WindowCell

ProjectAnnotator = tuple[str, str]
"""Project and annotator."""

PublishedCell = tuple[str, Hashable, int, int]
"""Project, scope, minute and partition."""


def owner(key: str, partitions: int) -> int:
    """Return the partition that speaks for something which no partition has all of."""
    return crc32(key.encode()) % partitions


class Exchange:
    """What all partitions have told, as records of the two topics come. Panes are parsed by those who want them."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._counts: defaultdict[ProjectAnnotator, dict[int, Any]] = defaultdict(dict)
        self._panes: dict[PublishedCell, bytes] = {}
        self._newest: dict[str, int] = {}
        self._followers: WeakSet[ExchangeChanges] = WeakSet()

    def follow(self) -> "ExchangeChanges":
        """Return what will be told of every change from now on, and of all that is known already."""
        changes = ExchangeChanges(set(self._counts), set(self._panes))
        self._followers.add(changes)
        return changes

    def receive_counts(self, key: bytes, value: bytes | None) -> None:
        """Take one record of `annotators.counts`."""
        project, annotator, partition = orjson.loads(key)
        if value is None:
            self._counts[project, annotator].pop(partition, None)
        else:
            self._counts[project, annotator][partition] = orjson.loads(value)["learned"]
        for changes in self._followers:
            changes.annotators.add((project, annotator))

    def receive_cell(self, key: bytes, value: bytes | None) -> None:
        """Take one record of `agreement.panes`; the newest of a partition replaces the one before."""
        project, scope, minute, partition = orjson.loads(key)
        place = (project, tuple(scope), minute, partition)
        if value is None:
            self._panes.pop(place, None)
        else:
            self._panes[place] = value
            self._newest[project] = max(minute, self._newest.get(project, 0))
        for changes in self._followers:
            changes.panes.add(place)

    def others(self, annotator: ProjectAnnotator, partition: int) -> list[Any]:
        """Return what each of the other partitions has learned of an annotator."""
        return [learned for number, learned in sorted(self._counts[annotator].items()) if number != partition]

    def has(self, place: PublishedCell) -> bool:
        """Tell whether a pane is told of, and not taken back."""
        return place in self._panes

    def pane(self, place: PublishedCell) -> WindowCell:
        """Return a pane as it was told last; empty where nothing is."""
        told = self._panes.get(place)
        return WindowCell() if told is None else panes_data.load(orjson.loads(told))

    def all_panes(self) -> Iterator[tuple[PublishedCell, WindowCell]]:
        """Yield every pane that is known, with its project, scope, minute and partition."""
        for place in self._panes:
            yield place, self.pane(place)

    def newest(self, project: str) -> int:
        """Return the newest minute of a project that anything was published of (else 0); event time goes by it."""
        return self._newest.get(project, 0)


class ExchangeChanges:
    """What has changed in the pool since somebody looked."""

    def __init__(self, annotators: set[ProjectAnnotator], panes: set[PublishedCell]) -> None:
        """Begin with what is known."""
        self.annotators = annotators
        self.panes = panes

    def drain_annotators(self) -> set[ProjectAnnotator]:
        """Return whose counts have changed, once."""
        taken, self.annotators = self.annotators, set()
        return taken

    def drain_cells(self) -> set[PublishedCell]:
        """Return which panes have changed, once."""
        taken, self.panes = self.panes, set()
        return taken
