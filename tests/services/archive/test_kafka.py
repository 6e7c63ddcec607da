"""The archive on a real Kafka, into SQLite and into a real PostgreSQL."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Engine, text

from assay_schemas.topics import VALIDATED
from assay_services.archive.consumer import ArchiveConsumer
from assay_services.archive.settings import ArchiveSettings
from assay_services.audit.archive import audit_archive
from assay_services.engine.core.core_api import Headers
from assay_services.engine.kafka import make_producer, send_all
from assay_services.engine.topic_admin import ensure_topics
from assay_services.stores.archive.engine import open_engine
from tests.services.archive.records import verdict_value
from tests.support.kafka_io import until


@asynccontextmanager
async def archiving(settings: ArchiveSettings) -> AsyncIterator[ArchiveConsumer]:
    archivist = ArchiveConsumer(settings)
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


def test_a_record_that_the_database_refuses_is_kept_apart_and_its_neighbours_are_archived(
    archive_settings: ArchiveSettings,
) -> None:
    rng = random.Random(3)
    # Letters of four bytes, too many for an index of PostgreSQL; SQLite takes them.
    huge = "".join(chr(rng.randrange(0x20000, 0x2A000)) for _ in range(256))
    values = [verdict_value(id=f"an-{number}") for number in range(9)]
    values[4] = verdict_value(id=huge, item={"id": huge}, annotator={"id": huge}, project=huge)

    async def run() -> tuple[int, int]:
        await ensure_topics(archive_settings)
        await publish(archive_settings, VALIDATED.name, *values)
        engine = open_engine(archive_settings.database_url)
        async with archiving(archive_settings) as archivist:
            await until(lambda: archivist.is_ready)
            await until(lambda: rows(engine, "SELECT max(position) FROM offsets")[0][0] == len(values))
        found = count(engine, "annotations"), count(engine, "unreadable")
        engine.dispose()
        return found

    annotations, unreadable = asyncio.run(run())

    assert annotations + unreadable == len(values)
    assert annotations >= len(values) - 1
    assert unreadable == (1 if archive_settings.database_url.startswith("postgresql") else 0)


def test_the_ledger_names_what_is_missing(archive_settings: ArchiveSettings) -> None:
    async def run() -> tuple[list[str], list[str]]:
        await ensure_topics(archive_settings)
        await publish(archive_settings, VALIDATED.name, *(verdict_value(id=f"an-{number}") for number in range(5)))
        engine = open_engine(archive_settings.database_url)
        async with archiving(archive_settings) as archivist:
            await until(lambda: archivist.is_ready)
            await until(lambda: count(engine, "annotations") == 5)
        well = [problem for one in await audit_archive(archive_settings, engine) for problem in one.problems]
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM annotations WHERE kafka_offset = 3"))
        ill = [problem for one in await audit_archive(archive_settings, engine) for problem in one.problems]
        engine.dispose()
        return well, ill

    well, ill = asyncio.run(run())

    assert well == []
    assert ill == ["5 records were taken in, 4 rows are there", "1 records have no row: 0/3"]
