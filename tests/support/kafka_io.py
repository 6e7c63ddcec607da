"""Put records on topics and read them back, with the real clients."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mode import Service

from assay_schemas.topics import ANNOTATIONS, SINGLE, VALIDATOR_STATE
from assay_services.audit.topics import audit
from assay_services.engine.core.core_api import Core, Headers
from assay_services.engine.core.record_project import project_at
from assay_services.engine.core.state import PartitionState
from assay_services.engine.kafka import make_producer, partition_reader, send_all
from assay_services.engine.lane import Lane, LaneCore
from assay_services.engine.lane_partition import LaneTopics
from assay_services.engine.settings import RuntimeSettings

PATIENCE_SECONDS = 180


async def put(settings: RuntimeSettings, *values: bytes | None, partition: int = 0, key: bytes | None = b"k") -> None:
    producer = make_producer(settings)
    await producer.start()
    rows: list[tuple[str, bytes | None, bytes | None, Headers]] = [
        (settings.prefix + ANNOTATIONS.name, key, value, []) for value in values
    ]
    await asyncio.gather(*await send_all(producer, partition, rows))
    await producer.stop()


async def take(settings: RuntimeSettings, topic: str) -> list[Any]:
    """Return all committed records of a topic, partition by partition."""
    found: list[Any] = []
    for number in range(1 if topic in SINGLE else settings.partitions):
        async with partition_reader(settings, topic, number) as reader:
            found += [record async for batch in reader.batches() for record in batch]
    return found


@asynccontextmanager
async def running(settings: RuntimeSettings, core: Callable[[int, PartitionState], Core]) -> AsyncIterator[Lane]:
    lane = a_lane(settings, core)
    await lane.start()
    try:
        yield lane
    finally:
        await lane.stop()


def a_lane(settings: RuntimeSettings, core: Callable[[int, PartitionState], Core]) -> Lane:
    topics = LaneTopics(ANNOTATIONS.name, VALIDATOR_STATE.name)
    made = LaneCore(lambda number, state, _: core(number, state), {}, project_at("project"))
    return Lane(made, service="validator", topics=topics, settings=settings)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that aiokafka tells nobody of."""
    for _ in range(PATIENCE_SECONDS * 10):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("it did not come about")


async def until_some(settings: RuntimeSettings, topic: str) -> list[Any]:
    """Wait until something lies on a topic; return all of it."""
    for _ in range(PATIENCE_SECONDS * 5):
        if found := await take(settings, topic):
            return found
        await asyncio.sleep(0.2)
    raise TimeoutError(f"nothing came to {topic}")


async def until_records(settings: RuntimeSettings, topic: str, count: int) -> None:
    """Wait until a topic has at least so many records."""
    for _ in range(PATIENCE_SECONDS * 5):
        if len(await take(settings, topic)) >= count:
            return
        await asyncio.sleep(0.2)
    raise TimeoutError(f"{topic} has fewer than {count} records")


async def until_all_judged(settings: RuntimeSettings, *running: Service) -> None:
    """Wait until no record waits, or one of the services has crashed."""
    for _ in range(PATIENCE_SECONDS * 5):
        if any(service.crashed for service in running):
            return
        if not any(one.waiting for one in await audit(settings)):
            return
        await asyncio.sleep(0.2)
    raise TimeoutError("records are still waiting")


def values(records: Sequence[Any]) -> list[bytes]:
    return [record.value for record in records]
