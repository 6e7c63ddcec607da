"""Forgetting while everything runs: rows, memory and compacted topics, and the workers go on exactly as before."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine

from assay_schemas.record_key import pair_key
from assay_schemas.topics import (
    AGREEMENT,
    CONDUCT,
    CONDUCT_STATE,
    CONSENSUS,
    CONSENSUS_STATE,
    COUNTS,
    DEAD,
    JUDGED,
    PANES,
    RELIABILITY,
    REVIEW,
    SINGLE,
    VALIDATED,
    VALIDATOR_STATE,
)
from assay_services.archive.consumer import ArchiveConsumer
from assay_services.archive.settings import ArchiveSettings
from assay_services.archive.store import Store
from assay_services.audit.archive import audit_archive
from assay_services.audit.topics import audit, audit_consensus
from assay_services.conduct.core.step import ConductCore
from assay_services.consensus.core.events import PartitionOrigin
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.step import ConsensusCore
from assay_services.consensus.exchange_consumer import follow_exchange
from assay_services.demo.simulator import PROJECT, Simulator
from assay_services.engine.core.erasure_request import ErasureRequest
from assay_services.engine.core.record_project import project_at
from assay_services.engine.lane import Lane, LaneCore
from assay_services.engine.lane_partition import LaneTopics
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import restore
from assay_services.engine.topic_admin import ensure_topics
from assay_services.erasure.archive import erase, purge
from assay_services.ingest.importer import send_records
from assay_services.ingest.input_record import InputRecord, key_of
from assay_services.stores.archive.engine import open_engine
from assay_services.validator.core.step import BatchOrigin as ValidatorOrigin
from assay_services.validator.core.step import ValidatorCore
from tests.services.archive.core.test_plan import READING_VALUE, VALUES
from tests.services.archive.records import Came, fetched, verdict_value
from tests.services.archive.test_kafka import count
from tests.services.archive.test_store import ready, rows, write
from tests.services.cli.test_commands import assay
from tests.services.consensus.test_kafka import PROJECTS, RULES, until_at_rest
from tests.support.builders import NOW
from tests.support.kafka_io import running, take, until, until_all_judged

REMOVED, RENAMED = "careful-3", "hasty-2"
EVENTS = 500


def events(simulator: Simulator, wanted: int, *, without: tuple[str, ...] = ()) -> Iterator[InputRecord]:
    line = 0
    while line < wanted:
        value = simulator.event(datetime.now(UTC), over=0.2)
        if any(f'"{name}"'.encode() in value for name in without):
            continue
        line += 1
        yield InputRecord(line, key_of(value), value)


async def send(settings: RuntimeSettings, some: Iterator[InputRecord]) -> None:
    await send_records(some, settings, bookmark=None, rate=None, sent=lambda _: None)


@asynccontextmanager
async def everything(settings: ArchiveSettings) -> AsyncIterator[Lane]:
    """Run validator, consensus, conduct and archive."""
    await ensure_topics(settings)
    pool = Exchange()
    follower = follow_exchange(settings, pool)
    consensus = Lane(
        LaneCore(
            lambda number, state, live: ConsensusCore(
                live.projects, pool, PartitionOrigin(number, settings.partitions), state, parked=live.parked
            ),
            PROJECTS,
            project_at("annotation", "project"),
        ),
        service="consensus",
        topics=LaneTopics(VALIDATED.name, CONSENSUS_STATE.name),
        settings=settings,
        before=follower.read_all,
    )
    conduct = Lane(
        LaneCore(
            lambda _, state, live: ConductCore(live.projects, state, parked=live.parked),
            {PROJECT: RULES[PROJECT].rules.contract},
            project_at("project"),
        ),
        service="conduct",
        topics=LaneTopics(JUDGED.name, CONDUCT_STATE.name),
        settings=settings,
    )
    async with AsyncExitStack() as stack:
        validator = await stack.enter_async_context(
            running(settings, lambda number, _: ValidatorCore(RULES, ValidatorOrigin("annotations", number)))
        )
        for service in (follower, consensus, conduct, ArchiveConsumer(settings)):
            await service.start()
            stack.push_async_callback(service.stop)
        await until(lambda: consensus.is_ready and validator.is_ready)
        yield validator


async def until_all_is_done(settings: ArchiveSettings, engine: Engine, validator: Lane) -> None:
    await until_all_judged(settings, validator)
    await until_at_rest(settings)
    total = len(await take(settings, VALIDATED.name)) + len(await take(settings, CONSENSUS.name))
    query = f"SELECT sum(records) FROM offsets WHERE topic IN ('{VALIDATED.name}', '{CONSENSUS.name}')"  # noqa: S608
    await until(lambda: rows(engine, query)[0][0] == total)


async def remembered(settings: RuntimeSettings) -> bytes:
    """Return all that the workers remember, and the newest of each key of the compacted topics, in one piece."""
    found: list[bytes] = []
    for topic in (VALIDATOR_STATE.name, CONSENSUS_STATE.name, CONDUCT_STATE.name):
        for number in range(1 if topic in SINGLE else settings.partitions):
            state, _ = await restore(settings, topic, number)
            found += [part for key_and_value in state.values() for part in key_and_value]
    for topic in (CONSENSUS.name, REVIEW.name, RELIABILITY.name, COUNTS.name, PANES.name, CONDUCT.name):
        newest = {record.key: record.value for record in await take(settings, topic)}
        found += [part for key, value in newest.items() if value is not None for part in (key, value)]
    return b"\n".join(found)


def forget(settings: ArchiveSettings, *arguments: str) -> str:
    done = assay(
        "forget", *arguments, folder=settings.folder, ASSAY_KAFKA=str(settings.kafka), ASSAY_PREFIX=settings.prefix,
        ASSAY_PARTITIONS=str(settings.partitions), ASSAY_DATABASE=settings.database_url,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def problems(settings: RuntimeSettings, engine: Engine) -> list[str]:
    archived = [problem for one in await audit_archive(settings, engine) for problem in one.problems]
    audits = [*await audit(settings), *await audit_consensus(settings)]
    return (
        archived + [problem for one in audits for problem in one.problems] + [str(one) for one in audits if one.waiting]
    )


@dataclass
class Found:
    """What was there before, and what afterwards."""

    before: bytes
    after: bytes
    problems: list[str]
    plan: str
    rows_after_the_plan: int
    item: str
    rows_of_the_item: int
    rows_of_the_removed: int
    rows_to_rename: int
    rows_renamed: int
    pseudonym: str


def number(engine: Engine, table: str, column: str, value: str) -> int:
    return int(rows(engine, f"SELECT count(*) FROM {table} WHERE {column} = '{value}'")[0][0])  # noqa: S608


async def forget_three(settings: ArchiveSettings) -> Found:
    """Forget an item and an annotator, and rename another, while all workers run and go on running."""
    simulator = Simulator(5)
    async with everything(settings) as validator:
        engine = open_engine(settings.database_url)
        await send(settings, events(simulator, EVENTS))
        await until(lambda: count(engine, "annotations") > 0)
        await until_all_is_done(settings, engine, validator)
        before = await remembered(settings)
        item = rows(engine, "SELECT item FROM items_now WHERE votes = 3 ORDER BY item LIMIT 1")[0][0]
        plan = await asyncio.to_thread(forget, settings, "--item", f"{PROJECT}:{item}", "--dry-run")
        still = number(engine, "annotations", "item", item)
        await asyncio.to_thread(forget, settings, "--item", f"{PROJECT}:{item}")
        to_rename = number(engine, "annotations", "annotator", RENAMED)
        await asyncio.to_thread(forget, settings, "--annotator", REMOVED, "--project", PROJECT)
        told = await asyncio.to_thread(forget, settings, "--annotator", RENAMED, "--pseudonym")
        pseudonym = told.rpartition("from now on: ")[2].strip()
        await send(settings, events(simulator, EVENTS, without=(REMOVED, RENAMED)))
        await until_all_is_done(settings, engine, validator)
        tables = ("annotations", "items", "consensus", "corrections", "reviews")
        found = Found(
            before, await remembered(settings), await problems(settings, engine), plan, still, item,
            sum(number(engine, table, "item", item) for table in tables),
            sum(number(engine, table, "annotator", REMOVED) for table in ("annotations", "corrections", "reliability")),
            to_rename, number(engine, "annotations", "annotator", pseudonym), pseudonym,
        )  # fmt: skip
        engine.dispose()
    return found


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_forgotten_while_the_workers_run_is_gone_and_the_ledgers_balance(
    archive_settings: ArchiveSettings,
) -> None:
    found = asyncio.run(forget_three(archive_settings))

    for name in (found.item, REMOVED, RENAMED):
        assert f'"{name}"'.encode() in found.before
        assert f'"{name}"'.encode() not in found.after
    assert "would change" in found.plan
    assert found.rows_after_the_plan == 3
    assert found.rows_of_the_item == found.rows_of_the_removed == 0
    assert found.rows_renamed == found.rows_to_rename > 0
    assert found.pseudonym.encode() in found.after
    assert found.problems == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "either --item"),
        (("--item", "a:b", "--annotator", "c"), "either --item"),
        (("--item", "no-project"), "is not PROJECT:ITEM"),
        (("--item", "a:b", "--pseudonym"), "no pseudonym"),
    ],
)
def test_what_cannot_be_forgotten_is_said(
    arguments: tuple[str, ...], said: str, engine: Engine, tmp_path: Path
) -> None:
    done = assay("forget", *arguments, folder=tmp_path, ASSAY_DATABASE=url_of(engine))

    assert done.returncode == 1
    assert said in done.stderr


def test_without_kafka_the_archive_alone_is_made_to_forget(engine: Engine, store: Store, tmp_path: Path) -> None:
    source = ready(store, VALIDATED.name, DEAD.name, AGREEMENT.name)
    hostile = "a%_'\\|b"
    write(store, fetched(Came(0, verdict_value(annotator={"id": hostile})), Came(1, verdict_value())), source=source)
    letter = orjson.dumps({"project": "ads-safety", "annotator": {"id": hostile}})[:-1]
    write(store, fetched(Came(0, letter), Came(1, b"{"), topic=DEAD.name), source=source)
    pair = orjson.dumps(READING_VALUE | {"scope": {"annotators": f"{hostile}|a18"}})
    newer = orjson.dumps(READING_VALUE | {"scope": {"annotators": pair_key("a18", hostile)}})
    came = (Came(0, pair), Came(1, VALUES[AGREEMENT.name]), Came(2, newer))
    write(store, fetched(*came, topic=AGREEMENT.name), source=source)

    done = assay("forget", "--annotator", hostile, "--archive-only", folder=tmp_path, ASSAY_DATABASE=url_of(engine))

    assert done.returncode == 0, done.stderr
    assert rows(engine, "SELECT annotator FROM annotations") == [("a17",)]
    assert rows(engine, "SELECT kafka_offset FROM dead") == [(1,)]
    assert rows(engine, "SELECT kafka_offset FROM readings") == [(1,)]
    assert rows(engine, "SELECT sum(forgotten) FROM offsets") == [(4,)]


def test_a_mark_is_dropped_when_nothing_can_be_on_its_way(engine: Engine) -> None:
    erase(engine, ErasureRequest(is_item=True, project="p", name="i"), now=NOW)

    purge(engine, before=NOW)
    kept = rows(engine, "SELECT count(*) FROM forgotten")
    purge(engine, before=NOW + timedelta(seconds=1))

    assert kept == [(1,)]
    assert rows(engine, "SELECT count(*) FROM forgotten") == [(0,)]


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)
