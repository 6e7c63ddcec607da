"""A console over a small archive: what is no page of it, behind its guard, and users of each role."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import Session

from assay_schemas.topics import CONSENSUS, REJECTED, VALIDATED
from assay_services.archive.store import Store
from assay_services.console.app import build_service
from assay_services.console.dependencies import ConsoleDependencies, build_parts
from assay_services.console.middleware import COOKIE
from assay_services.console.settings import ConsoleSettings
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.archive.schema_upgrade import upgrade
from assay_services.stores.control.passwords import digest_of
from assay_services.stores.control.tables.accounts import Role, User
from tests.services.archive.records import Came, fetched
from tests.services.archive.test_store import ready, write
from tests.services.stores.archive.test_views import FINDING, said

PASSWORD = "a long enough word"
DIGEST = digest_of(PASSWORD)
HOSTILE = "=1+1<script>alert(1)</script>"


@pytest.fixture
def settings(tmp_path: Path) -> ConsoleSettings:
    return ConsoleSettings(folder=tmp_path, _env_file=None)


@pytest.fixture
def parts(settings: ConsoleSettings) -> Iterator[ConsoleDependencies]:
    engine = open_engine(settings.database_url)
    upgrade(engine)
    store = Store(engine)
    source = ready(store, VALIDATED.name, REJECTED.name, CONSENSUS.name)
    votes = [
        said(1, "safe", lead_time_seconds=2.5),
        said(2, "scam", findings=[FINDING]),
        said(3, HOSTILE, item="i-9", annotator={"id": "a1"}),
    ]
    agreed = (
        b'{"project":"ads-safety","item":"i-204","label":"safe","probability":0.9,"probabilities":{"safe":0.9},'
        b'"votes":2,"status":"disputed","contract_version":7,"as_of":"2026-11-24T12:00:00Z"}'
    )
    write(store, fetched(*votes)._replace(position=0), source=source)
    write(store, fetched(Came(0, agreed), topic=CONSENSUS.name), source=source)
    engine.dispose()
    built = build_parts(settings)
    with Session(built.control) as session:
        for role in Role:
            session.add(User(name=role.value, role=role, digest=DIGEST, created_at=datetime.now(UTC)))
        session.commit()
    yield built
    built.archive.dispose()
    built.control.dispose()


@pytest.fixture
def service(parts: ConsoleDependencies) -> FastAPI:
    return build_service(parts)


@pytest.fixture
def nobody(service: FastAPI) -> Iterator[httpx.Client]:
    with TestClient(service, base_url="http://console", follow_redirects=False) as client:
        yield client


def signed_in(parts: ConsoleDependencies, service: FastAPI, role: Role) -> httpx.Client:
    """Return a browser in which somebody of this role is signed in."""
    user = parts.users.get(role.value)
    assert user is not None
    cookie = parts.sessions.open(user, now=datetime.now(UTC))
    client = TestClient(service, base_url="http://console", follow_redirects=False)
    client.cookies.set(COOKIE, cookie)
    return client
