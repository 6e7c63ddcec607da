"""Wire the validator: `annotations` -> judge -> `annotations.validated` | `.rejected` | `.dead`."""

import faust
from mode import ServiceT

from schemas.contract import LabelContract
from services.runtime.chassis import build_chassis
from services.runtime.contracts import ContractTable
from services.runtime.lane import Lane, LaneTopics
from services.runtime.topics import ANNOTATIONS, VALIDATOR_STATE
from services.runtime.topics_in_place import TopicsInPlace
from services.validator.core import Origin, Project, Validator
from services.validator.projects import load_project
from services.validator.settings import ValidatorSettings


def build_app(settings: ValidatorSettings) -> faust.App:
    """Build the validator's worker."""
    projects: dict[str, Project] = {}
    lanes: list[Lane] = []

    def put_in_force(name: str, contract: LabelContract | None) -> None:
        if contract is None:
            projects.pop(name, None)
            return
        project = load_project(contract, settings.models)
        if project is not None:  # else the version before stays in force
            projects[name] = project

    def carries() -> list[ServiceT]:
        table = ContractTable(settings, put_in_force)
        lane = Lane(
            lambda number, _: Validator(projects, Origin(settings.prefix + ANNOTATIONS.name, number)),
            service="validator",
            topics=LaneTopics(ANNOTATIONS.name, VALIDATOR_STATE.name),
            settings=settings,
            before=table.read_all,
        )
        lanes.append(lane)
        return [TopicsInPlace(settings), table, lane]

    return build_chassis("validator", settings, carries=carries, ready=lambda: any(lane.is_ready for lane in lanes))
