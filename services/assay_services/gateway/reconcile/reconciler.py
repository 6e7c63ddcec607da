"""Find what webhooks missed: poll every connection with an API, and sweep it for deletions."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from assay_services.engine.critical_tasks import start_essential
from assay_services.engine.logs import get_logger
from assay_services.gateway.core.decode_result import FetchTarget
from assay_services.gateway.decode_context import LabelKindOf, kind_unknown
from assay_services.gateway.published_index import PublishedIndex
from assay_services.gateway.publisher import OverloadedError, Publisher
from assay_services.gateway.reconcile.connect import connect_new_projects
from assay_services.gateway.reconcile.reconcile_pass import ReconciliationPass
from assay_services.gateway.reconcile.sources.http_client import PlatformError
from assay_services.gateway.reconcile.sources.source_registry import can_be_asked, source_of
from assay_services.gateway.settings import GatewaySettings
from assay_services.stores.control.connection_store import ConnectionStore, NoSuchConnectionError
from assay_services.stores.control.tables.connections_and_keys import Connection

_POLL_SECONDS = 1.0
_MOST_WANTED = 10_000

log = get_logger("gateway")


class Reconciler:
    """Polls every connection, each in its own task."""

    def __init__(
        self,
        engine: Engine,
        connections: ConnectionStore,
        publisher: Publisher,
        settings: GatewaySettings,
        kind_of: LabelKindOf = kind_unknown,
    ) -> None:
        """Reconcile the stored connections with their platforms and publish with `publisher`."""
        self._kind_of = kind_of
        self._engine = engine
        self._connections = connections
        self._publisher = publisher
        self._settings = settings
        self._wakes: dict[str, asyncio.Event] = {}
        self._wanted: dict[str, dict[FetchTarget, None]] = {}
        self._missing: dict[str, set[str]] = {}
        self._due: set[str] = set()

    def wake(self, name: str, wanted: tuple[FetchTarget, ...] = ()) -> None:
        """Poll a connection now, and fetch these things first.

        They are not stored on disk, and their number is limited: the next poll or sweep finds what is lost.
        """
        kept = self._wanted.setdefault(name, {})
        kept |= dict.fromkeys(wanted[: max(0, _MOST_WANTED - len(kept))])
        self._wakes.setdefault(name, asyncio.Event()).set()

    async def run(self) -> None:
        """Poll all connections until cancelled; new ones are found within a second."""
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                for one in await asyncio.to_thread(self._connections.all):
                    if can_be_asked(one) and (one.name not in tasks or tasks[one.name].done()):
                        tasks[one.name] = start_essential(self._run_connection(one.name), name=one.name)
                await asyncio.sleep(_POLL_SECONDS)
        finally:
            for task in tasks.values():
                task.cancel()

    async def _run_connection(self, name: str) -> None:
        """Poll one connection until it is removed."""
        while True:
            woken = self._wakes.setdefault(name, asyncio.Event())
            woken.clear()
            try:
                connection = await asyncio.to_thread(self._connections.get, name)
                problem = await self._tried(connection)
            except NoSuchConnectionError:
                return
            await asyncio.to_thread(self._connections.note, name, problem=problem, polled_at=datetime.now(UTC))
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), self._settings.poll_seconds)

    async def _tried(self, connection: Connection) -> str | None:
        try:
            problems = await self.reconcile(connection, now=datetime.now(UTC))
        except (PlatformError, OverloadedError) as error:
            log.warning("reconciliation_failed", connection=connection.name, error=str(error))
            return str(error)[:500]
        return "; ".join(problems)[:500] or None

    async def reconcile(self, connection: Connection, *, now: datetime) -> tuple[str, ...]:
        """Publish changes on the platform that are not published yet; periodically sweep for deletions.

        Return what could not be read, in words.
        """
        name = connection.name
        held = PublishedIndex(self._engine, name)
        async with source_of(connection, self._connections, held, now, kind_of=self._kind_of) as source:
            look = ReconciliationPass(source, connection, held, self._publisher, self._connections)
            await look.finish()
            wanted = self._wanted.pop(name, {})
            if not await look.fetch(wanted) and not source.polled:
                self._due.add(name)
            await look.poll()
            if self._is_due(connection, now):
                self._missing[name] = await look.sweep(self._missing.get(name, set()))
                await self._follow(connection, now)
                await asyncio.to_thread(self._connections.note, name, swept_at=now)
                self._due.discard(name)
        return look.problems

    def _is_due(self, connection: Connection, now: datetime) -> bool:
        every = timedelta(seconds=self._settings.sweep_seconds)
        late = connection.swept_at is None or now - connection.swept_at >= every
        return late or connection.name in self._due

    async def _follow(self, connection: Connection, now: datetime) -> None:
        if connection.settings.get("follow"):
            for name in await connect_new_projects(self._connections, connection, now):
                log.info("project_connected", connection=name, like=connection.name)
