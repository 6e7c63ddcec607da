"""Wire the consensus: `annotations.validated` -> absorb -> consensus, corrections, reviews, agreement, reliability."""

import faust
from mode import ServiceT

from models.truth.kinds import make_truth
from schemas.contract import LabelContract
from services.consensus.core import Consensus, Project
from services.consensus.following import Follower
from services.consensus.pool import Pool
from services.consensus.settings import ConsensusSettings
from services.consensus.words import Origin
from services.runtime.chassis import build_chassis
from services.runtime.contracts import ContractTable
from services.runtime.lane import Lane, LaneTopics
from services.runtime.topics import CONSENSUS_STATE, VALIDATED
from services.runtime.topics_in_place import TopicsInPlace


def build_app(settings: ConsensusSettings) -> faust.App:
    """Build the worker of the consensus."""
    projects: dict[str, Project] = {}
    lanes: list[Lane] = []

    def put_in_force(name: str, contract: LabelContract | None) -> None:
        if contract is None:
            projects.pop(name, None)
        else:
            projects[name] = Project(contract, make_truth)

    def carries() -> list[ServiceT]:
        pool = Pool()
        table, follower = ContractTable(settings, put_in_force), Follower(settings, pool)

        async def all_is_read() -> None:
            await table.read_all()
            await follower.read_all()

        lane = Lane(
            lambda number, state: Consensus(projects, pool, Origin(number, settings.partitions), state),
            service="consensus",
            topics=LaneTopics(VALIDATED.name, CONSENSUS_STATE.name),
            settings=settings,
            before=all_is_read,
        )
        lanes.append(lane)
        return [TopicsInPlace(settings), table, follower, lane]

    return build_chassis("consensus", settings, carries=carries, ready=lambda: any(lane.is_ready for lane in lanes))
