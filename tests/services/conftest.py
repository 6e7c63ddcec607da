"""Databases for the archive: each test runs on SQLite, and on a real PostgreSQL where one is installed."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assay_services.archive.settings import ArchiveSettings
from assay_services.archive.store import Store
from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.archive.schema_upgrade import upgrade
from tests.support.postgres import LocalPostgres

_names = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'archive.db'}"
    server: LocalPostgres = request.getfixturevalue("postgres")
    return server.create(f"archive_{next(_names)}")


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """Return a database with all tables."""
    opened = open_engine(database)
    upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)


@pytest.fixture
def archive_settings(settings: RuntimeSettings, database: str) -> ArchiveSettings:
    return ArchiveSettings(**settings.model_dump() | {"database": database}, _env_file=None)
