"""The consensus on a real Kafka: what comes out is what a replay of the same annotations gives."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from assay_models.rules.ruleset import compile_contract
from assay_models.truth.factory import make_truth
from assay_schemas.topics import CONSENSUS, CONSENSUS_STATE, CORRECTED, RELIABILITY, VALIDATED
from assay_services.audit.topics import audit_consensus
from assay_services.consensus.core.events import PartitionOrigin
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.step import ConsensusCore, ConsensusProject
from assay_services.consensus.exchange_consumer import follow_exchange
from assay_services.demo.run import CONTRACT
from assay_services.demo.simulator import Simulator
from assay_services.engine.core.record_project import project_at
from assay_services.engine.lane import Lane, LaneCore
from assay_services.engine.lane_partition import LaneTopics
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.ingest.importer import send_records
from assay_services.ingest.input_record import InputRecord, key_of
from assay_services.replay.run import replay
from assay_services.validator.core.step import BatchOrigin as ValidatorOrigin
from assay_services.validator.core.step import ValidatorCore, ValidatorProject
from tests.support.kafka_io import running, take, until, until_all_judged

RULES: dict[str, ValidatorProject] = {CONTRACT.project: ValidatorProject(compile_contract(CONTRACT))}
PROJECTS: dict[str, ConsensusProject] = {CONTRACT.project: ConsensusProject(CONTRACT, make_truth)}
WIDEST = 0.02
QUIET_SECONDS = 5.0


def some_events(count: int) -> list[InputRecord]:
    simulator = Simulator(5)
    values = [simulator.event(datetime.now(UTC), over=0.2) for _ in range(count)]
    return [InputRecord(line, key_of(value), value) for line, value in enumerate(values, 1)]


async def through_kafka(settings: RuntimeSettings, events: list[InputRecord]) -> dict[str, list[Any]]:
    """Return what lies on the consensus's topics once it has come to rest."""
    await ensure_topics(settings)
    await send_records(events, settings, bookmark=None, rate=None, sent=lambda _: None)
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
    async with AsyncExitStack() as stack:
        validator = await stack.enter_async_context(
            running(settings, lambda number, _: ValidatorCore(RULES, ValidatorOrigin("annotations", number)))
        )
        await until_all_judged(settings, validator)
        for service in (follower, consensus):
            await service.start()
            stack.push_async_callback(service.stop)
        await until(lambda: consensus.is_ready)
        await until_at_rest(settings)
        return {topic.name: await take(settings, topic.name) for topic in (CONSENSUS, CORRECTED, RELIABILITY)}


async def until_at_rest(settings: RuntimeSettings) -> None:
    """Wait until all is absorbed, and nothing more was said for longer than the pauses between reflections."""
    said, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        waiting = any(one.waiting for one in await audit_consensus(settings))
        count = len(await take(settings, CONSENSUS.name))
        if waiting or count != said:
            said, since = count, time.monotonic()
        await asyncio.sleep(0.5)


def newest(records: list[Any]) -> dict[bytes, Any]:
    return {record.key: orjson.loads(record.value) for record in records if record.value is not None}


def test_kafka_and_replay_come_to_the_same_consensus(settings: RuntimeSettings, tmp_path: Path) -> None:
    events = some_events(1_500)

    found = asyncio.run(through_kafka(settings, events))
    now = int(datetime.now(UTC).timestamp() * 1_000)
    for _ in replay(events, projects=RULES, folder=tmp_path, now=now):
        pass

    said = newest(found[CONSENSUS.name])
    lines = (tmp_path / f"{CONSENSUS.name}.jsonl").read_bytes().splitlines()
    replayed = {f"{one['project']}:{one['item']}".encode(): one for one in map(orjson.loads, lines)}
    assert said.keys() == replayed.keys()
    assert all(said[key]["label"] == one["label"] for key, one in replayed.items())
    assert all(said[key]["votes"] == one["votes"] for key, one in replayed.items())
    assert max(abs(said[key]["probability"] - one["probability"]) for key, one in replayed.items()) < WIDEST
    assert {one["annotator"] for one in newest(found[RELIABILITY.name]).values()} >= {"careful-1", "spammer-1"}
    assert [one for one in found[CORRECTED.name] if orjson.loads(one.value)["retracts"] is None]
