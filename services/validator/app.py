"""Wire the validator: `annotations` -> judge -> `annotations.validated` | `.rejected` | `.dead`."""

import faust
from mode import ServiceT

from models.rules.ruleset import RuleProblem, compile_contract
from schemas.contract import LabelContract
from services.runtime import metrics
from services.runtime.chassis import build_chassis
from services.runtime.contracts import ContractTable
from services.runtime.lane import Lane, LaneTopics
from services.runtime.logs import get_logger
from services.runtime.topics import ANNOTATIONS, VALIDATOR_STATE, ensure_topics
from services.validator.core import Origin, Project, Validator
from services.validator.scoring import load_scorer
from services.validator.settings import ValidatorSettings

log = get_logger("validator")


def build_app(settings: ValidatorSettings) -> faust.App:
    """Build the validator's worker."""
    projects: dict[str, Project] = {}
    lanes: list[Lane] = []

    def put_in_force(name: str, contract: LabelContract | None) -> None:
        project = None if contract is None else load_project(contract, settings)
        if project is None:
            projects.pop(name, None)
        else:
            projects[name] = project

    def carries() -> list[ServiceT]:
        table = ContractTable(settings, put_in_force)

        async def before() -> None:
            await ensure_topics(settings)
            await table.maybe_start()
            await table.read_all()

        lane = Lane(
            lambda number: Validator(projects, Origin(settings.prefix + ANNOTATIONS.name, number)),
            service="validator",
            topics=LaneTopics(ANNOTATIONS.name, VALIDATOR_STATE.name),
            settings=settings,
            before=before,
        )
        lanes.append(lane)
        return [table, lane]

    return build_chassis(
        "validator", settings, carries=carries, ready=lambda: any(lane.is_ready for lane in lanes)
    )


def load_project(contract: LabelContract, settings: ValidatorSettings) -> Project | None:
    """Compile a contract and load its model; None, and a loud log, where the contract does not compile."""
    try:
        rules = compile_contract(contract)
    except RuleProblem as error:
        log.error("contract_does_not_compile", project=contract.project, version=contract.version, reason=str(error))
        return None
    metrics.CONTRACT_VERSION.labels(contract.project).set(contract.version)
    log.info("contract_in_force", project=contract.project, version=contract.version)
    return Project(rules, load_scorer(contract, settings.models))
