"""The counts of annotators and the agreement cells that partitions publish to each other."""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import Any
from weakref import WeakSet
from zlib import crc32

import orjson

from assay_models.agreement import window_cell as panes_data
from assay_models.agreement.window_cell import WindowCell
from assay_schemas.annotation import AnnotatorId, ProjectId

ProjectAnnotator = tuple[ProjectId, AnnotatorId]
"""Project and annotator."""

PublishedCell = tuple[ProjectId, Hashable, int, int]
"""Project, scope, minute (since 1970) and partition."""


def owner(key: str, partitions: int) -> int:
    """Return the partition that publishes for a project or annotator whose items are on several partitions."""
    return crc32(key.encode()) % partitions


class Exchange:
    """The newest counts and cells of all partitions. Cells stay serialised until they are read."""

    def __init__(self) -> None:
        """Start empty."""
        self._counts: defaultdict[ProjectAnnotator, dict[int, Any]] = defaultdict(dict)
        self._cells: dict[PublishedCell, bytes] = {}
        self._newest: dict[ProjectId, int] = {}
        self._followers: WeakSet[ExchangeChanges] = WeakSet()

    def follow(self) -> "ExchangeChanges":
        """Return a set of changes that starts with everything known and collects all later changes."""
        changes = ExchangeChanges(set(self._counts), set(self._cells))
        self._followers.add(changes)
        return changes

    def receive_counts(self, key: bytes, value: bytes | None) -> None:
        """Apply one record of `annotators.counts`; None deletes the counts."""
        project, annotator, partition = orjson.loads(key)
        if value is None:
            self._counts[project, annotator].pop(partition, None)
        else:
            self._counts[project, annotator][partition] = orjson.loads(value)["learned"]
        for changes in self._followers:
            changes.annotators.add((project, annotator))

    def receive_cell(self, key: bytes, value: bytes | None) -> None:
        """Apply one record of `agreement.panes`; it replaces that partition's earlier cell, and None deletes it."""
        project, scope, minute, partition = orjson.loads(key)
        place = (project, tuple(scope), minute, partition)
        if value is None:
            self._cells.pop(place, None)
        else:
            self._cells[place] = value
            self._newest[project] = max(minute, self._newest.get(project, 0))
        for changes in self._followers:
            changes.panes.add(place)

    def others(self, annotator: ProjectAnnotator, partition: int) -> list[Any]:
        """Return what each of the other partitions has learned of an annotator."""
        return [learned for number, learned in sorted(self._counts[annotator].items()) if number != partition]

    def has(self, place: PublishedCell) -> bool:
        """Return whether a cell is published and not deleted."""
        return place in self._cells

    def pane(self, place: PublishedCell) -> WindowCell:
        """Return a cell as last published; an empty cell if it is not published."""
        told = self._cells.get(place)
        return WindowCell() if told is None else panes_data.load(orjson.loads(told))

    def all_panes(self) -> Iterator[tuple[PublishedCell, WindowCell]]:
        """Yield every published cell, with its project, scope, minute and partition."""
        for place in self._cells:
            yield place, self.pane(place)

    def newest(self, project: ProjectId) -> int:
        """Return the newest minute (since 1970) of a project with a published cell, or 0; event time follows it."""
        return self._newest.get(project, 0)


class ExchangeChanges:
    """The annotators and cells of an `Exchange` that changed since they were last drained."""

    def __init__(self, annotators: set[ProjectAnnotator], panes: set[PublishedCell]) -> None:
        """Start with everything that is known."""
        self.annotators = annotators
        self.panes = panes

    def drain_annotators(self) -> set[ProjectAnnotator]:
        """Return the annotators whose counts changed, and clear them."""
        taken, self.annotators = self.annotators, set()
        return taken

    def drain_cells(self) -> set[PublishedCell]:
        """Return the cells that changed, and clear them."""
        taken, self.panes = self.panes, set()
        return taken
