"""A control database and an archive for reviewers: in SQLite, and in a real PostgreSQL where one is installed."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from assay_services.devtools.local_broker import LocalBroker
from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.archive.tables import ReviewRow
from assay_services.stores.control.tables.connections_and_keys import Control
from assay_services.stores.control.tables.reviews import ReviewClaim
from tests.support.postgres import LocalPostgres

_names = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Return one database with the tables of both: they have no name in common."""
    if request.param == "sqlite":
        made = create_engine(f"sqlite:///{tmp_path / 'both.db'}", connect_args={"timeout": 30})
    else:
        server: LocalPostgres = request.getfixturevalue("postgres")
        made = create_engine(server.create(f"review_{next(_names)}").replace("postgresql://", "postgresql+psycopg://"))
    Control.metadata.create_all(made, tables=[table for table in _tables() if table.name.startswith("review_")])
    ReviewRow.metadata.create_all(made, tables=[ReviewRow.__table__])  # type: ignore[attr-defined]
    yield made
    made.dispose()


@pytest.fixture
def settings(kafka: LocalBroker, tmp_path: Path) -> RuntimeSettings:
    return RuntimeSettings(
        kafka=kafka.address, prefix=f"review{next(_names)}.", partitions=2, folder=tmp_path, _env_file=None
    )


def _tables() -> list:  # type: ignore[type-arg]
    return list(ReviewClaim.metadata.tables.values())
