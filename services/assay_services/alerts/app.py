"""Wire the alerts: readings, verdicts and signals -> observations -> transitions -> subscribers."""

import random
from datetime import timedelta

import faust
from mode import ServiceT

from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import ALERTS_STATE, OBSERVED, REJECTED, VALIDATED
from assay_services.alerts.api.routes import build_api
from assay_services.alerts.core.observers import SOURCES, Observer
from assay_services.alerts.core.step import AlertsCore
from assay_services.alerts.delivery.delivery_workers import Deliverer
from assay_services.alerts.delivery.outbox import AlertOutbox, Patience
from assay_services.alerts.delivery.router import Forwarder, Router
from assay_services.alerts.settings import AlertsSettings
from assay_services.engine.contract_table import ContractTable, callback_for
from assay_services.engine.core.record_project import project_at
from assay_services.engine.lane import Lane, LaneCore
from assay_services.engine.lane_partition import LaneTopics
from assay_services.engine.topic_admin import TopicsInPlace
from assay_services.engine.worker import build_worker
from assay_services.stores.control.database import open_control
from assay_services.web.server import HttpServer, Listener

_PROJECT_PLACES = dict.fromkeys((VALIDATED.name, REJECTED.name), ("annotation", "project"))


def build_app(settings: AlertsSettings) -> faust.App:
    """Build the alerts worker."""
    contracts: dict[ProjectId, LabelContract] = {}
    lanes: list[Lane] = []
    routers: list[Router] = []

    def carries() -> list[ServiceT]:
        table = ContractTable(settings, callback_for(contracts))
        lanes.extend(_intake(topic, contracts, table, settings) for topic in SOURCES)
        lanes.append(
            Lane(
                LaneCore(
                    lambda _, state, live: AlertsCore(live.projects, state, parked=live.parked),
                    contracts,
                    project_at("project"),
                ),
                service="alerts",
                topics=LaneTopics(OBSERVED.name, ALERTS_STATE.name),
                settings=settings,
                before=table.read_all,
            )
        )
        engine = open_control(settings)
        patience = Patience(settings.alerts_retry_seconds, timedelta(hours=settings.alerts_retry_hours))
        outbox = AlertOutbox(engine, patience, random.Random())  # noqa: S311  # for pauses, not for secrets
        router, deliverer = Router(settings, outbox), Deliverer(settings, engine, outbox)
        routers.append(router)
        listener = Listener(settings.alerts_host, settings.alerts_port)
        server = HttpServer(build_api(settings, engine), listener, service="alerts")
        return [TopicsInPlace(settings), table, *lanes, router, Forwarder(settings, outbox), deliverer, server]

    def ready() -> bool:
        return bool(lanes) and all(lane.is_ready for lane in lanes) and all(one.is_ready for one in routers)

    return build_worker("alerts", settings, carries=carries, ready=ready)


def _intake(
    topic: str, contracts: dict[ProjectId, LabelContract], table: ContractTable, settings: AlertsSettings
) -> Lane:
    return Lane(
        LaneCore(
            lambda number, _, live: Observer(live.projects, f"{topic}/{number}", SOURCES[topic]),
            contracts,
            project_at(*_PROJECT_PLACES.get(topic, ("project",))),
        ),
        service=f"alerts.{topic}",
        topics=LaneTopics(topic, f"alerts.{topic}.state"),
        settings=settings,
        before=table.read_all,
    )
