"""Latency: from just before the producer takes an event until a consumer has its verdict."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from assay_schemas.topics import ANNOTATIONS
from assay_services.demo.simulator import Simulator
from assay_services.engine.garbage import tame_garbage_collector
from assay_services.engine.kafka import make_consumer, make_producer
from assay_services.engine.settings import RuntimeSettings
from assay_services.ingest.input_record import key_of
from bench.ground import VERDICTS, Ground, events_of
from bench.processes import MeasuredProcess
from bench.report import Sheet

_SEED = 11
_START_SECONDS = 60.0
_DRAIN_SECONDS = 10.0
_ON_TIME_SHARE = 0.98
_QUIX_COMMIT_SECONDS = "0.05"


@dataclass(frozen=True, slots=True)
class Contender:
    """One way from `annotations` to a verdict."""

    name: str
    module: str
    extra: Mapping[str, str] = field(default_factory=dict)


CONTENDERS = (
    Contender("Assay validator, exactly once", "assay_services.validator"),
    Contender(
        f"Quix Streams, exactly once, commit every {_QUIX_COMMIT_SECONDS} s",
        "bench.peers.quix",
        extra={"BENCH_GUARANTEE": "exactly-once", "BENCH_COMMIT_SECONDS": _QUIX_COMMIT_SECONDS},
    ),
    Contender("floor: aiokafka forwards, no transaction", "bench.peers.forwarder"),
)


@dataclass(frozen=True, slots=True)
class Load:
    """How fast and how long."""

    rates: Sequence[int] = (500, 2_000, 8_000)
    warm_up_seconds: float = 3.0
    seconds: float = 10.0


_WARM_UP = Load(rates=(2_000,), warm_up_seconds=5.0, seconds=20.0)


class Reading(NamedTuple):
    """What one contender did at one rate. `missing_share` of the events had no verdict in time."""

    contender: str
    rate: int
    p50_ms: float
    p99_ms: float
    missing_share: float
    sent_rate: float


class _Watch:
    """The events under way, and how long those took that are back."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, float] = {}
        self.latencies: list[float] = []

    @property
    def open_count(self) -> int:
        return len(self._under_way)

    def begin(self) -> None:
        self._under_way.clear()
        self.latencies.clear()

    def leaves(self, mark: bytes) -> None:
        self._under_way[mark] = time.perf_counter()

    async def follow(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            fetched = await consumer.getmany(timeout_ms=200)
            now = time.perf_counter()
            for records in fetched.values():
                for record in records:
                    left = self._under_way.pop(_mark_of(record), None)
                    if left is not None:
                        self.latencies.append(now - left)


def measure(ground: Ground, load: Load) -> Sheet:
    """Measure every contender at every rate, one after the other."""
    tame_garbage_collector()
    # A Java broker is five times slower in its first half minute; whoever came first would pay for it.
    asyncio.run(_measure(ground, CONTENDERS[0], _WARM_UP))
    return _sheet([one for contender in CONTENDERS for one in asyncio.run(_measure(ground, contender, load))], load)


async def _measure(ground: Ground, contender: Contender, load: Load) -> list[Reading]:
    settings, simulator = await ground.prepare(f"latency.{contender.module}."), Simulator(_SEED)
    seen: set[bytes] = set()
    found = []
    with MeasuredProcess(contender.module, settings, **contender.extra) as process:
        async with _clients(settings) as (producer, watch):
            await _until_up(process, producer, watch, settings)
            for rate in load.rates:
                events = _marked(simulator, int(rate * (load.warm_up_seconds + load.seconds)), seen)
                found.append(await _measure_rate(contender.name, rate, events, load, settings, producer, watch))
                process.check()
    return found


@asynccontextmanager
async def _clients(settings: RuntimeSettings) -> AsyncIterator[tuple[AIOKafkaProducer, _Watch]]:
    consumer = make_consumer(settings, *(topic.name for topic in VERDICTS))
    producer, watch = make_producer(settings), _Watch()
    await consumer.start()
    await producer.start()
    following = asyncio.create_task(watch.follow(consumer))
    try:
        yield producer, watch
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await producer.stop()
        await consumer.stop()


async def _until_up(
    process: MeasuredProcess, producer: AIOKafkaProducer, watch: _Watch, settings: RuntimeSettings
) -> None:
    """Send bytes that are no annotation to every partition until each comes back as a dead letter."""
    deadline = time.monotonic() + _START_SECONDS
    waiting = set(range(settings.partitions))
    topic = settings.prefix + ANNOTATIONS.name
    while waiting and time.monotonic() < deadline:
        process.check()
        for number in tuple(waiting):
            watch.begin()
            mark = b"up-%d-%f" % (number, time.time())
            watch.leaves(mark)
            await producer.send(topic, b"?", headers=[("ce_id", mark)], partition=number)
            await asyncio.sleep(0.5)
            if watch.latencies:
                waiting.discard(number)
    if waiting:
        raise RuntimeError(f"no verdict from partitions {sorted(waiting)} in {_START_SECONDS} s; see {process.log}")


def _marked(simulator: Simulator, count: int, seen: set[bytes]) -> list[tuple[bytes, bytes]]:
    """Return (id, event); what has been seen is left out: a repeated event has no verdict of its own."""
    found: list[tuple[bytes, bytes]] = []
    while len(found) < count:
        for event in events_of(simulator, count - len(found)):
            mark = _id_of(event) or b"torn-%d" % len(seen)
            if mark not in seen:
                seen.add(mark)
                found.append((mark, event))
    return found


async def _measure_rate(
    name: str,
    rate: int,
    events: Sequence[tuple[bytes, bytes]],
    load: Load,
    settings: RuntimeSettings,
    producer: AIOKafkaProducer,
    watch: _Watch,
) -> Reading:
    warm = int(rate * load.warm_up_seconds)
    topic = settings.prefix + ANNOTATIONS.name
    watch.begin()
    await _send(producer, topic, events[:warm], rate, watch)
    watch.latencies.clear()
    early = watch.open_count
    began = time.perf_counter()
    await _send(producer, topic, events[warm:], rate, watch)
    sent_rate = (len(events) - warm) / (time.perf_counter() - began)
    deadline = time.monotonic() + _DRAIN_SECONDS
    while watch.open_count and time.monotonic() < deadline:  # noqa: ASYNC110  # a tenth of a second is exact enough
        await asyncio.sleep(0.1)
    missing = watch.open_count / (len(events) - warm + early)
    p50, p99 = np.percentile(watch.latencies or [_DRAIN_SECONDS], [50, 99]) * 1_000
    return Reading(name, rate, float(p50), float(p99), missing, sent_rate)


async def _send(
    producer: AIOKafkaProducer, topic: str, events: Sequence[tuple[bytes, bytes]], rate: int, watch: _Watch
) -> None:
    """Send every event when it is due."""
    began = time.perf_counter()
    for number, (mark, event) in enumerate(events):
        wait = began + number / rate - time.perf_counter()
        if wait > 0 or number % 50 == 0:
            await asyncio.sleep(max(wait, 0))
        key = key_of(event)
        watch.leaves(mark)
        await producer.send(topic, event, key=key, headers=[("ce_id", mark)])


def _mark_of(record: Any) -> bytes:  # noqa: ANN401  # aiokafka's own record
    return next((value for name, value in record.headers if name == "ce_id"), b"")


def _id_of(event: bytes) -> bytes | None:
    try:
        return str(orjson.loads(event)["id"]).encode()
    except orjson.JSONDecodeError:
        return None


def _sheet(readings: Sequence[Reading], load: Load) -> Sheet:
    floors = {one.rate: one for one in readings if one.contender == CONTENDERS[-1].name}
    rows = []
    for one in sorted(readings, key=lambda reading: reading.rate):
        floor = floors[one.rate]
        late = "" if one.sent_rate >= one.rate * _ON_TIME_SHARE else f"sender only {one.sent_rate:,.0f}/s"
        missing = f"{one.missing_share:.0%} not back" if one.missing_share else ""
        rows.append(
            (
                one.contender,
                f"{one.rate:,}",
                f"{one.p50_ms:.1f}",
                f"{one.p99_ms:.1f}",
                f"{one.p50_ms / floor.p50_ms:.1f}",
                f"{one.p99_ms / floor.p99_ms:.1f}",
                "; ".join(filter(None, (late, missing))) or "✓",
            )
        )
    notes = (
        f"{load.seconds:g} s after {load.warm_up_seconds:g} s of warm-up; p50 and p99 in ms.",
        "Sender and read_committed consumer share one further process.",
        "The floor validates nothing and has no transaction. Quix Streams calls the same core, its state in memory.",
        f"'not back': no verdict {_DRAIN_SECONDS:g} s after the last event was sent.",
    )
    columns = ("from producer to verdict", "events/s", "p50", "p99", "p50 / floor", "p99 / floor", "kept up")
    return Sheet("Validator: latency", columns, rows, notes)
