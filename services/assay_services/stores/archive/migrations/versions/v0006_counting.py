"""In SQLite, the archive counts its own inserts with one statement per batch; the triggers are inactive meanwhile."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from assay_services.stores.archive.migrations import count_triggers

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the sentinel table, and triggers that check it."""
    op.create_table("counting", sa.Column("since", sa.BigInteger(), nullable=False), sa.PrimaryKeyConstraint("since"))
    _run(count_triggers.resting(op.get_bind().dialect.name))


def downgrade() -> None:
    """Restore the previous triggers, and drop the table."""
    dialect = op.get_bind().dialect.name
    _run(count_triggers.without(dialect))
    _run(count_triggers.triggers(dialect))
    op.drop_table("counting")


def _run(statements: Iterable[str]) -> None:
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)
