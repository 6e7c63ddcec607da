"""Wire the validator: `annotations` -> judge -> `annotations.validated` | `.rejected` | `.dead`."""

import faust
from mode import ServiceT

from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import ANNOTATIONS, VALIDATOR_STATE
from assay_services.engine.contract_table import ContractTable
from assay_services.engine.core.record_project import project_at
from assay_services.engine.lane import Lane, LaneCore
from assay_services.engine.lane_partition import LaneTopics
from assay_services.engine.topic_admin import TopicsInPlace
from assay_services.engine.worker import build_worker
from assay_services.validator.core.step import BatchOrigin, ValidatorCore, ValidatorProject
from assay_services.validator.projects import load_project
from assay_services.validator.settings import ValidatorSettings


def build_app(settings: ValidatorSettings) -> faust.App:
    """Build the validator worker."""
    projects: dict[ProjectId, ValidatorProject] = {}
    lanes: list[Lane] = []

    def put_in_force(name: ProjectId, contract: LabelContract | None) -> None:
        if contract is None:
            projects.pop(name, None)
            return
        project = load_project(contract, settings.models)
        if project is not None:  # otherwise the previous version stays in force
            projects[name] = project

    def carries() -> list[ServiceT]:
        table = ContractTable(settings, put_in_force)
        lane = Lane(
            LaneCore(
                lambda number, _, live: ValidatorCore(
                    live.projects, BatchOrigin(settings.prefix + ANNOTATIONS.name, number)
                ),
                projects,
                project_at("project"),
            ),
            service="validator",
            topics=LaneTopics(ANNOTATIONS.name, VALIDATOR_STATE.name),
            settings=settings,
            before=table.read_all,
        )
        lanes.append(lane)
        return [TopicsInPlace(settings), table, lane]

    return build_worker("validator", settings, carries=carries, ready=lambda: any(lane.is_ready for lane in lanes))
