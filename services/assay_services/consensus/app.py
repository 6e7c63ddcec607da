"""Wire the consensus: `annotations.validated` -> absorb -> consensus, corrections, reviews, agreement, reliability."""

import faust
from mode import ServiceT

from assay_models.truth.factory import make_truth
from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import CONSENSUS_STATE, VALIDATED
from assay_services.consensus.core.events import PartitionOrigin
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.step import ConsensusCore, ConsensusProject
from assay_services.consensus.exchange_consumer import follow_exchange
from assay_services.consensus.settings import ConsensusSettings
from assay_services.engine.contract_table import ContractTable
from assay_services.engine.core.record_project import project_at
from assay_services.engine.lane import Lane, LaneCore
from assay_services.engine.lane_partition import LaneTopics
from assay_services.engine.topic_admin import TopicsInPlace
from assay_services.engine.worker import build_worker


def build_app(settings: ConsensusSettings) -> faust.App:
    """Build the consensus worker."""
    projects: dict[ProjectId, ConsensusProject] = {}
    lanes: list[Lane] = []

    def put_in_force(name: ProjectId, contract: LabelContract | None) -> None:
        if contract is None:
            projects.pop(name, None)
        else:
            projects[name] = ConsensusProject(contract, make_truth)

    def carries() -> list[ServiceT]:
        pool = Exchange()
        table, follower = ContractTable(settings, put_in_force), follow_exchange(settings, pool)

        async def all_is_read() -> None:
            await table.read_all()
            await follower.read_all()

        lane = Lane(
            LaneCore(
                lambda number, state, live: ConsensusCore(
                    live.projects, pool, PartitionOrigin(number, settings.partitions), state, parked=live.parked
                ),
                projects,
                project_at("annotation", "project"),
            ),
            service="consensus",
            topics=LaneTopics(VALIDATED.name, CONSENSUS_STATE.name),
            settings=settings,
            before=all_is_read,
        )
        lanes.append(lane)
        return [TopicsInPlace(settings), table, follower, lane]

    return build_worker("consensus", settings, carries=carries, ready=lambda: any(lane.is_ready for lane in lanes))
