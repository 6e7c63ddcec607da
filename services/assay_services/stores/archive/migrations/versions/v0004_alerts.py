"""Alerts, and a view of the active ones."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.Text()
_WHOLE = sa.BigInteger()
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

_CURRENT_ALERTS = """
SELECT a.* FROM alerts AS a
WHERE a.state <> 'resolved' AND NOT EXISTS (
    SELECT 1 FROM alerts AS b WHERE b.id = a.id AND b.source = a.source AND b.kafka_offset > a.kafka_offset
)
"""


def upgrade() -> None:
    """Create the table and the view."""
    op.create_table(
        "alerts",
        *(sa.Column(name, _WHOLE, nullable=False) for name in ("source", "kafka_partition", "kafka_offset")),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("id", "transition", "project", "rule", "state")),
        sa.Column("was", _TEXT, nullable=True),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("severity", "annotator", "peer")),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("as_of", "since")),
        *(sa.Column(name, sa.Float(), nullable=True) for name in ("value", "threshold")),
        sa.Column("labels", _JSON, nullable=False),
        sa.Column("summary", _TEXT, nullable=False),
        sa.Column("acknowledged_by", _TEXT, nullable=True),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("hushed", "flapping")),
        sa.Column("evidence", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("source", "kafka_partition", "kafka_offset"),
    )
    op.create_index("alerts_by_time", "alerts", ["project", "as_of"])
    op.create_index("alerts_by_id", "alerts", ["id", "source", "kafka_offset"])
    op.execute(f"CREATE VIEW current_alerts AS {_CURRENT_ALERTS}")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP VIEW current_alerts")
    op.drop_table("alerts")
