"""Throughput: the validator's whole job over a preloaded topic, beside peers and beside the floor."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition

from assay_schemas.topics import VALIDATED
from assay_services.engine.kafka import make_consumer
from assay_services.engine.settings import RuntimeSettings
from bench.ground import VERDICTS, Ground, expected_verdicts, preload, seeded_events, the_project
from bench.processes import MeasuredProcess
from bench.report import Sheet

_SAMPLE_SECONDS = 0.2
_QUIET_SECONDS = 2.0
_START_SECONDS = 30.0
_STARTS = 3
_SLOWEST_RATE = 500.0


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the job. `share` of the events is what a slow one gets; `judges` is False for the floor."""

    name: str
    module: str
    share: float = 1.0
    judges: bool = True
    extra: Mapping[str, str] = field(default_factory=dict)


CONTENDERS = (
    Contender("Assay validator, exactly once", "assay_services.validator"),
    Contender(
        "Quix Streams, at least once",
        "bench.peers.quix",
        share=0.5,
        extra={"BENCH_GUARANTEE": "at-least-once", "BENCH_COMMIT_SECONDS": "5"},
    ),
    Contender("Faust agent, at least once", "bench.peers.faust_agent", share=0.2),
    Contender("floor: fetch, parse, model, send", "bench.peers.floor", judges=False),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What one contender did. Seconds are from its first verdict on Kafka to its last.

    `before`: how many verdicts carry the first time; what they cost lies before it, so they are not counted.
    """

    contender: Contender
    events: int
    seconds: float
    cpu_seconds: float
    expected: Counter[str]
    found: Counter[str]
    before: int
    starts: int

    @property
    def rate(self) -> float:
        """Return events per second; of a run that did not end, those that were judged."""
        return self._judged / self.seconds

    @property
    def core_rate(self) -> float:
        """Return events per second of processor time."""
        return self._judged / self.cpu_seconds

    @property
    def _judged(self) -> float:
        return self.events * min(1.0, (self.found.total() - self.before) / self.expected.total())


def measure(ground: Ground, *, events: int) -> Sheet:
    """Run every contender, one after the other."""
    values = seeded_events(events)
    runs = [asyncio.run(_run(ground, one, values[: int(events * one.share)])) for one in CONTENDERS]
    return _sheet(runs)


async def _run(ground: Ground, contender: Contender, values: Sequence[bytes]) -> Run:
    settings = await ground.prepare(f"throughput.{contender.module}.")
    await preload(settings, values)
    expected = Counter({VALIDATED.name: len(values)})
    if contender.judges:
        expected = expected_verdicts(the_project(settings.models), values)
    for start in range(1, _STARTS + 1):
        with MeasuredProcess(contender.module, settings, **contender.extra) as process:
            samples = await _watch(settings, process, expected.total(), _START_SECONDS + len(values) / _SLOWEST_RATE)
        found, before, first, last = await _verdicts(settings)
        if found:
            moments, used = [moment for moment, _ in samples], [seconds for _, seconds in samples]
            cpu = float(np.interp(last, moments, used) - np.interp(first, moments, used))
            return Run(contender, len(values), max(last - first, 1e-3), max(cpu, 1e-3), expected, found, before, start)
    raise RuntimeError(f"{contender.name}: no verdict after {_STARTS} starts:\n{process.last_words()}")


async def _watch(
    settings: RuntimeSettings, process: MeasuredProcess, expected: int, limit_seconds: float
) -> list[tuple[float, float]]:
    """Note the processor time now and then until all verdicts are there and nothing more comes."""
    consumer = make_consumer(settings)
    tps = _partitions(settings)
    consumer.assign(tps)
    await consumer.start()
    samples: list[tuple[float, float]] = []
    began = changed = time.monotonic()
    last = 0
    try:
        while time.monotonic() < began + (limit_seconds if last else _START_SECONDS):
            process.check()
            samples.append((time.time(), process.cpu_seconds()))
            there = sum((await consumer.end_offsets(tps)).values())
            if there != last:
                last, changed = there, time.monotonic()
            if there >= expected and time.monotonic() - changed > _QUIET_SECONDS:
                break
            await asyncio.sleep(_SAMPLE_SECONDS)
    finally:
        await consumer.stop()
    return samples


async def _verdicts(settings: RuntimeSettings) -> tuple[Counter[str], int, float, float]:
    """Count the verdicts by topic; return also how many have the first time, the first and the last (s since 1970)."""
    consumer: AIOKafkaConsumer = make_consumer(settings, fetch_max_wait_ms=20)
    tps = _partitions(settings)
    consumer.assign(tps)
    await consumer.start()
    found, moments = Counter[str](), Counter[int]()
    try:
        ends = await consumer.end_offsets(tps)
        await consumer.seek_to_beginning(*tps)
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for tp, records in (await consumer.getmany(timeout_ms=200, max_records=10_000)).items():
                found[tp.topic.removeprefix(settings.prefix)] += len(records)
                moments.update(record.timestamp for record in records)
    finally:
        await consumer.stop()
    first, last = min(moments, default=0), max(moments, default=0)
    return found, moments[first], first / 1_000, last / 1_000


def _partitions(settings: RuntimeSettings) -> list[TopicPartition]:
    numbers = range(settings.partitions)
    return [TopicPartition(settings.prefix + topic.name, number) for topic in VERDICTS for number in numbers]


def _sheet(runs: Sequence[Run]) -> Sheet:
    ours, floor = runs[0], runs[-1]
    rows = [
        (
            run.contender.name,
            f"{run.events:,}",
            f"{run.rate:,.0f}",
            f"{run.core_rate:,.0f}",
            f"{ours.rate / run.rate:.2f}",
            f"{ours.core_rate / run.core_rate:.2f}",
            f"{run.rate / floor.rate:.0%}",
            _agreement(run),
        )
        for run in runs
    ]
    columns = (
        "one process", "events", "events/s", "events/CPU s", "ours / this", "… per CPU s", "share of the floor",
        "verdicts",
    )  # fmt: skip
    notes = (
        "Time runs from the first to the last verdict by the broker's time. Those of the first moment do not count.",
        "The peers call the same core with one event at a time. Their state is in memory and lost with the process.",
        "Assay's state is on Kafka, written in the same transaction as the verdicts.",
        "The floor is a lower bound of the work: it scores each new item once and validates nothing.",
        "'verdicts': the verdicts on Kafka, compared with the same events validated in this process.",
        f"'start 2': the first process had written nothing after {_START_SECONDS:g} s.",
    )
    return Sheet("Validator: throughput", columns, rows, notes)


def _agreement(run: Run) -> str:
    same = run.found == run.expected
    count = f"{run.found.total():,} ✓" if same else f"{run.found.total():,}, not {run.expected.total():,} ✗"
    return count if run.starts == 1 else f"{count} (start {run.starts})"
