"""On a real Kafka: one project breaks the consensus, which goes on for the other, and catches up after a mend."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import orjson

from assay_models.truth.factory import make_truth
from assay_models.truth.truth_model import TruthModel
from assay_schemas.alert import Alert
from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import ALERTS, CONSENSUS, CONSENSUS_STATE, VALIDATED
from assay_services.audit.parked_work import find_parked
from assay_services.audit.topics import audit_consensus
from assay_services.consensus.core.events import PartitionOrigin
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.step import ConsensusCore, ConsensusProject
from assay_services.engine.core.core_api import Headers
from assay_services.engine.core.record_project import project_at
from assay_services.engine.kafka import make_producer, send_all
from assay_services.engine.lane import Lane, LaneCore
from assay_services.engine.lane_partition import LaneTopics
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from tests.services.consensus.records import a_validated
from tests.support.builders import a_contract
from tests.support.kafka_io import take, until_records

GOOD, BAD = "good", "bad"


def broken(contract: LabelContract) -> TruthModel:
    raise IndexError(f"no model for {contract.project}")


async def publish(settings: RuntimeSettings, *projects: str) -> None:
    """Put one validated annotation of each named project on the topic, in order."""
    producer = make_producer(settings)
    await producer.start()
    try:
        records: list[tuple[str, None, bytes | None, Headers]] = [
            (settings.prefix + VALIDATED.name, None, a_validated(project=name, item=f"i{number}").value, [])
            for number, name in enumerate(projects)
        ]
        await asyncio.gather(*await send_all(producer, 0, records))
    finally:
        await producer.stop()


@asynccontextmanager
async def consensus(settings: RuntimeSettings, make_bad: Callable[[LabelContract], TruthModel]) -> AsyncIterator[Lane]:
    projects = {
        ProjectId(GOOD): ConsensusProject(a_contract(project=GOOD), make_truth),
        ProjectId(BAD): ConsensusProject(a_contract(project=BAD), make_bad),
    }
    pool = Exchange()
    core = LaneCore(
        lambda number, state, live: ConsensusCore(
            live.projects, pool, PartitionOrigin(number, settings.partitions), state, parked=live.parked
        ),
        projects,
        project_at("annotation", "project"),
    )
    topics = LaneTopics(VALIDATED.name, CONSENSUS_STATE.name)
    lane = Lane(core, service="consensus", topics=topics, settings=settings)
    await lane.start()
    try:
        yield lane
    finally:
        await lane.stop()


def test_the_other_project_goes_on_and_a_mend_loses_nothing(settings: RuntimeSettings) -> None:
    async def run() -> None:
        await ensure_topics(settings)
        await publish(settings, BAD, GOOD, BAD, GOOD)
        async with consensus(settings, broken) as lane:
            await until_records(settings, ALERTS.name, 1)
            await publish(settings, GOOD)
            await until_records(settings, CONSENSUS.name, 3)
            assert not lane.crashed
            parked = await find_parked(settings)
            problems = [problem for one in await audit_consensus(settings) for problem in one.problems]
        assert [(one.service, one.project, one.waiting) for one in parked] == [("consensus", BAD, 2)]
        assert "IndexError in broken: no model for bad" in problems[0]

        async with consensus(settings, make_truth):
            await until_records(settings, ALERTS.name, 2)
        found = {orjson.loads(record.value)["project"] for record in await take(settings, CONSENSUS.name)}
        assert found == {GOOD, BAD}
        (ledger,) = [one.ledger for one in await audit_consensus(settings) if one.ledger.total]
        assert ledger.verdicts == {"absorbed": 5, "parked": 0}
        assert not await find_parked(settings)
        alerts = [Alert.model_validate_json(record.value) for record in await take(settings, ALERTS.name)]
        assert [(one.project, one.state.value) for one in alerts] == [(BAD, "firing"), (BAD, "resolved")]

    asyncio.run(run())
