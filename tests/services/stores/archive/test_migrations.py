"""Tables and migrations say the same, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine
from sqlmodel import SQLModel

from assay_services.stores.archive.schema_upgrade import newest_version, upgrade
from assay_services.stores.archive.tables import TABLES


def test_migrations_leave_nothing_that_autogenerate_would_change(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, SQLModel.metadata)

    assert differences == []
    assert {str(one.__tablename__) for one in TABLES} == set(SQLModel.metadata.tables)


def test_a_second_upgrade_changes_nothing(engine: Engine) -> None:
    upgrade(engine)

    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == newest_version()
