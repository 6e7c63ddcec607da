"""Dead letters in an archive and what was sent of them again: on SQLite, and on PostgreSQL where one is installed."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from schemas.resent import SentAgain
from services.archive.store import Store
from services.runtime.broker import LocalBroker
from services.runtime.settings import RuntimeSettings
from services.runtime.topics import CONTRACTS, DEAD
from tests.builders import a_contract
from tests.services.archive.conftest import database, engine, postgres
from tests.services.archive.records import NOW_MS, Came, fetched
from tests.services.archive.test_store import ready, write

_names = itertools.count(1)
__all__ = ("database", "engine", "postgres")

HOSTILE = b'<script>alert(1)</script>\xe2\x80\xae\x00\xff{"'
"""Bytes that are no annotation and want to be more than text."""
CONTRACT = a_contract().model_dump_json().encode()


def a_letter(offset: int, value: bytes | None, *, reason: str = "not-json", seconds: int = 0) -> Came:
    headers = [
        ("assay-reason", reason.encode()),
        ("assay-field", b"value"),
        ("__connect.errors.exception.message", b"it is no annotation"),
    ]
    return Came(offset, value, timestamp=NOW_MS + 1_000 * seconds, headers=headers)


def bury(store: Store, *letters: Came) -> None:
    """Put dead letters into an archive."""
    write(store, fetched(*letters, topic=DEAD.name, position=0), source=ready(store, DEAD.name))


def put_in_force(store: Store, *values: bytes | None) -> None:
    """Put contracts of one project in force, one after the other; None withdraws what was there."""
    records = [Came(number, value, key=b"ads-safety") for number, value in enumerate(values)]
    write(store, fetched(*records, topic=CONTRACTS.name), source=ready(store, CONTRACTS.name))


@pytest.fixture
def settings(kafka: LocalBroker, tmp_path: Path) -> RuntimeSettings:
    prefix = f"system{next(_names)}."
    return RuntimeSettings(kafka=kafka.address, prefix=prefix, partitions=2, folder=tmp_path, _env_file=None)


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)


@pytest.fixture
def control(engine: Engine) -> Iterator[Engine]:
    """Return the same database with the table of what was sent again: they have no name in common."""
    SentAgain.__table__.create(engine)  # type: ignore[attr-defined]  # SQLModel's own
    yield engine
    SentAgain.__table__.drop(engine)  # type: ignore[attr-defined]
