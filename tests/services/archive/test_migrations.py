"""Tables and migrations say the same, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine
from sqlmodel import SQLModel

from schemas.tables import TABLES
from services.archive.migrate import upgrade, version


def test_migrations_leave_nothing_that_autogenerate_would_change(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, SQLModel.metadata)

    assert differences == []
    assert {str(one.__tablename__) for one in TABLES} == set(SQLModel.metadata.tables)


def test_a_second_upgrade_changes_nothing(engine: Engine) -> None:
    before = version(engine)

    upgrade(engine)

    assert version(engine) == before
    assert before[0] == before[1] is not None
