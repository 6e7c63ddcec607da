"""Dead letters in an archive and what was sent of them again: on SQLite, and on PostgreSQL where one is installed."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assay_services.archive.store import Store
from assay_services.devtools.local_broker import LocalBroker
from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.control.tables.dead_letter_resends import SentAgain
from tests.services.conftest import database, engine

_names = itertools.count(1)
__all__ = ("database", "engine")


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
