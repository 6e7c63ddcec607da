"""This partition's panes of agreement, and the readings of the projects that it speaks for."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping

import orjson

from models.agreement import pane as pane_data
from models.agreement.cohen import PairTable
from models.agreement.counting import Counting
from schemas.contract import LabelContract
from services.consensus.items import OpenItem
from services.consensus.placing import PAIRS, Places, longest_minutes, places_of
from services.consensus.pool import Changes, Pool, owner
from services.consensus.readings import Reading, pair_reading, pair_tables, pool_readings
from services.consensus.words import Origin, event
from services.runtime.cloud import iso
from services.runtime.step import Output

_TELL_MS = 1_000
_TELL_PAIRS_MS = 300_000
_PAIRS_AT_ONCE = 50
_SLACK_MINUTES = 60
_MINUTE_MS = 60_000

Place = tuple[str, Hashable, int]
"""Project, scope and minute of one pane."""


class OwnPanes:
    """The panes of the items of one partition. They follow from the open items alone, so nothing of them is stored."""

    def __init__(self, pool: Pool, changes: Changes, origin: Origin) -> None:
        """Take what all partitions publish; what this one has published before is to be told anew."""
        self._pool = pool
        self._changes = changes
        self._origin = origin
        self._own: defaultdict[str, Counting] = defaultdict(Counting)
        self._published: set[Place] = set(pool.published(origin.partition))
        self._untold: set[Place] = set(self._published)
        self._told_at = self._pairs_told_at = 0
        self._waiting_pairs: list[tuple[LabelContract, int, tuple[str, str], PairTable]] = []
        self._read: dict[tuple[str, str, str, str], object] = {}

    def move(self, item: OpenItem, before: Places, contract: LabelContract) -> None:
        """Move an item from where it stood to where it stands now."""
        after = places_of(item, contract)
        own = self._own[item.project]
        for scope in dict.fromkeys((*before, *after)) if before else after:
            old, new = before.get(scope), after.get(scope)
            if old == new:
                continue
            own.move(scope, old, new)
            for place in (old, new):
                if place is not None and place.minute >= own.floor:
                    self._untold.add((item.project, scope, place.minute))

    def begin(self, project: str, contract: LabelContract) -> int:
        """Return the first minute that a window reaches, before items are taken up again; older ones count nowhere."""
        own = self._own[project]
        own.forget(self._pool.newest(project) - longest_minutes(contract.agreement) - _SLACK_MINUTES)
        return own.floor

    def tell(self, now: int, projects: Mapping[str, LabelContract]) -> Iterator[Output]:
        """Yield the panes that have changed, and the readings of the projects that are ours to read."""
        if now - self._told_at < _TELL_MS:
            return
        self._told_at = now
        pairs = now - self._pairs_told_at >= _TELL_PAIRS_MS
        self._pairs_told_at = now if pairs else self._pairs_told_at
        telling = {place for place in self._untold if pairs or place[1] != PAIRS}
        self._untold -= telling
        for place in sorted(telling, key=repr):
            yield self._pane(place)
        for name, contract in projects.items():
            yield from self._forget(name, contract)
            if owner(name, self._origin.partitions) == self._origin.partition and name in self._changes.projects:
                self._changes.projects.discard(name)
                yield from self._readings(contract, now)
                if pairs:
                    self._queue_pairs(contract)
        yield from self._pair_readings(now)

    def _pane(self, place: Place) -> Output:
        project, scope, minute = place
        key = orjson.dumps([project, scope, minute, self._origin.partition])
        pane = self._own[project].pane(scope, minute)
        if pane.is_empty:
            self._published.discard(place)
            return Output("agreement.panes", key, None, [])
        self._published.add(place)
        return Output("agreement.panes", key, orjson.dumps(pane_data.dump(pane), default=tuple), [])

    def _forget(self, project: str, contract: LabelContract) -> Iterator[Output]:
        """Drop the panes that no window reaches any more, here and on the topic."""
        before = self._pool.newest(project) - longest_minutes(contract.agreement) - _SLACK_MINUTES
        old = [place for place in self._published if place[0] == project and place[2] < before]
        if not old:
            return
        self._own[project].forget(before)
        self._pool.forget(project, before)
        for place in old:
            self._published.discard(place)
            self._untold.discard(place)
            yield Output("agreement.panes", orjson.dumps([*place, self._origin.partition]), None, [])

    def _readings(self, contract: LabelContract, now: int) -> Iterator[Output]:
        panes = self._pool.panes(contract.project)
        end = self._pool.newest(contract.project)
        for reading in pool_readings(panes, contract, end):
            yield from self._told(contract.project, reading, now)

    def _queue_pairs(self, contract: LabelContract) -> None:
        """Note the pairs to be read: there may be thousands, so they are read a few at a time."""
        end = self._pool.newest(contract.project)
        found = pair_tables(self._pool.panes(contract.project), contract, end)
        waiting = {(one.project, pair): (one, then, pair, table) for one, then, pair, table in self._waiting_pairs}
        waiting |= {(contract.project, pair): (contract, end, pair, table) for pair, table in found.items()}
        self._waiting_pairs = list(waiting.values())

    def _pair_readings(self, now: int) -> Iterator[Output]:
        waiting = self._waiting_pairs
        self._waiting_pairs = waiting[_PAIRS_AT_ONCE:]
        for contract, end, pair, table in waiting[:_PAIRS_AT_ONCE]:
            yield from self._told(contract.project, pair_reading(contract, end, pair, table), now)

    def _told(self, project: str, reading: Reading, now: int) -> Iterator[Output]:
        """Yield a reading, unless the very same was told last."""
        what = (project, reading.coefficient, reading.window, repr(reading.scope))
        if self._read.get(what) == reading:
            return
        self._read[what] = reading
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
        yield event("agreement.rolling", project.encode(), value, kind="reading")
