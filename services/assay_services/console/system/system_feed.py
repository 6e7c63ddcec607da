"""How the whole system is: looked at every ten seconds for all who watch, and not at all while nobody does."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from assay_services.audit.background import Counting, Ledgers
from assay_services.console.settings import ConsoleSettings
from assay_services.console.system.health_checks import Broker, ServiceState, ServiceStatus, ask_kafka, ask_services

_EVERY_SECONDS = 10.0
_PAUSE = 4.0
_STALE_AFTER = timedelta(seconds=25)


@dataclass(frozen=True, slots=True)
class SystemState:
    """One look at everything. `ledgers` are None until they were counted for the first time."""

    at: datetime
    services: Sequence[ServiceState]
    broker: Broker
    ledgers: Ledgers | None = None


class SystemFeed:
    """The shared refresher. `now` is the clock."""

    def __init__(self, settings: ConsoleSettings, *, now: Callable[[], datetime]) -> None:
        """Take where everything is. Nothing is asked yet."""
        self._settings = settings
        self._now = now
        self._counting = Counting(settings, most_seconds=settings.console_audit_seconds, now=now)
        self._followers: set[Callable[[SystemState], None]] = set()
        self._somebody_looks = asyncio.Event()
        self._newest: SystemState | None = None

    def follow(self, callback: Callable[[SystemState], None]) -> Callable[[], None]:
        """Call back with every look; return what ends that."""
        self._followers.add(callback)
        self._somebody_looks.set()
        return lambda: self._leave(callback)

    def _leave(self, callback: Callable[[SystemState], None]) -> None:
        self._followers.discard(callback)
        if not self._followers:
            self._somebody_looks.clear()

    async def snapshot(self) -> SystemState:
        """Return how everything is: as it was seen last, unless that is old."""
        newest = self._newest
        if newest is not None and self._now() - newest.at < _STALE_AFTER:
            return newest
        return await self.beat()

    async def run(self) -> None:
        """Look, and count, for as long as anybody follows."""
        await asyncio.gather(self._refresh_for_ever(), self._count_for_ever())

    async def beat(self) -> SystemState:
        """Ask everybody anew."""
        services, broker = await asyncio.gather(
            ask_services(self._settings.console_services), ask_kafka(self._settings)
        )
        own = ServiceState("console", self._settings.address, ServiceStatus.READY, note="this page comes from it")
        ledgers = None if self._newest is None else self._newest.ledgers
        self._newest = SystemState(self._now(), [*services, own], broker, ledgers)
        return self._newest

    async def count(self) -> Ledgers:
        """Count the ledgers anew."""
        ledgers = await self._counting.count()
        self._newest = replace(self._newest or await self.beat(), ledgers=ledgers)
        return ledgers

    async def _refresh_for_ever(self) -> None:
        while True:
            await self._somebody_looks.wait()
            self._notify(await self.beat())
            await asyncio.sleep(_EVERY_SECONDS)

    async def _count_for_ever(self) -> None:
        """Count every ten seconds; where that takes long, rest for four times as long."""
        while True:
            await self._somebody_looks.wait()
            ledgers = await self.count()
            if self._newest is not None:
                self._notify(self._newest)
            await asyncio.sleep(max(_EVERY_SECONDS, _PAUSE * ledgers.seconds))

    def _notify(self, state: SystemState) -> None:
        for callback in list(self._followers):
            callback(state)
