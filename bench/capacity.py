"""Capacity: what an open item weighs, how fast a worker is up, how long its state takes to read."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from assay_schemas.topics import VALIDATOR_STATE
from assay_services.engine.core.core_api import Output
from assay_services.engine.kafka import make_producer, send_all
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import ENTRY_PREFIX
from bench.ground import PARTITIONS, Ground
from bench.large_state import items, make_templates
from bench.processes import ROOT, MeasuredProcess, environment_of
from bench.report import Sheet

_CHUNK = 20_000
_START_SECONDS = 60.0
_LIMIT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Load:
    """How many items are held, how many records restored, how often a worker is started."""

    items: int = 200_000
    records: int = 1_000_000
    starts: int = 3


def measure(ground: Ground, load: Load) -> Sheet:
    """Measure all three."""
    settings = asyncio.run(ground.prepare("capacity."))
    stored = make_templates(settings)
    held = _held_by_a_process(settings, str(load.items))
    starts = sorted(_seconds_to_ready(settings) for _ in range(load.starts))
    written = asyncio.run(_write_state(settings, stored, load.records))
    restored = _held_by_a_process(settings, "0", "restore")
    per_second = restored["keys"] / restored["seconds"]
    rows = (
        ("memory per open item, in a PartitionState", f"{held['bytes_per_item']:,.0f} bytes", f"{load.items:,} items"),
        ("the same item on the state topic", f"{held['stored_bytes']:,.0f} bytes", "value alone, mean"),
        (
            "worker start, from process to last partition ready",
            f"{statistics.median(starts):.2f} s",
            f"median of {load.starts}: {starts[0]:.2f} to {starts[-1]:.2f} s; {PARTITIONS} partitions, no state",
        ),
        (
            "restoring one partition's state from Kafka",
            f"{restored['seconds']:.2f} s",
            f"{restored['keys']:,.0f} records, {per_second:,.0f}/s, {restored['bytes_per_item']:,.0f} bytes each",
        ),
        ("writing that state topic", f"{written:.2f} s", "`send_all`, without transactions"),
    )
    notes = (
        "Items are copies of the validator's state after 6,000 events of the demo, each under its own key.",
        "Memory is the growth of the resident set of a separate process. 'Ready' is the log event `partition_ready`.",
    )
    return Sheet("Capacity of one worker", ("what", "measured", "conditions"), rows, notes)


def _held_by_a_process(settings: RuntimeSettings, *arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.large_state", *arguments],
        env=environment_of(settings),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=_LIMIT_SECONDS,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _seconds_to_ready(settings: RuntimeSettings) -> float:
    """Start a worker; return the seconds until its log says that the last partition is ready."""
    began = time.time()
    with MeasuredProcess("assay_services.validator", settings) as process:
        while time.time() - began < _START_SECONDS:
            process.check()
            moments = list(_ready_moments(process.log.read_text()))
            if len(moments) == PARTITIONS:
                return max(moments) - began
            time.sleep(0.1)
    raise RuntimeError(f"the worker was not ready in {_START_SECONDS} s")


def _ready_moments(log: str) -> Iterator[float]:
    """Yield when partitions became ready (s since 1970), by the worker's own clock: looking costs it nothing."""
    for line in log.splitlines(keepends=True):  # Faust may have put a terminal's control characters before one
        if '"partition_ready"' in line and line.endswith("\n"):
            yield datetime.fromisoformat(json.loads(line[line.index("{") :])["timestamp"]).timestamp()


async def _write_state(settings: RuntimeSettings, stored: list[bytes], count: int) -> float:
    """Put so many items on partition 0 of the state topic; return the seconds it took."""
    producer, rows = make_producer(settings), items(stored, count)
    topic = settings.prefix + VALIDATOR_STATE.name
    await producer.start()
    began = time.perf_counter()
    try:
        while chunk := list(islice(rows, _CHUNK)):
            records = [Output(topic, ENTRY_PREFIX + key, value, []) for key, value in chunk]
            await asyncio.gather(*await send_all(producer, 0, records))
        return time.perf_counter() - began
    finally:
        await producer.stop()
