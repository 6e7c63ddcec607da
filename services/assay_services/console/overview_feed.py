"""What is happening now: read once a second for all who look, and not at all while nobody does."""

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
    """One moment: `rates` are records a second by verdict, as the archive came by them; `problem` is why not."""

    at: datetime
    rates: Mapping[str, float]
    overview: Overview | None
    alerts: Sequence[Alert] = ()
    problem: str | None = None


class OverviewFeed:
    """The shared refresher. `now` is the clock."""

    def __init__(self, archive: Engine, control: Engine, *, now: Callable[[], datetime]) -> None:
        """Take the databases. Nothing is asked yet."""
        self._archive = archive
        self._control = control
        self._now = now
        self._followers: set[Callable[[OverviewSnapshot], None]] = set()
        self.beats: deque[OverviewSnapshot] = deque(maxlen=_REMEMBERED)

    @property
    def newest(self) -> OverviewSnapshot | None:
        """Return the newest beat, unless it is stale."""
        beat = self.beats[-1] if self.beats else None
        return None if beat is None or (self._now() - beat.at).total_seconds() > _STALE_AFTER else beat

    def follow(self, callback: Callable[[OverviewSnapshot], None]) -> Callable[[], None]:
        """Call back with every beat; return what ends that."""
        self._followers.add(callback)
        return lambda: self._followers.discard(callback)

    async def snapshot(self) -> OverviewSnapshot:
        """Return what is now: the newest beat, or a new one."""
        return self.newest or await self.beat()

    async def run(self) -> None:
        """Beat once a second while anybody follows."""
        while True:
            began = asyncio.get_running_loop().time()
            if self._followers:
                beat = await self.beat()
                for callback in list(self._followers):
                    callback(beat)
            await asyncio.sleep(max(0.05, _EVERY_SECONDS - (asyncio.get_running_loop().time() - began)))

    async def beat(self) -> OverviewSnapshot:
        """Read everything anew."""
        before = self.newest
        beat = await asyncio.to_thread(self._read, before)
        self.beats.append(beat)
        return beat

    def _read(self, before: OverviewSnapshot | None) -> OverviewSnapshot:
        now, alerts = self._now(), list_alerts(self._control)
        try:
            found = read_overview(self._archive, now=now)
        except ArchiveAway as away:
            return OverviewSnapshot(now, {}, None, alerts, str(away))
        if before is None or before.overview is None:
            return OverviewSnapshot(now, {}, found, alerts)
        seconds = max((now - before.at).total_seconds(), 1e-3)
        known = before.overview.totals
        rates = {name: max(0.0, (n - known.get(name, n)) / seconds) for name, n in found.totals.items()}
        return OverviewSnapshot(now, rates, found, alerts)
