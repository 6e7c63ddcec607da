"""Archives are killed, and their database goes away, while annotations flow; then rows equal records, one for one."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from assay_schemas.json_data import Json
from assay_schemas.topics import CONSENSUS, REJECTED, REVIEW, VALIDATED
from assay_services.archive.settings import ArchiveSettings
from assay_services.engine.core.core_api import Headers
from assay_services.engine.kafka import make_producer, send_all
from assay_services.engine.topic_admin import ensure_topics
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.archive.schema_upgrade import upgrade
from bench.chaos import Workers
from tests.services.archive.records import verdict_value
from tests.services.archive.test_store import CONSENSUS_VALUE, REVIEW_VALUE
from tests.support.builders import an_item
from tests.support.kafka_io import take, until
from tests.support.postgres import LocalPostgres

EVENTS = 24_000
KILLS = 4
CHUNK = 600
PATIENCE_SECONDS = 400

Record = tuple[str, bytes, bytes | None, Headers]


def flow(count: int, rng: random.Random) -> Iterator[Record]:
    """Yield verdicts, consensus and reviews as they would come, some of them broken."""
    for number in range(count):
        item = f"i-{rng.randrange(count // 3)}"
        key = f"ads-safety:{item}".encode()
        value = verdict_value(
            id=f"an-{number}", annotator={"id": f"a{number % 40}"}, item=an_item(id=item, text=f"text {number}")
        )
        topic = REJECTED.name if number % 10 == 0 else VALIDATED.name
        yield topic, key, b"no verdict" if number % 997 == 0 else value, []
        if number % 3 == 0:
            yield CONSENSUS.name, key, orjson.dumps(CONSENSUS_VALUE | {"item": item, "votes": number}), []
        if number % 7 == 0:
            gone = rng.random() < 0.4
            yield REVIEW.name, key, None if gone else orjson.dumps(REVIEW_VALUE | {"item": item, "votes": number}), []


async def publish(settings: ArchiveSettings, rng: random.Random) -> None:
    """Send all of it, to the partition of each item, over some ten seconds."""
    producer = make_producer(settings)
    await producer.start()
    waiting: dict[int, list[Record]] = {number: [] for number in range(settings.partitions)}
    for sent, record in enumerate(flow(EVENTS, rng), 1):
        topic, key, value, headers = record
        waiting[sum(key) % settings.partitions].append((settings.prefix + topic, key, value, headers))
        if sent % CHUNK == 0:
            await _flush(producer, waiting)
            await asyncio.sleep(0.15)  # the pace of the events, not a wait for something
    await _flush(producer, waiting)
    await producer.stop()


async def _flush(producer: Json, waiting: dict[int, list[Record]]) -> None:
    for number, some in waiting.items():
        await asyncio.gather(*await send_all(producer, number, some))
        some.clear()


async def disturb(
    settings: ArchiveSettings, workers: Workers, rng: random.Random, server: LocalPostgres | None
) -> None:
    sending = asyncio.create_task(publish(settings, rng))
    for number in range(KILLS):
        await asyncio.sleep(rng.uniform(0.5, 2.5))  # when the blow falls is chance
        workers.kill(rng)
        if number == 1 and server is not None:
            await asyncio.to_thread(server.stop, "immediate")
            await until(lambda: "database_is_away" in log_of(settings).read_text())
            await asyncio.to_thread(server.start)
    await sending


async def until_all_archived(settings: ArchiveSettings, engine: Engine, workers: Workers) -> dict[str, list[Any]]:
    names = (VALIDATED.name, REJECTED.name, CONSENSUS.name, REVIEW.name)
    topics = {name: await take(settings, name) for name in names}
    total = sum(len(records) for records in topics.values())
    for _ in range(PATIENCE_SECONDS * 2):
        workers.replace_ended()
        with engine.connect() as connection:
            if (connection.execute(text("SELECT sum(records) FROM offsets")).scalar() or 0) >= total:
                return topics
        await asyncio.sleep(0.5)
    raise TimeoutError(f"{total} records were not archived in time")


def log_of(settings: ArchiveSettings) -> Path:
    return settings.folder / "archives.log"


def rows(engine: Engine, query: str) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(text(query)).all()


def readable(records: Sequence[Any]) -> list[Any]:
    return [record for record in records if record.value is not None and record.value.startswith(b"{")]


def from_topics(topics: dict[str, list[Any]]) -> set[Any]:
    """Return what the table of annotations must hold."""
    found = set()
    for name in (VALIDATED.name, REJECTED.name):
        for record in readable(topics[name]):
            said = orjson.loads(record.value)["annotation"]
            place = (name.removeprefix("annotations."), record.partition, record.offset)
            about = (said["item"]["id"], said["annotator"]["id"], said["label"])
            found.add((*place, said["id"], *about, datetime.fromisoformat(said["occurred_at"])))
    return found


def from_table(engine: Engine) -> list[Any]:
    query = "SELECT verdict, kafka_partition, kafka_offset, id, item, annotator, label, occurred_at FROM annotations"
    return [(*row[:-1], as_time(row[-1])) for row in rows(engine, query)]


def _place(record: Any) -> tuple[str, int, int]:  # noqa: ANN401  # aiokafka's own record
    return record.topic, record.partition, record.offset


def as_time(value: datetime | str) -> datetime:
    return datetime.fromisoformat(f"{value}+00:00") if isinstance(value, str) else value


def newest(records: Sequence[Any]) -> dict[str, int]:
    found: dict[bytes, bytes | None] = {}
    for record in records:
        found[record.key] = record.value
    return {key.decode(): orjson.loads(value)["votes"] for key, value in found.items() if value is not None}


def test_rows_equal_records_after_kills_and_a_database_restart(
    archive_settings: ArchiveSettings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, url = archive_settings, archive_settings.database_url
    rng = random.Random(13)
    monkeypatch.setenv("ASSAY_DATABASE", url)
    monkeypatch.setenv("ASSAY_PREFIX", settings.prefix)
    monkeypatch.setenv("ASSAY_ARCHIVE_BATCH", "300")
    server = request.getfixturevalue("postgres") if url.startswith("postgresql") else None
    engine = open_engine(url)
    upgrade(engine)
    asyncio.run(ensure_topics(settings))
    workers = Workers(settings, log_of(settings))

    try:
        for _ in range(2):
            workers.start("assay_services.archive")
        asyncio.run(disturb(settings, workers, rng, server))
        topics = asyncio.run(until_all_archived(settings, engine, workers))
    finally:
        workers.stop()

    found = from_table(engine)
    assert len(found) == len(set(found))
    assert set(found) == from_topics(topics)
    assert dict(rows(engine, "SELECT project || ':' || item, votes FROM consensus")) == newest(topics[CONSENSUS.name])
    assert dict(rows(engine, "SELECT project || ':' || item, votes FROM reviews")) == newest(topics[REVIEW.name])
    broken = [one for name in (VALIDATED.name, REJECTED.name) for one in topics[name] if one.value == b"no verdict"]
    unreadable = rows(engine, "SELECT topic, kafka_partition, kafka_offset FROM unreadable")
    assert sorted((settings.prefix + topic, *rest) for topic, *rest in unreadable) == sorted(map(_place, broken))
    assert server is None or "database_is_away" in log_of(settings).read_text()
    engine.dispose()
