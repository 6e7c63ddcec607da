"""This partition's agreement windows, and the readings of the projects that it owns."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from assay_models.agreement import window_cell as pane_data
from assay_models.agreement.annotator_pairs import AnnotatorPairs
from assay_models.agreement.sliding_windows import SlidingWindows
from assay_models.agreement.window_cell import WindowCell
from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import AGREEMENT, PANES
from assay_services.consensus.core.agreement_cells import PAIRS, Places, longest_minutes, places_of
from assay_services.consensus.core.agreement_readings import MeasurementCache, PairQueue, WindowReading, pool_readings
from assay_services.consensus.core.events import PartitionOrigin, event
from assay_services.consensus.core.exchange import Exchange, ExchangeChanges, owner
from assay_services.consensus.core.exchange import PublishedCell as Told
from assay_services.consensus.core.item_state import ConsensusItem
from assay_services.engine.core.cloudevents import iso
from assay_services.engine.core.core_api import Output
from assay_services.engine.core.elapsed import has_passed

_PUBLISH_MS = 1_000
_PUBLISH_PAIRS_MS = 300_000
_SLACK_MINUTES = 60
_MINUTE_MS = 60_000

CellAddress = tuple[ProjectId, Hashable, int]
"""Project, scope and minute (since 1970) of one cell."""


@dataclass(slots=True)
class _ProjectWindows:
    """The counts of one project; if this partition owns it, including the other partitions' (`received`).

    `newest`: the newest minute with data. `unread`, `unread_pairs`: whether anything changed since the last reading.
    """

    panes: SlidingWindows = field(default_factory=SlidingWindows)
    pairs: AnnotatorPairs = field(default_factory=AnnotatorPairs)
    received: dict[Told, WindowCell] = field(default_factory=dict)
    newest: int = 0
    unread: bool = False
    unread_pairs: bool = False
    measured: MeasurementCache = field(default_factory=MeasurementCache)
    published: dict[str, WindowReading] = field(default_factory=dict)
    queue: PairQueue = field(default_factory=PairQueue)

    def changed(self) -> None:
        """Record that the readings are out of date."""
        self.unread = self.unread_pairs = True

    def replace(self, told: Told, pane: WindowCell) -> None:
        """Replace another partition's earlier version of a cell by its newest one."""
        _, scope, minute, _ = told
        before, self.received[told] = self.received.get(told, WindowCell()), pane
        if scope == PAIRS:
            self.pairs.withdraw(minute, before.pairs)
            self.pairs.merge(minute, pane.pairs)
        else:
            self.panes.withdraw(scope, minute, before)
            self.panes.merge(scope, minute, pane)
        if pane.is_empty:
            del self.received[told]
        else:
            self.newest = max(self.newest, minute)
        self.changed()

    def forget(self, before: int) -> None:
        """Drop all cells before a minute."""
        if before > self.panes.floor:
            self.panes.forget(before)
            self.pairs.forget(before)
            for told in [told for told in self.received if told[2] < before]:
                del self.received[told]


