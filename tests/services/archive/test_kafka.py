"""The archive on a real Kafka, into SQLite and into a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Engine, text

from services.archive.archivist import Archivist
from services.archive.engine import open_engine
from services.archive.settings import ArchiveSettings
from services.runtime.kafka import make_producer, send_all
from services.runtime.step import Headers
from services.runtime.topics import VALIDATED, ensure_topics
from tests.services.archive.records import verdict_value
from tests.services.kafka_io import until


@asynccontextmanager
async def archiving(settings: ArchiveSettings) -> AsyncIterator[Archivist]:
    archivist = Archivist(settings)
    await archivist.start()
    try:
        yield archivist
    finally:
        await archivist.stop()


async def publish(settings: ArchiveSettings, topic: str, *values: bytes, partition: int = 0) -> None:
    producer = make_producer(settings)
    await producer.start()
    none: Headers = []
    rows = [(settings.prefix + topic, b"ads-safety:i-204", value, none) for value in values]
    await asyncio.gather(*await send_all(producer, partition, rows))
    await producer.stop()


def rows(engine: Engine, query: str) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(text(query)).all()


def count(engine: Engine, table: str) -> int:
    return int(rows(engine, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608  # our own names


def test_what_comes_is_archived_and_a_restart_goes_on_after_it(archive_settings: ArchiveSettings) -> None:
    async def run() -> list[str]:
        await ensure_topics(archive_settings)
        engine = open_engine(archive_settings.database_url)
        for number in range(2):
            await publish(archive_settings, VALIDATED.name, verdict_value(id=f"an-{number}"), b"no verdict")
            async with archiving(archive_settings) as archivist:
                await until(lambda: archivist.is_ready)
                await until(lambda number=number: count(engine, "unreadable") == number + 1)  # type: ignore[misc]
        found = [one.id for one in rows(engine, "SELECT id FROM annotations ORDER BY kafka_offset")]
        engine.dispose()
        return found

    assert asyncio.run(run()) == ["an-0", "an-1"]
