"""The consensus: annotations per second through Kafka, latency, memory and restoring."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import orjson
from aiokafka import AIOKafkaConsumer

from assay_schemas.topics import CONSENSUS, VALIDATED
from assay_services.demo.simulator import LABELS, Simulator
from assay_services.engine.core.core_api import Output
from assay_services.engine.kafka import make_consumer, make_producer, send_all
from assay_services.engine.settings import RuntimeSettings
from assay_services.ingest.importer import send_records
from assay_services.ingest.input_record import InputRecord, key_of
from bench.ground import Ground, events_of, judge_all, seeded_events, the_project
from bench.processes import ROOT, MeasuredProcess
from bench.report import Sheet, at_least, at_most

_PATIENCE_SECONDS = 120
_LATEST_SECONDS = 10
_TARGET_PER_SECOND = 20_000
_TARGET_P99_MS, _TARGET_RATE = 150, 2_000
_TARGET_BYTES_PER_ITEM = 1_500
_TARGET_RESTORE_SECONDS = 30
_READING_SECONDS = 3.25  # reading 1,000,000 records of state, as measured under capacity
_SEED = 23
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Load:
    """How many annotations are absorbed, and at which rates, how long each, the way to the consensus is timed."""

    annotations: int = 400_000
    items: int = 200_000
    rates: tuple[int, ...] = (500, 2_000)
    warm_up_seconds: float = 20.0
    seconds: float = 20.0


def measure(ground: Ground, load: Load) -> Sheet:
    """Measure both, one after the other."""
    ours = asyncio.run(_throughput(ground, load, "assay_services.consensus"))
    floor = asyncio.run(_throughput(ground, load, "bench.peers.passthrough"))
    ways = asyncio.run(_latency(ground, load))
    held = _held(ground, load.items)
    rows = [
        (
            "annotations/s, one process, all outputs on",
            f"{ours.rate:,.0f}",
            f"at least {_TARGET_PER_SECOND:,}",
            at_least(ours.rate, _TARGET_PER_SECOND),
        ),
        ("annotations per CPU second", f"{ours.core_rate:,.0f}", "", ""),
        ("… of the floor: fetch, parse, send, no transaction", f"{floor.core_rate:,.0f}", "", ""),
        ("… ours as a share of the floor", f"{ours.core_rate / floor.core_rate:.0%}", "", ""),
        *(row for way in ways for row in way.rows()),
        (
            f"memory per open item, {load.items:,} of them",
            f"{held['bytes_per_item']:,.0f} bytes",
            f"at most {_TARGET_BYTES_PER_ITEM:,} bytes",
            at_most(held["bytes_per_item"], _TARGET_BYTES_PER_ITEM),
        ),
        (
            "restoring 1,000,000 open items from the state",
            f"{held['seconds_per_million']:.1f} s",
            f"at most {_TARGET_RESTORE_SECONDS} s with reading",
            at_most(held["seconds_per_million"] + _READING_SECONDS, _TARGET_RESTORE_SECONDS),
        ),
    ]
    notes = (
        f"{load.annotations:,} validated annotations of the demo were on the topic before the process started.",
        "Import to consensus includes the validator. Sender and reader share one further process.",
        "Reading 1,000,000 records of state from Kafka is measured under capacity and counts towards the target, too.",
        f"Each rate is timed for {load.seconds:g} s, after {load.warm_up_seconds:g} s of warm-up that all came back.",
    )
    return Sheet(
        "Consensus: throughput and latency through Kafka", ("what", "measured", "target", "result"), rows, notes
    )


def _held(ground: Ground, count: int) -> dict[str, float]:
    command, file = [sys.executable, "-m", "bench.open_items"], str(ground.folder / "open-items.hex")
    subprocess.run([*command, "templates", file], cwd=ROOT, check=True)
    found: dict[str, float] = json.loads(subprocess.check_output([*command, str(count), file], cwd=ROOT))
    return found


class Speed(NamedTuple):
    """Annotations a second: of the clock, and of the process's own processor time."""

    rate: float
    core_rate: float


async def _throughput(ground: Ground, load: Load, module: str) -> Speed:
    settings = await ground.prepare(f"consensus.{module}.")
    sent = await _preload(ground, settings, load.annotations)
    with MeasuredProcess(module, settings) as process:
        first = await _until_absorbed(process, 1)
        before, cpu = first, process.cpu_seconds()
        began = time.monotonic()
        await _until_absorbed(process, sent)
        seconds, used = time.monotonic() - began, process.cpu_seconds() - cpu
    return Speed((sent - before) / seconds, (sent - before) / used)


async def _preload(ground: Ground, settings: RuntimeSettings, count: int) -> int:
    """Put validated annotations on their topic, each item on a partition of its own; return how many."""
    validated: list[Output] = []

    def keep(output: Output) -> None:
        if output.topic == VALIDATED.name:
            validated.append(output)

    judge_all(the_project(ground.settings("").models), seeded_events(count), keep)
    by_partition: defaultdict[int, list[Output]] = defaultdict(list)
    for output in validated:
        by_partition[hash(output.key) % settings.partitions].append(output)
    producer = make_producer(settings)
    await producer.start()
    for number, outputs in by_partition.items():
        for start in range(0, len(outputs), _CHUNK):
            rows = [(settings.prefix + one.topic, *one[1:]) for one in outputs[start : start + _CHUNK]]
            await asyncio.gather(*await send_all(producer, number, rows))
    await producer.stop()
    return len(validated)


