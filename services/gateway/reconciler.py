"""What webhooks lost: every connection with an API is polled, and swept for what is gone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Engine

from schemas.annotation import Annotation
from schemas.control import Connection
from services.gateway.connecting import PLATFORM, connect_new_projects
from services.gateway.connections import Connections, Held, NoSuchConnectionError
from services.gateway.core import rows_of
from services.gateway.hooks import asked_of
from services.gateway.label_studio_api import Fields, LabelStudio, PlatformError
from services.gateway.platforms import label_studio
from services.gateway.platforms.facts import deletions
from services.gateway.platforms.reading import identifier, moment
from services.gateway.publisher import OverloadedError, Publisher
from services.gateway.settings import GatewaySettings
from services.runtime import metrics
from services.runtime.essential import start_essential
from services.runtime.logs import get_logger

_OVERLAP = timedelta(seconds=5)
_AT_ONCE = 50
_LOOK_SECONDS = 1.0
T = TypeVar("T")

log = get_logger("gateway")


class Reconciler:
    """Poll every connection in turn, each in a task of its own."""

    def __init__(
        self, engine: Engine, connections: Connections, publisher: Publisher, settings: GatewaySettings
    ) -> None:
        """Take where connections are kept and where annotations go."""
        self._engine = engine
        self._connections = connections
        self._publisher = publisher
        self._settings = settings
        self._wakes: dict[str, asyncio.Event] = {}
        self._missing: dict[str, set[str]] = {}

    def wake(self, name: str) -> None:
        """Have a connection polled now: something was named that has to be fetched."""
        self._wakes.setdefault(name, asyncio.Event()).set()

    async def run(self) -> None:
        """Poll all connections until cancelled; new ones are found within a second."""
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                for one in await asyncio.to_thread(self._connections.all):
                    if one.platform == PLATFORM and one.url and (one.name not in tasks or tasks[one.name].done()):
                        tasks[one.name] = start_essential(self._keep(one.name), name=one.name)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            for task in tasks.values():
                task.cancel()

    async def _keep(self, name: str) -> None:
        """Poll one connection until it is gone."""
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
            await self.reconcile(connection, now=datetime.now(UTC))
        except (PlatformError, OverloadedError) as error:
            log.warning("reconciliation_failed", connection=connection.name, error=str(error))
            return str(error)[:500]
        return None

    async def reconcile(self, connection: Connection, *, now: datetime) -> None:
        """Publish what has changed on the platform and is not known here; now and then look for what is gone."""
        token = self._connections.secrets_of(connection).token or ""
        async with LabelStudio(connection.url or "", token) as api:
            pass_ = _Pass(api, connection, Held(self._engine, connection.name), self._publisher, self._connections, now)
            await pass_.poll()
            every = timedelta(seconds=self._settings.sweep_seconds)
            if connection.swept_at is not None and now - connection.swept_at < every:
                return
            before = self._missing.get(connection.name, set())
            self._missing[connection.name] = await pass_.sweep(before)
            if connection.settings.get("follow"):
                names = await connect_new_projects(api, self._connections, connection, now)
                for name in names:
                    log.info("project_connected", connection=name, like=connection.name)
            await asyncio.to_thread(self._connections.note, connection.name, swept_at=now)


class _Pass:
    """One look at one connection."""

    def __init__(  # all that a look needs
        self,
        api: LabelStudio,
        connection: Connection,
        held: Held,
        publisher: Publisher,
        connections: Connections,
        now: datetime,
    ) -> None:
        self._api = api
        self._connection = connection
        self._held = held
        self._publisher = publisher
        self._connections = connections
        self._number = connection.platform_project or ""
        self._asked = asked_of(connection, held, now)
        self._project: Fields | None = None

    async def poll(self) -> None:
        """Take the tasks that changed since the last time, a few at once, each few with their watermark."""
        since = _overlapped(self._connection.watermark)
        async for tasks in _chunks(self._api.tasks_changed_since(self._number, since)):
            await self._take(tasks)
            await asyncio.to_thread(
                self._connections.note, self._connection.name, watermark=str(tasks[-1]["updated_at"])
            )

    async def sweep(self, missing: set[str]) -> set[str]:
        """Look for tasks that are gone, and for those whose annotations are not as many as ours.

        A task counts as gone when it was missing in two sweeps (`missing` is that of the one before): between a list
        and a look at what is held, a new one may have come. Return what is missing now.
        """
        here: set[str] = set()
        odd: list[str] = []
        async for task in self._api.all_tasks(self._number):
            item = label_studio.item_id(task, self._asked)
            if item is None:
                continue
            here.add(item)
            count = int(task.get("total_annotations") or 0) + int(task.get("cancelled_annotations") or 0)
            if count != len(await asyncio.to_thread(self._held.held, item)):
                odd.append(str(task["id"]))
        for start in range(0, len(odd), _AT_ONCE):
            found = [await self._api.task(one) for one in odd[start : start + _AT_ONCE]]
            await self._take([task for task in found if task is not None])
        gone = await asyncio.to_thread(self._held.items) - here
        for item in gone & missing:
            await self._publish([], await asyncio.to_thread(self._all_deleted, item))
        return gone - missing

    async def _take(self, tasks: Sequence[Fields]) -> None:
        if self._project is None:
            self._project = await self._api.project(self._number)
        found, gone = await asyncio.to_thread(self._read, tasks, self._project)
        await self._publish(found, gone)

    def _read(self, tasks: Sequence[Fields], project: Fields) -> tuple[list[Annotation], list[Annotation]]:
        found: list[Annotation] = []
        gone: list[Annotation] = []
        for task in tasks:
            decoded = label_studio.decode_task(task, project, self._asked)
            found += decoded.annotations
            item = label_studio.item_id(task, self._asked)
            if item is not None:
                here = {identifier(one.get("id")) for one in task.get("annotations") or ()}
                lost = [one for one in self._held.held(item) if one not in here]
                gone += self._deleted(lost, moment(task.get("updated_at")))
        return self._held.fresh(found), gone

    def _all_deleted(self, item: str) -> list[Annotation]:
        return self._deleted(self._held.held(item))

    def _deleted(self, annotations: Sequence[str], seen_at: datetime | None = None) -> list[Annotation]:
        """Return the deletions of these, but for those that are newer than what was seen of their task."""
        known = {one: self._held.known(one) for one in annotations}
        old = [
            name
            for name, one in known.items()
            if one is not None and (seen_at is None or one.occurred_at is None or one.occurred_at <= seen_at)
        ]
        return deletions(label_studio.NAME, old, self._asked, source_project=self._number)[0]

    async def _publish(self, found: Sequence[Annotation], gone: Sequence[Annotation]) -> None:
        changed = [*gone, *found]
        if not changed:
            return
        await self._publisher.publish(rows_of(changed))
        await asyncio.to_thread(self._held.learn, changed)
        began = self._connection.created_at
        recovered = len(gone) + sum(one.occurred_at > began for one in found)
        metrics.RECOVERED.labels(self._connection.name).inc(recovered)
        newest = max(one.occurred_at for one in changed).astimezone(UTC)
        await asyncio.to_thread(self._connections.count, self._connection.name, at=newest, recovered=recovered)


def _overlapped(watermark: str | None) -> str | None:
    """Return a time some seconds before the watermark: what was committed late is seen all the same."""
    found = moment(watermark)
    return None if found is None else (found - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # no other way is read


async def _chunks(tasks: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    chunk: list[T] = []
    async for task in tasks:
        chunk.append(task)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
