"""What Alembic runs: the migrations on the connection that it is handed, in the transaction that is open there."""

from alembic import context
from sqlmodel import SQLModel

import assay_services.stores.archive.tables  # noqa: F401  # the tables make themselves known

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
context.run_migrations()
