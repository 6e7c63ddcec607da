"""Audit the ledgers in a separate thread: reading whole topics must not delay the pages."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiokafka.errors import KafkaError

from assay_services.audit.parked_work import ParkedWork, find_parked
from assay_services.audit.topics import PartitionAudit, audit, audit_consensus
from assay_services.engine.kafka import NoKafkaError
from assay_services.engine.settings import RuntimeSettings


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The audit at a moment, and how many seconds it took. `problem` is why it failed, or None."""

    at: datetime
    seconds: float
    validator: Sequence[PartitionAudit] = ()
    consensus: Sequence[PartitionAudit] = ()
    parked: Sequence[ParkedWork] = ()
    problem: str | None = None


class Counting:
    """Audits both ledgers, within at most `most_seconds`. `now` is the clock."""

    def __init__(self, settings: RuntimeSettings, *, most_seconds: float, now: Callable[[], datetime]) -> None:
        """Audit the Kafka of `settings`; nothing is read yet."""
        self._settings = settings
        self._most_seconds = most_seconds
        self._now = now
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Ledgers]] | None = None

    @property
    def is_counting(self) -> bool:
        """Return whether an audit is running."""
        return self._running is not None

    async def count(self) -> Ledgers:
        """Run an audit and return its result."""
        try:
            return await asyncio.to_thread(asyncio.run, self._count())
        except asyncio.CancelledError:
            self._stop()
            raise

    def _stop(self) -> None:
        """Stop the thread at once: the process may be waiting for it to end."""
        running = self._running
        if running is not None and not running[0].is_closed():
            running[0].call_soon_threadsafe(running[1].cancel)

    async def _count(self) -> Ledgers:
        task = asyncio.create_task(self._counted())
        self._running = (asyncio.get_running_loop(), task)
        try:
            return await task
        finally:
            self._running = None

    async def _counted(self) -> Ledgers:
        began = self._now()
        try:
            async with asyncio.timeout(self._most_seconds):
                judged, absorbed = await audit(self._settings), await audit_consensus(self._settings)
                parked = await find_parked(self._settings)
        except TimeoutError:
            why = f"not counted within {self._most_seconds:g} s; `assay audit` takes the time it needs"
            return Ledgers(began, self._most_seconds, problem=why)
        except (KafkaError, NoKafkaError, OSError) as error:
            return Ledgers(began, 0.0, problem=f"Kafka does not answer: {str(error) or type(error).__name__}")
        return Ledgers(began, (self._now() - began).total_seconds(), judged, absorbed, parked)
