"""The query API of how things run: alerts with their names hidden, deliveries, reviews, services, dead letters."""

import base64
from datetime import UTC, datetime

import orjson
import pytest
from fastapi import FastAPI
from sqlmodel import Session

from assay_schemas.alert import Alert
from assay_schemas.topics import REVIEW
from assay_services.archive.store import Store
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.control.tables.accounts import Role
from assay_services.stores.control.tables.alert_delivery import CurrentAlert, Delivery, Fate
from tests.services.archive.records import ALERT_VALUE, Came, fetched
from tests.services.archive.test_store import REVIEW_VALUE, ready, write
from tests.services.console.conftest import signed_in
from tests.services.console.system.dead_letters import HOSTILE, a_letter, bury

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def filled(parts: ConsoleDependencies) -> ConsoleDependencies:
    """Return parts with an alert, a delivery that failed, an item that waits and a dead letter."""
    alert = Alert.model_validate(ALERT_VALUE | {"evidence": {"pairs": [{"annotator": "a17", "peer": "a18"}]}})
    content = alert.model_dump(mode="json")
    with Session(parts.control) as session:
        session.add(
            CurrentAlert(
                id=alert.id,
                project=alert.project,
                rule=alert.rule,
                state=alert.state.value,
                severity=alert.severity.value,
                since=alert.since,
                at=alert.at,
                content=content,
            )
        )
        session.add(
            Delivery(
                id="d-1", subscription="leads", body={"secret": 1}, alerts=1, fate=Fate.DEAD.value, created_at=NOW,
                next_at=NOW, problem="410 Gone",
            )
        )  # fmt: skip
        session.commit()
    engine = open_engine(parts.settings.database_url)
    store = Store(engine)
    write(store, fetched(Came(0, orjson.dumps(REVIEW_VALUE)), topic=REVIEW.name), source=ready(store, REVIEW.name))
    bury(store, *(a_letter(number, HOSTILE, seconds=number) for number in range(3)))
    engine.dispose()
    return parts


def test_an_alert_names_nobody_to_a_viewer(filled: ConsoleDependencies, service: FastAPI) -> None:
    asked = "/api/v1/alerts?project=ads-safety"

    to_lead = signed_in(filled, service, Role.LEAD).get(asked).json()["data"]
    to_viewer = signed_in(filled, service, Role.VIEWER).get(asked)

    assert to_lead[0]["summary"] == "a17: copying with a18"
    assert "a17" not in to_viewer.text
    assert "a18" not in to_viewer.text
    assert to_viewer.json()["data"][0]["labels"]["annotator"].startswith("annotator ")


def test_deliveries_are_found_by_their_fate_and_show_no_body(filled: ConsoleDependencies, service: FastAPI) -> None:
    lead = signed_in(filled, service, Role.LEAD)

    (dead,) = lead.get("/api/v1/deliveries?fate=dead").json()["data"]

    assert (dead["id"], dead["problem"]) == ("d-1", "410 Gone")
    assert "body" not in dead
    assert lead.get("/api/v1/deliveries?fate=due").json()["data"] == []
    assert lead.get("/api/v1/deliveries?fate=unknown").status_code == 422


def test_reviews_are_what_waits(filled: ConsoleDependencies, service: FastAPI) -> None:
    reviewer = signed_in(filled, service, Role.REVIEWER)

    found = reviewer.get("/api/v1/reviews?project=ads-safety").json()["data"]

    assert [(one["item"], one["project"]) for one in found] == [("i-204", "ads-safety")]
    assert reviewer.get("/api/v1/reviews?project=another").json()["data"] == []


def test_dead_letters_come_a_page_at_a_time_with_their_bytes(filled: ConsoleDependencies, service: FastAPI) -> None:
    lead = signed_in(filled, service, Role.LEAD)

    first = lead.get("/api/v1/dead?limit=2").json()
    second = lead.get(f"/api/v1/dead?limit=2&after={first['next']}").json()

    assert [one["offset"] for one in (*first["data"], *second["data"])] == [2, 1, 0]
    assert base64.b64decode(first["data"][0]["value"]) == HOSTILE
    assert first["data"][0]["sent_again_by"] is None
    assert lead.get("/api/v1/dead?after=!!").status_code == 422
    assert lead.get("/api/v1/dead?reason=none&format=csv").status_code == 200


def test_services_that_are_away_are_an_answer(filled: ConsoleDependencies, service: FastAPI) -> None:
    found = signed_in(filled, service, Role.LEAD).get("/api/v1/services?fields=name,standing").json()["data"]

    assert {one["name"]: one["standing"] for one in found}["console"] == "ready"
