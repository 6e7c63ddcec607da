"""Run by Alembic: the migrations, on the given connection and in its open transaction."""

from alembic import context
from sqlmodel import SQLModel

import assay_services.stores.archive.tables  # noqa: F401  # the tables make themselves known

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
context.run_migrations()
