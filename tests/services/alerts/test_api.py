"""The alerts over HTTP: who may do what, and what is answered."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay_schemas.json_data import Json
from assay_services.alerts.api.routes import build_api
from assay_services.alerts.settings import AlertsSettings
from assay_services.stores.control.api_keys import ApiKeyStore
from assay_services.stores.control.database import open_control
from assay_services.stores.control.tables.connections_and_keys import Scope

WISH = {"name": "night", "channel": "webhook", "address": "https://example.com/x?key=hidden"}


class Caller:
    """The interface, and a key for each scope."""

    def __init__(self, settings: AlertsSettings) -> None:
        engine = open_control(settings)
        keys = ApiKeyStore(engine)
        now = datetime.now(UTC)
        self.keys = {scope: keys.create(scope.value, [scope], now=now)[1] for scope in Scope}
        self.api = build_api(settings, engine)

    def ask(self, method: str, page: str, scope: Scope | None, body: Json = None, **headers: str) -> Json:
        sent = {} if scope is None else {"Authorization": f"Bearer {self.keys[scope]}"}

        async def work() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.api)
            async with httpx.AsyncClient(transport=transport, base_url="http://alerts") as client:
                return await client.request(method, page, json=body, headers=sent | headers)

        return asyncio.run(work())


@pytest.fixture
def caller(tmp_path: Path) -> Caller:
    return Caller(AlertsSettings(folder=tmp_path, _env_file=None))


@pytest.mark.parametrize(
    ("method", "page", "body", "scope"),
    [
        ("GET", "/v1/alerts", None, Scope.READ),
        ("GET", "/v1/precision", None, Scope.READ),
        ("GET", "/v1/silences", None, Scope.READ),
        ("GET", "/v1/subscriptions", None, Scope.READ),
        ("GET", "/v1/deliveries", None, Scope.READ),
        ("POST", "/v1/silences", {"matchers": {"a": "b"}, "minutes": 5, "why": "w"}, Scope.REVIEW),
        ("POST", "/v1/subscriptions", WISH, Scope.ADMIN),
    ],
)
def test_a_key_may_do_what_its_scope_says_and_nobody_else_may(
    caller: Caller,
    method: str,
    page: str,
    body: Any,  # noqa: ANN401  # JSON
    scope: Scope,  # JSON
) -> None:
    without, other = caller.ask(method, page, None, body), caller.ask(method, page, Scope.WRITE, body)
    allowed = caller.ask(method, page, scope, body)

    assert (without.status_code, other.status_code) == (401, 403)
    assert 200 <= allowed.status_code < 300


def test_a_subscription_is_made_shown_without_its_secrets_tested_and_ended(caller: Caller) -> None:
    made = caller.ask("POST", "/v1/subscriptions", Scope.ADMIN, WISH | {"severity": "critical", "per_hour": 5})
    again = caller.ask("POST", "/v1/subscriptions", Scope.ADMIN, WISH)
    shown = caller.ask("GET", "/v1/subscriptions", Scope.READ)
    tested = caller.ask("POST", "/v1/subscriptions/night/test", Scope.ADMIN)
    ended = caller.ask("DELETE", "/v1/subscriptions/night", Scope.ADMIN)
    unknown = caller.ask("DELETE", "/v1/subscriptions/night", Scope.ADMIN)

    assert made.json()["secret"].startswith("whsec_")
    assert shown.json()[0]["target"] == "https://example.com/…"
    assert "hidden" not in shown.text + made.text
    assert (again.status_code, tested.status_code, ended.status_code, unknown.status_code) == (422, 202, 204, 404)


@pytest.mark.parametrize(
    ("method", "page", "body", "status"),
    [
        ("GET", "/v1/alerts/nothing", None, 404),
        ("POST", "/v1/alerts/nothing/acknowledge", {}, 404),
        ("POST", "/v1/alerts/nothing/feedback", {"useful": True}, 404),
        ("POST", "/v1/silences", {"minutes": 5, "why": "w"}, 422),
        ("POST", "/v1/silences", {"minutes": 0, "why": "w", "project": "p"}, 422),
        ("DELETE", "/v1/silences/nothing", None, 404),
        ("POST", "/v1/subscriptions", WISH | {"address": "ftp://x"}, 422),
        ("POST", "/v1/subscriptions", WISH | {"colour": "red"}, 422),
        ("POST", "/v1/subscriptions", WISH | {"channel": "pigeon"}, 422),
        ("POST", "/v1/deliveries/nothing/revive", None, 404),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(
    caller: Caller,
    method: str,
    page: str,
    body: Any,  # noqa: ANN401  # JSON
    status: int,  # JSON
) -> None:
    found = caller.ask(method, page, Scope.ADMIN, body)

    assert found.status_code == status
    assert found.json()


@pytest.mark.parametrize("event", ["yesterday", "1e5", "9" * 30])
def test_a_last_event_that_is_none_of_ours_is_refused(caller: Caller, event: str) -> None:
    found = caller.ask("GET", "/v1/alerts/stream", Scope.READ, **{"Last-Event-ID": event})

    assert found.status_code == 400


def test_a_stranger_is_refused_before_the_body_is_read(caller: Caller) -> None:
    read = 0

    async def work() -> list[int]:
        async def body() -> AsyncIterator[bytes]:
            nonlocal read
            for _ in range(300):
                read += 1
                yield b" " * 1_000_000

        transport = httpx.ASGITransport(app=caller.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://alerts") as client:
            known = {"Authorization": f"Bearer {caller.keys[Scope.ADMIN]}"}
            asked = [{}, known, known | {"Content-Length": "300000000"}]
            return [
                (await client.post("/v1/silences", content=body(), headers=headers)).status_code for headers in asked
            ]

    assert asyncio.run(work()) == [401, 411, 413]
    assert read <= 3


@pytest.mark.parametrize(
    ("channel", "address", "why"),
    [
        ("kafka", "contracts", "'contracts' is one of Assay's own topics"),
        ("kafka", "consensus.state", "'consensus.state' is one of Assay's own topics"),
        ("email", "amy@example.com", "names no mail server"),
        ("apprise", "nosuch://x", "Apprise knows no service"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_at_once(
    caller: Caller, channel: str, address: str, why: str
) -> None:
    body = {"name": "k", "channel": channel, "address": address}

    answer = caller.ask("POST", "/v1/subscriptions", Scope.ADMIN, body)

    assert answer.status_code == 422
    assert why in answer.json()["error"]