class AgreementWindows:
    """The agreement windows of one partition. They are derived from the open items, so none of it is stored.

    One partition owns a project and publishes its readings. It counts its own items directly and receives the other
    partitions' cells. Each partition publishes its cells of the projects that it does not own, and no cells of its own
    projects.
    """

    def __init__(self, pool: Exchange, changes: ExchangeChanges, origin: PartitionOrigin) -> None:
        """Use the cells of all partitions (`pool`); this partition's own earlier cells are compared and republished."""
        self._pool = pool
        self._changes = changes
        self._origin = origin
        self._own: defaultdict[ProjectId, _ProjectWindows] = defaultdict(_ProjectWindows)
        self._published: set[CellAddress] = set()
        self._untold: set[CellAddress] = set()
        self._told_at = self._pairs_told_at = 0

    def move(self, item: ConsensusItem, before: Places, contract: LabelContract) -> None:
        """Move an item from the cells where it counted to those where it counts now."""
        after = places_of(item, contract)
        if after == before:
            return
        own = self._own[item.project]
        old, new = before.place, after.place
        for scope in after.scopes if before.scopes == after.scopes else {*before.scopes, *after.scopes}:
            own.panes.move(scope, old if scope in before.scopes else None, new if scope in after.scopes else None)
        if before.votes != after.votes:
            own.pairs.move(before.votes, after.votes)
        if new is not None and new.minute > own.newest:
            own.newest = new.minute
        if self._is_ours(item.project):
            own.changed()
        else:
            self._untold.update(_touched(item.project, before), _touched(item.project, after))

    def begin(self, project: ProjectId, contract: LabelContract) -> int:
        """Return the first minute that any window reaches, before items are restored; older items are not counted."""
        own = self._own[project]
        own.newest = max(own.newest, self._pool.newest(project))
        own.forget(_first_minute(own, contract))
        return own.panes.floor

    def publish(
        self, now: int, projects: Mapping[ProjectId, LabelContract], *, awaited: Collection[ProjectId] = ()
    ) -> Iterator[Output]:
        """Yield the changed cells, and the readings of the projects that this partition owns.

        Nothing is published of `awaited` projects, whose items have not been restored yet.
        """
        if not has_passed(self._told_at, now, _PUBLISH_MS):
            return
        self._told_at = now
        pairs = has_passed(self._pairs_told_at, now, _PUBLISH_PAIRS_MS)
        self._pairs_told_at = now if pairs else self._pairs_told_at
        self._listen()
        for name, contract in projects.items():
            if name not in awaited:
                self._own[name].forget(_first_minute(self._own[name], contract))
        yield from self._cells_to_publish(awaited, pairs=pairs)
        for name, contract in projects.items():
            if name not in awaited and self._is_ours(name):
                yield from self._readings(contract, now, pairs=pairs)

    def _is_ours(self, project: ProjectId) -> bool:
        """Return whether this partition owns a project."""
        return self._origin.partitions == 1 or owner(project, self._origin.partitions) == self._origin.partition

    def _listen(self) -> None:
        """Apply the other partitions' cells of our projects, and record which cells this partition has published."""
        for told in self._changes.drain_cells():
            project, scope, minute, partition = told
            pane = self._pool.pane(told) if self._is_ours(project) else None
            if partition != self._origin.partition and pane is not None:
                self._own[project].replace(told, pane)
            if partition == self._origin.partition and self._pool.has(told):
                place = (project, scope, minute)
                self._untold |= {place} - self._published
                self._published.add(place)

    def _cells_to_publish(self, awaited: Collection[ProjectId], *, pairs: bool) -> Iterator[Output]:
        for place in self._published:
            if place[2] < self._own[place[0]].panes.floor:
                self._untold.add(place)
        telling = {place for place in self._untold if place[0] not in awaited and (pairs or place[1] != PAIRS)}
        self._untold -= telling
        for place in sorted(telling, key=repr):
            yield from self._pane(place)

    def _pane(self, place: CellAddress) -> Iterator[Output]:
        project, scope, minute = place
        own, pane = self._own[project], WindowCell()
        if not self._is_ours(project):
            pane = own.pairs.pane(minute) if scope == PAIRS else own.panes.cell(scope, minute)
        key = orjson.dumps([project, scope, minute, self._origin.partition])
        if not pane.is_empty:
            self._published.add(place)
            yield Output(PANES.name, key, orjson.dumps(pane_data.dump(pane), default=tuple), [])
        elif place in self._published:
            self._published.discard(place)
            yield Output(PANES.name, key, None, [])

    def _readings(self, contract: LabelContract, now: int, *, pairs: bool) -> Iterator[Output]:
        own = self._own[contract.project]
        if own.unread:
            own.unread = False
            found = {_what(one): one for one in pool_readings(own.panes, contract, own.newest, own.measured)}
            # Publish a final empty reading of each scope that became empty, e.g. an attribute value without items.
            gone = {
                what: one.emptied(own.newest) for what, one in own.published.items() if one.items and what not in found
            }
            found |= gone
            news = [one for what, one in found.items() if own.published.get(what) != one]
            own.published = found
            yield from (_said(contract.project, reading, now) for reading in news)
        if pairs and own.unread_pairs:
            own.unread_pairs = False
            own.queue.renew(own.pairs, contract, own.newest)
        yield from (_said(contract.project, reading, now) for reading in own.queue.some())


def _first_minute(own: _ProjectWindows, contract: LabelContract) -> int:
    return own.newest - longest_minutes(contract.agreement) - _SLACK_MINUTES


def _touched(project: ProjectId, places: Places) -> Iterator[CellAddress]:
    if places.place is not None:
        for scope in places.scopes:
            yield project, scope, places.place.minute
    if places.votes is not None:
        yield project, PAIRS, places.votes.hour


def _what(reading: WindowReading) -> str:
    return f"{reading.coefficient} {reading.window} {reading.scope!r}"


def _said(project: ProjectId, reading: WindowReading, now: int) -> Output:
    found = reading.estimate
    value = {
        "project": project,
        "coefficient": reading.coefficient,
        "value": None if found is None else found.value,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
        "items": reading.items,
        "annotators": reading.annotators,
        "window": reading.window,
        "window_start": iso(reading.start * _MINUTE_MS),
        "window_end": iso((reading.end + 1) * _MINUTE_MS),
        "scope": reading.scope,
        "as_of": iso(now),
    }
    return event(AGREEMENT.name, project.encode(), value, kind="reading")
