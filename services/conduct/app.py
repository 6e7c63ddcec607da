"""Wire conduct: `items.judged` -> watch -> signals and reports of the annotators."""

import faust
from mode import ServiceT

from schemas.contract import LabelContract
from services.conduct.core import Conduct
from services.conduct.settings import ConductSettings
from services.runtime.chassis import build_chassis
from services.runtime.contracts import ContractTable, keep_in
from services.runtime.lane import Lane, LaneTopics
from services.runtime.topics import CONDUCT_STATE, JUDGED
from services.runtime.topics_in_place import TopicsInPlace


def build_app(settings: ConductSettings) -> faust.App:
    """Build the worker of conduct."""
    contracts: dict[str, LabelContract] = {}
    lanes: list[Lane] = []

    def carries() -> list[ServiceT]:
        table = ContractTable(settings, keep_in(contracts))
        lane = Lane(
            lambda _, state: Conduct(contracts, state),
            service="conduct",
            topics=LaneTopics(JUDGED.name, CONDUCT_STATE.name),
            settings=settings,
            before=table.read_all,
        )
        lanes.append(lane)
        return [TopicsInPlace(settings), table, lane]

    return build_chassis("conduct", settings, carries=carries, ready=lambda: any(lane.is_ready for lane in lanes))
