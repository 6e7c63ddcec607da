"""The archive: annotations per second from Kafka into SQLite and PostgreSQL, compared with SQLAlchemy's ORM."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from aiokafka.partitioner import DefaultPartitioner

from assay_schemas.topics import VALIDATED
from assay_services.engine.core.core_api import Output
from assay_services.engine.kafka import make_producer, send_all
from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.archive.schema_upgrade import upgrade
from assay_services.stores.archive.sql_query import run_query
from bench.ground import Ground, judge_all, seeded_events, the_project
from bench.processes import MeasuredProcess
from bench.report import Sheet, at_least
from tests.support.postgres import LocalPostgres, postgres_programs

_TARGET_PER_SECOND = 15_000
_START_SECONDS = 60.0
_SLOWEST_RATE = 200.0
_POLL_SECONDS = 0.1
_PEER_SHARE = 0.2
_TAKEN_IN = "SELECT sum(records) FROM offsets"


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do it, into one database."""

    name: str
    module: str
    database: str
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one contender did: from the first rows that could be seen to the last."""

    contender: Contender
    events: int
    rows: int
    rate: float


def measure(ground: Ground, *, events: int) -> Sheet:
    """Run every contender, one after the other."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="assay-bench-archive-")))
        server = stack.enter_context(LocalPostgres()) if postgres_programs() is not None else None
        outputs = _validated(ground, events)
        runs = [
            asyncio.run(_run(ground, one, outputs[: int(len(outputs) * one.share)], _url(one, folder, server)))
            for one in _contenders(server)
        ]
    return _sheet(runs)


def _contenders(server: LocalPostgres | None) -> Iterator[Contender]:
    for database in ("SQLite", "PostgreSQL"):
        if database == "SQLite" or server is not None:
            yield Contender("Assay archive", "assay_services.archive", database)
            yield Contender("SQLAlchemy ORM, add_all and merge", "bench.peers.orm_archive", database, _PEER_SHARE)


def _url(contender: Contender, folder: Path, server: LocalPostgres | None) -> str:
    name = contender.module.replace(".", "_")
    if contender.database == "SQLite" or server is None:
        return f"sqlite:///{folder / name}.db"
    return server.create(name)


def _validated(ground: Ground, count: int) -> list[Output]:
    outputs: list[Output] = []

    def take(output: Output) -> None:
        if output.topic == VALIDATED.name:
            outputs.append(output)

    judge_all(the_project(ground.folder / "models"), seeded_events(count), take)
    return outputs


async def _run(ground: Ground, contender: Contender, outputs: Sequence[Output], url: str) -> Run:
    settings = await ground.prepare(f"archive.{contender.module}.{contender.database}.")
    await _preload(settings, outputs)
    upgrade(open_engine(url))
    began = time.monotonic()
    first: tuple[float, int] | None = None
    with MeasuredProcess(contender.module, settings, ASSAY_DATABASE=url) as process:
        while (done := _count(url, _TAKEN_IN)) < len(outputs):
            process.check()
            if done and first is None:
                first = (time.monotonic(), done)
            if time.monotonic() - began > _START_SECONDS + len(outputs) / _SLOWEST_RATE:
                raise RuntimeError(f"{contender.name}: {done} of {len(outputs)} rows:\n{process.last_words()}")
            await asyncio.sleep(_POLL_SECONDS)
        last = time.monotonic()
    rows = _count(url, "SELECT count(*) FROM annotations")
    since, before = first or (began, 0)
    return Run(contender, len(outputs), rows, (len(outputs) - before) / max(last - since, 1e-3))


async def _preload(settings: RuntimeSettings, outputs: Sequence[Output]) -> None:
    choose, numbers = DefaultPartitioner(), list(range(settings.partitions))
    waiting: dict[int, list[Output]] = {number: [] for number in numbers}
    for output in outputs:
        waiting[choose(output.key, numbers, numbers)].append(output)
    producer = make_producer(settings)
    await producer.start()
    for number, some in waiting.items():
        await asyncio.gather(*await send_all(producer, number, some, prefix=settings.prefix))
    await producer.stop()


def _count(url: str, query: str) -> int:
    """Ask as an analyst would: without a lock that the writer would feel."""
    with run_query(url, query, timeout_seconds=_START_SECONDS) as answer:
        return int(next(answer.rows)[0] or 0)


def _sheet(runs: Sequence[Run]) -> Sheet:
    ours = {run.contender.database: run.rate for run in runs if run.contender.module == "assay_services.archive"}
    rows = [
        (
            f"{run.contender.name}, {run.contender.database}",
            f"{run.events:,}",
            f"{run.rate:,.0f}",
            *_target(run),
            f"{ours[run.contender.database] / run.rate:.1f}",
            f"{run.rows:,} {'✓' if run.rows == run.events else '✗'}",
        )
        for run in runs
    ]
    notes = (
        "Time runs from the first visible rows to the last. The annotations are on Kafka before the process starts.",
        "Each annotation writes a row and a vote with two indexes each, both counted. Its item is replaced.",
        "The peer writes the same rows and offsets with the ORM, in batches of the same size. It gets a fifth of them.",
        "PostgreSQL runs on the same machine. If it is not installed, its rows are missing.",
    )
    columns = ("one process", "annotations", "annotations/s", "target", "result", "ours / this", "rows")
    return Sheet("Archive: rows per second", columns, rows, notes)


def _target(run: Run) -> tuple[str, str]:
    if run.contender.module != "assay_services.archive":
        return ("", "")
    return (f"at least {_TARGET_PER_SECOND:,}", at_least(run.rate, _TARGET_PER_SECOND))
