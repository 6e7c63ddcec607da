"""Signals about annotators."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.Text()
_WHOLE = sa.BigInteger()
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "signals",
        *(sa.Column(name, _WHOLE, nullable=False) for name in ("source", "kafka_partition", "kafka_offset")),
        *(
            sa.Column(name, _TEXT, nullable=False)
            for name in ("id", "project", "annotator", "detector", "peer", "state")
        ),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("since", "since_low", "since_high", "as_of")),
        *(
            sa.Column(name, sa.Float(), nullable=False)
            for name in ("e_value", "false_alarm_level", "false_discovery_level")
        ),
        sa.Column("evidence", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("source", "kafka_partition", "kafka_offset"),
    )
    op.create_index("signals_by_time", "signals", ["project", "as_of"])
    op.create_index("signals_by_annotator", "signals", ["project", "annotator", "as_of"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("signals")
