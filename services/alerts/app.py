"""Wire the alerts: readings, verdicts and signals -> observations -> transitions -> subscribers."""

import random
from datetime import timedelta

import faust
from mode import ServiceT

from schemas.contract import LabelContract
from services.alerts.api import build_api
from services.alerts.core import Alerts
from services.alerts.delivering import Deliverer
from services.alerts.intake import SOURCES, Intake
from services.alerts.outbox import Outbox, Patience
from services.alerts.routing import Forwarder, Router
from services.alerts.serving import HttpServer
from services.alerts.settings import AlertsSettings
from services.runtime.chassis import build_chassis
from services.runtime.contracts import ContractTable, keep_in
from services.runtime.control import open_control
from services.runtime.lane import Lane, LaneTopics
from services.runtime.topics import ALERTS_STATE, OBSERVED
from services.runtime.topics_in_place import TopicsInPlace


def build_app(settings: AlertsSettings) -> faust.App:
    """Build the worker of the alerts."""
    contracts: dict[str, LabelContract] = {}
    lanes: list[Lane] = []
    routers: list[Router] = []

    def carries() -> list[ServiceT]:
        table = ContractTable(settings, keep_in(contracts))
        lanes.extend(_intake(topic, contracts, table, settings) for topic in SOURCES)
        lanes.append(
            Lane(
                lambda _, state: Alerts(contracts, state),
                service="alerts",
                topics=LaneTopics(OBSERVED.name, ALERTS_STATE.name),
                settings=settings,
                before=table.read_all,
            )
        )
        engine = open_control(settings)
        patience = Patience(settings.alerts_retry_seconds, timedelta(hours=settings.alerts_retry_hours))
        outbox = Outbox(engine, patience, random.Random())  # noqa: S311  # for pauses, not for secrets
        router, deliverer = Router(settings, outbox), Deliverer(settings, engine, outbox)
        routers.append(router)
        server = HttpServer(settings, build_api(settings, engine))
        return [TopicsInPlace(settings), table, *lanes, router, Forwarder(settings, outbox), deliverer, server]

    def ready() -> bool:
        return bool(lanes) and all(lane.is_ready for lane in lanes) and all(one.is_ready for one in routers)

    return build_chassis("alerts", settings, carries=carries, ready=ready)


def _intake(topic: str, contracts: dict[str, LabelContract], table: ContractTable, settings: AlertsSettings) -> Lane:
    return Lane(
        lambda number, _: Intake(contracts, f"{topic}/{number}", SOURCES[topic]),
        service=f"alerts.{topic}",
        topics=LaneTopics(topic, f"alerts.{topic}.state"),
        settings=settings,
        before=table.read_all,
    )
