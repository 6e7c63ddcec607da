"""Write results back to the platform: the consensus, findings, and requests for one more annotation.

Only for connections that enable it. Writes are idempotent, so a record that is read twice does no harm. The reconciler
does not publish the written fields, so there is no feedback loop.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from sqlalchemy import Engine

from assay_schemas.annotation import ItemId, ProjectId
from assay_schemas.record_key import split_key
from assay_schemas.topics import CONSENSUS, REVIEW, VALIDATED
from assay_services.engine import metrics
from assay_services.engine.kafka import NoKafkaError, make_consumer
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings
from assay_services.gateway.core.platforms import argilla, label_studio
from assay_services.gateway.published_index import PublishedIndex
from assay_services.gateway.reconcile.sources.http_client import PlatformError
from assay_services.gateway.reconcile.sources.source import Setting
from assay_services.gateway.reconcile.sources.source_registry import setting_of
from assay_services.gateway.write_back.argilla_writer import ArgillaWriter
from assay_services.gateway.write_back.label_studio_writer import LabelStudioWriter
from assay_services.gateway.write_back.writer import ItemUpdate, Writer
from assay_services.stores.control.connection_store import ConnectionStore
from assay_services.stores.control.tables.connections_and_keys import Connection


class _WriterFactory(Protocol):
    def __call__(self, setting: Setting, /) -> Writer: ...


WRITERS: Mapping[str, _WriterFactory] = {label_studio.NAME: LabelStudioWriter, argilla.NAME: ArgillaWriter}
"""The writer class of each platform that can be written to."""

_PAUSE_SECONDS = 2.0
_RETRY_SECONDS = 5.0
_MOST_WAITING = 10_000
"""With so many items waiting for a platform, no more are read: they wait in Kafka."""

log = get_logger("gateway")


class WriteBack:
    """Follows the output topics and writes each item's newest result to its platform, a few items at once."""

    def __init__(self, engine: Engine, connections: ConnectionStore, settings: RuntimeSettings) -> None:
        """Write for the stored connections that enable it; `engine` is the control database."""
        self._engine = engine
        self._connections = connections
        self._settings = settings
        self._news: defaultdict[tuple[ProjectId, ItemId], ItemUpdate] = defaultdict(ItemUpdate)

    async def run(self) -> None:
        """Write back until cancelled; retry while Kafka or a platform is unavailable."""
        while True:
            try:
                await self._follow()
            except (KafkaError, NoKafkaError, OSError) as error:
                log.warning("writing_back_waits", error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self) -> None:
        consumer = make_consumer(
            self._settings, CONSENSUS.name, REVIEW.name, VALIDATED.name,
            group_id=f"{self._settings.prefix}assay-writing-back",
        )  # fmt: skip
        await consumer.start()
        try:
            while True:
                fetched = await self._fetch(consumer)
                wanted = await asyncio.to_thread(self._wanting)
                for tp, records in fetched.items():
                    topic = tp.topic.removeprefix(self._settings.prefix)
                    for record in records:
                        self._handle(topic, record.key, record.value, wanted)
                if self._news:
                    await self._write(wanted)
                if not self._news:  # a restart reads again what a platform does not have yet
                    await consumer.commit()
        finally:
            await consumer.stop()

    async def _fetch(self, consumer: AIOKafkaConsumer) -> Mapping[Any, Sequence[Any]]:
        """Return new records; none while very many items wait for a platform that does not answer."""
        if len(self._news) < _MOST_WAITING:
            found: Mapping[Any, Sequence[Any]] = await consumer.getmany(timeout_ms=int(_PAUSE_SECONDS * 1_000))
            return found
        await asyncio.sleep(_PAUSE_SECONDS)
        return {}

    def _wanting(self) -> Mapping[ProjectId, Connection]:
        """Return the connections with write-back enabled, by Assay's project."""
        every = self._connections.all()
        return {ProjectId(one.project): one for one in every if one.write_back and one.platform in WRITERS}

    def _handle(
        self, topic: str, key: bytes | None, value: bytes | None, wanted: Mapping[ProjectId, Connection]
    ) -> None:
        named, about = split_key(key or b":")
        project, item = ProjectId(named), ItemId(about)
        if project not in wanted or value is None:
            return
        said: Any = orjson.loads(value)
        if topic == CONSENSUS.name:
            self._news[project, item].consensus = said
        elif topic == REVIEW.name:
            self._news[project, item].wants_vote = True
        elif said["findings"]:
            source = said["annotation"].get("source") or {}
            found = [{"annotation": source.get("annotation"), **one} for one in said["findings"]]
            self._news[project, item].findings += found

    async def _write(self, wanted: Mapping[ProjectId, Connection]) -> None:
        news, self._news = self._news, defaultdict(ItemUpdate)
        for project, connection in wanted.items():
            mine = {item: one for (of, item), one in news.items() if of == project}
            if not mine:
                continue
            try:
                await self._write_to(connection, mine)
            except PlatformError as error:
                log.warning("writing_back_failed", connection=connection.name, error=str(error))
                for item, one in mine.items():  # retry later; newer results win
                    self._news.setdefault((project, item), one)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _write_to(self, connection: Connection, news: Mapping[ItemId, ItemUpdate]) -> None:
        held = PublishedIndex(self._engine, connection.name)
        setting = replace(setting_of(connection, self._connections), things_of=held.things_of)
        async with WRITERS[connection.platform](setting) as writer:
            for item, one in news.items():
                if await writer.write(item, one):
                    metrics.WRITTEN_BACK.labels(connection.name).inc()