async def _until_absorbed(process: MeasuredProcess, count: int) -> int:
    """Wait until so many annotations are part of the consensus; return how many are."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        process.check()
        absorbed = await asyncio.to_thread(process.events_in, "consensus")
        if absorbed >= count:
            return absorbed
        await asyncio.sleep(0.1)
    raise RuntimeError(f"the consensus took too long:\n{process.last_words()}")


class _Watch:
    """When each annotation of an item was sent, and how long it took until the consensus counted it."""

    def __init__(self) -> None:
        self.sent: defaultdict[bytes, list[float]] = defaultdict(list)
        self.back: Counter[bytes] = Counter()
        self.seconds: list[float] = []

    async def follow(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            fetched = await consumer.getmany(timeout_ms=200)
            now = time.perf_counter()
            for record in (record for records in fetched.values() for record in records):
                votes = 0 if record.value is None else orjson.loads(record.value)["votes"]
                times = self.sent.get(record.key, [])
                self.seconds += [now - moment for moment in times[self.back[record.key] : votes]]
                self.back[record.key] = max(votes, self.back[record.key])


class Way(NamedTuple):
    """Latency from import to consensus at one rate; `missing` is the share (0-1) without a consensus in time."""

    rate: int
    p50_ms: float
    p99_ms: float
    missing: float

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return the rows of the table: what, measured, target, result."""
        target = ("", "")
        if self.rate == _TARGET_RATE:
            target = (f"at most {_TARGET_P99_MS} ms", at_most(self.p99_ms, _TARGET_P99_MS))
        return [
            (f"import to consensus at {self.rate:,} events/s, p50", f"{self.p50_ms:.0f} ms", "", ""),
            (f"import to consensus at {self.rate:,} events/s, p99", f"{self.p99_ms:.0f} ms", *target),
            ("… without a consensus in time", f"{self.missing:.1%}", "0", at_most(self.missing, 0)),
        ]


async def _latency(ground: Ground, load: Load) -> list[Way]:
    settings, watch = await ground.prepare("consensus.latency."), _Watch()
    simulator, fastest = Simulator(_SEED), max(load.rates)
    consumer = make_consumer(settings, CONSENSUS.name)
    with (
        MeasuredProcess("assay_services.validator", settings) as validator,
        MeasuredProcess("assay_services.consensus", settings) as consensus,
    ):
        await consumer.start()
        following = asyncio.create_task(watch.follow(consumer))
        # What is still under way when the clock starts would be timed, too: a broker is slow in its first half minute.
        warm_up = _good_events(simulator, int(fastest * load.warm_up_seconds))
        await _timed(settings, watch, warm_up, fastest, _PATIENCE_SECONDS)
        ways = [
            await _timed(settings, watch, _good_events(simulator, int(rate * load.seconds)), rate, _LATEST_SECONDS)
            for rate in load.rates
        ]
        validator.check()
        consensus.check()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await consumer.stop()
    return ways


async def _timed(settings: RuntimeSettings, watch: _Watch, events: Sequence[bytes], rate: int, patience: float) -> Way:
    """Send these events at this rate, and wait until they are back, but no longer than that."""
    watch.seconds.clear()
    await _send(settings, events, rate, watch)
    deadline = time.monotonic() + patience
    while len(watch.seconds) < len(events) and time.monotonic() < deadline:  # noqa: ASYNC110  # exact enough
        await asyncio.sleep(0.1)
    p50, p99 = np.percentile(watch.seconds or [patience], [50, 99]) * 1_000
    return Way(rate, float(p50), float(p99), max(0.0, 1 - len(watch.seconds) / len(events)))


def _good_events(simulator: Simulator, count: int) -> list[bytes]:
    """Return events that will be validated, each once: the others have no consensus to wait for."""
    found: dict[str, bytes] = {}
    while len(found) < count:
        for event in events_of(simulator, count - len(found)):
            with suppress(orjson.JSONDecodeError):
                said: Any = orjson.loads(event)
                if said["label"] in LABELS:
                    found[said["id"]] = event
    return list(found.values())


async def _send(settings: RuntimeSettings, events: Sequence[bytes], rate: float, watch: _Watch) -> None:
    def records() -> Iterator[InputRecord]:
        for line, event in enumerate(events, 1):
            key = key_of(event)
            watch.sent[key or b""].append(time.perf_counter())
            yield InputRecord(line, key, _stamped(event))

    await send_records(records(), settings, bookmark=None, rate=rate, sent=lambda _: None)


def _stamped(event: bytes) -> bytes:
    """Return the event as made just now."""
    said = orjson.loads(event)
    return orjson.dumps(said | {"occurred_at": datetime.now(UTC).isoformat()})
