"""Wire conduct: `items.judged` -> watch -> signals and reports of the annotators."""

import faust
from mode import ServiceT

from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import CONDUCT_STATE, JUDGED
from assay_services.conduct.core.step import ConductCore
from assay_services.conduct.settings import ConductSettings
from assay_services.engine.contract_table import ContractTable, callback_for
from assay_services.engine.core.record_project import project_at
from assay_services.engine.lane import Lane, LaneCore
from assay_services.engine.lane_partition import LaneTopics
from assay_services.engine.topic_admin import TopicsInPlace
from assay_services.engine.worker import build_worker


def build_app(settings: ConductSettings) -> faust.App:
    """Build the conduct worker."""
    contracts: dict[ProjectId, LabelContract] = {}
    lanes: list[Lane] = []

    def carries() -> list[ServiceT]:
        table = ContractTable(settings, callback_for(contracts))
        lane = Lane(
            LaneCore(
                lambda _, state, live: ConductCore(live.projects, state, parked=live.parked),
                contracts,
                project_at("project"),
            ),
            service="conduct",
            topics=LaneTopics(JUDGED.name, CONDUCT_STATE.name),
            settings=settings,
            before=table.read_all,
        )
        lanes.append(lane)
        return [TopicsInPlace(settings), table, lane]

    return build_worker("conduct", settings, carries=carries, ready=lambda: any(lane.is_ready for lane in lanes))
