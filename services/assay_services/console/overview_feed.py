"""Live data of the overview: read once a second for all open pages together, and not at all if none is open."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from assay_schemas.alert import Alert
from assay_services.engine.logs import get_logger
from assay_services.stores.archive.queries.db import ArchiveAway
from assay_services.stores.archive.queries.overview import Overview, read_overview
from assay_services.stores.control.alert_actions import list_alerts

_EVERY_SECONDS = 1.0
_REMEMBERED = 300
_STALE_AFTER = 10

log = get_logger("console")


@dataclass(frozen=True, slots=True)
class OverviewSnapshot:
    """The state at one time: `rates` are archived verdicts per second by kind; `problem` is why `overview` is None."""

    at: datetime
    rates: Mapping[str, float]
    overview: Overview | None
    alerts: Sequence[Alert] = ()
    problem: str | None = None


class OverviewFeed:
    """The shared refresher. `now` is the clock."""

    def __init__(self, archive: Engine, control: Engine, *, now: Callable[[], datetime]) -> None:
        """Create the feed; nothing is queried yet."""
        self._archive = archive
        self._control = control
        self._now = now
        self._followers: set[Callable[[OverviewSnapshot], None]] = set()
        self.beats: deque[OverviewSnapshot] = deque(maxlen=_REMEMBERED)

    @property
    def newest(self) -> OverviewSnapshot | None:
        """Return the newest snapshot, or None if it is stale or there is none."""
        newest = self.beats[-1] if self.beats else None
        return None if newest is None or (self._now() - newest.at).total_seconds() > _STALE_AFTER else newest

    def follow(self, callback: Callable[[OverviewSnapshot], None]) -> Callable[[], None]:
        """Call back with every snapshot; return a function that ends this."""
        self._followers.add(callback)
        return lambda: self._followers.discard(callback)

    async def snapshot(self) -> OverviewSnapshot:
        """Return the newest snapshot, or a new one if it is stale."""
        return self.newest or await self.beat()

    async def run(self) -> None:
        """Read once a second while there are followers."""
        while True:
            began = asyncio.get_running_loop().time()
            if self._followers:
                snapshot = await self.beat()
                for callback in list(self._followers):
                    callback(snapshot)
            await asyncio.sleep(max(0.05, _EVERY_SECONDS - (asyncio.get_running_loop().time() - began)))

    async def beat(self) -> OverviewSnapshot:
        """Read a new snapshot and store it."""
        snapshot = await asyncio.to_thread(self._read, self.newest)
        self.beats.append(snapshot)
        return snapshot

    def _read(self, before: OverviewSnapshot | None) -> OverviewSnapshot:
        now, alerts = self._now(), list_alerts(self._control)
        try:
            overview = read_overview(self._archive, now=now)
        except ArchiveAway as error:
            return OverviewSnapshot(now, {}, None, alerts, str(error))
        if before is None or before.overview is None:
            return OverviewSnapshot(now, {}, overview, alerts)
        seconds = max((now - before.at).total_seconds(), 1e-3)
        known = before.overview.totals
        rates = {name: max(0.0, (n - known.get(name, n)) / seconds) for name, n in overview.totals.items()}
        return OverviewSnapshot(now, rates, overview, alerts)
