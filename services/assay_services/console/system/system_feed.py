"""State of the whole system: checked every ten seconds for all open pages together, and not at all if none is open."""

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
    """The state at one time. `ledgers` is None until the first count has ended."""

    at: datetime
    services: Sequence[ServiceState]
    broker: Broker
    ledgers: Ledgers | None = None


class SystemFeed:
    """The shared refresher. `now` is the clock."""

    def __init__(self, settings: ConsoleSettings, *, now: Callable[[], datetime]) -> None:
        """Create the feed; nothing is checked yet."""
        self._settings = settings
        self._now = now
        self._counting = Counting(settings, most_seconds=settings.console_audit_seconds, now=now)
        self._followers: set[Callable[[SystemState], None]] = set()
        self._has_followers = asyncio.Event()
        self._newest: SystemState | None = None

    def follow(self, callback: Callable[[SystemState], None]) -> Callable[[], None]:
        """Call back with every new state; return a function that ends this."""
        self._followers.add(callback)
        self._has_followers.set()
        return lambda: self._leave(callback)

    def _leave(self, callback: Callable[[SystemState], None]) -> None:
        self._followers.discard(callback)
        if not self._followers:
            self._has_followers.clear()

    async def snapshot(self) -> SystemState:
        """Return the newest state, or a new one if it is stale."""
        newest = self._newest
        if newest is not None and self._now() - newest.at < _STALE_AFTER:
            return newest
        return await self.beat()

    async def run(self) -> None:
        """Check and count while there are followers."""
        await asyncio.gather(self._check_repeatedly(), self._count_repeatedly())

    async def beat(self) -> SystemState:
        """Check all services and Kafka."""
        services, broker = await asyncio.gather(
            ask_services(self._settings.console_services), ask_kafka(self._settings)
        )
        own = ServiceState("console", self._settings.address, ServiceStatus.READY, note="serves this page")
        ledgers = None if self._newest is None else self._newest.ledgers
        self._newest = SystemState(self._now(), [*services, own], broker, ledgers)
        return self._newest

    async def count(self) -> Ledgers:
        """Count the ledgers."""
        ledgers = await self._counting.count()
        self._newest = replace(self._newest or await self.beat(), ledgers=ledgers)
        return ledgers

    async def _check_repeatedly(self) -> None:
        while True:
            await self._has_followers.wait()
            self._notify(await self.beat())
            await asyncio.sleep(_EVERY_SECONDS)

    async def _count_repeatedly(self) -> None:
        """Count every ten seconds; after a long count, pause for four times its length."""
        while True:
            await self._has_followers.wait()
            ledgers = await self.count()
            if self._newest is not None:
                self._notify(self._newest)
            await asyncio.sleep(max(_EVERY_SECONDS, _PAUSE * ledgers.seconds))

    def _notify(self, state: SystemState) -> None:
        for callback in list(self._followers):
            callback(state)
