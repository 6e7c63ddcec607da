"""The tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text()
_WHOLE = sa.BigInteger()
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_IS_TEXT = sa.text("label_kind = 'text'")


def upgrade() -> None:
    """Create the tables."""
    _bookkeeping()
    _annotations()
    _items()
    _findings()
    _annotators()


def _bookkeeping() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cluster", _TEXT, nullable=False),
        sa.Column("prefix", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sources_by_name", "sources", ["cluster", "prefix"], unique=True)
    op.create_table(
        "offsets",
        sa.Column("source", _WHOLE, nullable=False),
        sa.Column("topic", _TEXT, nullable=False),
        sa.Column("kafka_partition", _WHOLE, nullable=False),
        sa.Column("position", _WHOLE, nullable=False),
        sa.Column("records", _WHOLE, nullable=False),
        sa.Column("unreadable", _WHOLE, nullable=False),
        sa.Column("forgotten", _WHOLE, nullable=False),
        sa.Column("moved_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("source", "topic", "kafka_partition"),
    )
    op.create_table(
        "unreadable",
        sa.Column("source", _WHOLE, nullable=False),
        sa.Column("topic", _TEXT, nullable=False),
        sa.Column("kafka_partition", _WHOLE, nullable=False),
        sa.Column("kafka_offset", _WHOLE, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("came_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("source", "topic", "kafka_partition", "kafka_offset"),
    )
    op.create_table(
        "forgotten",
        sa.Column("mark", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("pseudonym", _TEXT, nullable=True),
        sa.Column("forgotten_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("mark"),
    )


def _annotations() -> None:
    op.create_table(
        "annotations",
        sa.Column("source", _WHOLE, nullable=False),
        sa.Column("verdict", _TEXT, nullable=False),
        sa.Column("kafka_partition", _WHOLE, nullable=False),
        sa.Column("kafka_offset", _WHOLE, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("action", _TEXT, nullable=False),
        sa.Column("project", _TEXT, nullable=False),
        sa.Column("item", _TEXT, nullable=False),
        sa.Column("annotator", _TEXT, nullable=False),
        sa.Column("annotator_kind", _TEXT, nullable=False),
        sa.Column("label", _TEXT, nullable=True),
        sa.Column("label_kind", _TEXT, nullable=True),
        sa.Column("prelabel", _TEXT, nullable=True),
        sa.Column("prelabel_kind", _TEXT, nullable=True),
        sa.Column("occurred_at", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=True),
        sa.Column("judged_at", _MOMENT, nullable=False),
        sa.Column("lead_time_seconds", sa.Float(), nullable=True),
        sa.Column("platform", _TEXT, nullable=True),
        sa.Column("platform_project", _TEXT, nullable=True),
        sa.Column("platform_annotation", _TEXT, nullable=True),
        sa.Column("attributes", _JSON, nullable=False),
        sa.Column("findings", _JSON, nullable=False),
        sa.Column("label_probability", sa.Float(), nullable=True),
        sa.Column("predicted", _TEXT, nullable=True),
        sa.Column("predicted_probability", sa.Float(), nullable=True),
        sa.Column("below_threshold", sa.Boolean(), nullable=True),
        sa.Column("contract_version", _WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("source", "verdict", "kafka_partition", "kafka_offset"),
    )
    op.create_index("annotations_by_annotator", "annotations", ["project", "annotator", "occurred_at"])
    op.create_index("annotations_by_item", "annotations", ["project", "item", "annotator"])
    op.create_index(
        "annotations_by_label",
        "annotations",
        ["project", "label", "occurred_at"],
        sqlite_where=_IS_TEXT,
        postgresql_where=_IS_TEXT,
    )
    op.create_index("annotations_by_time", "annotations", ["project", "occurred_at"])


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("project", _TEXT, nullable=False),
        sa.Column("item", _TEXT, nullable=False),
        sa.Column("text", _TEXT, nullable=True),
        sa.Column("features", _JSON, nullable=True),
        sa.Column("media", _JSON, nullable=True),
        sa.Column("gold", _TEXT, nullable=True),
        sa.Column("gold_kind", _TEXT, nullable=True),
        sa.Column("attributes", _JSON, nullable=False),
        sa.Column("described", sa.Boolean(), nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("seen_in", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("project", "item"),
    )
    op.create_table(
        "consensus",
        sa.Column("project", _TEXT, nullable=False),
        sa.Column("item", _TEXT, nullable=False),
        sa.Column("label", _TEXT, nullable=True),
        sa.Column("label_kind", _TEXT, nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("probabilities", _JSON, nullable=False),
        sa.Column("votes", _WHOLE, nullable=False),
        sa.Column("status", _TEXT, nullable=False),
        sa.Column("contract_version", _WHOLE, nullable=False),
        sa.Column("as_of", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("project", "item"),
    )
    op.create_index("consensus_by_status", "consensus", ["project", "status", "as_of"])
    op.create_table(
        "reviews",
        sa.Column("project", _TEXT, nullable=False),
        sa.Column("item", _TEXT, nullable=False),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("priority", sa.Float(), nullable=False),
        sa.Column("label", _TEXT, nullable=True),
        sa.Column("label_kind", _TEXT, nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("votes", _WHOLE, nullable=False),
        sa.Column("as_of", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("project", "item"),
    )
    op.create_index("reviews_by_priority", "reviews", ["project", "priority"])


def _findings() -> None:
    op.create_table(
        "corrections",
        sa.Column("source", _WHOLE, nullable=False),
        sa.Column("kafka_partition", _WHOLE, nullable=False),
        sa.Column("kafka_offset", _WHOLE, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("project", _TEXT, nullable=False),
        sa.Column("item", _TEXT, nullable=False),
        sa.Column("annotator", _TEXT, nullable=False),
        sa.Column("annotation", _TEXT, nullable=False),
        sa.Column("was", _TEXT, nullable=False),
        sa.Column("was_kind", _TEXT, nullable=False),
        sa.Column("label", _TEXT, nullable=True),
        sa.Column("label_kind", _TEXT, nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("retracts", _TEXT, nullable=True),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("contract_version", _WHOLE, nullable=False),
        sa.Column("as_of", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("source", "kafka_partition", "kafka_offset"),
    )
    op.create_index("corrections_by_annotator", "corrections", ["project", "annotator", "as_of"])
    op.create_index("corrections_by_item", "corrections", ["project", "item"])
    op.create_index("corrections_by_time", "corrections", ["project", "as_of"])
    op.create_index("corrections_retracted", "corrections", ["retracts"])
    op.create_table(
        "dead",
        sa.Column("source", _WHOLE, nullable=False),
        sa.Column("kafka_partition", _WHOLE, nullable=False),
        sa.Column("kafka_offset", _WHOLE, nullable=False),
        sa.Column("key", _TEXT, nullable=True),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("field", _TEXT, nullable=False),
        sa.Column("message", _TEXT, nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("judged_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("source", "kafka_partition", "kafka_offset"),
    )
    op.create_index("dead_by_time", "dead", ["judged_at"])


def _annotators() -> None:
    op.create_table(
        "readings",
        sa.Column("source", _WHOLE, nullable=False),
        sa.Column("kafka_partition", _WHOLE, nullable=False),
        sa.Column("kafka_offset", _WHOLE, nullable=False),
        sa.Column("project", _TEXT, nullable=False),
        sa.Column("coefficient", _TEXT, nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("items", _WHOLE, nullable=False),
        sa.Column("annotators", _WHOLE, nullable=False),
        sa.Column("time_window", _TEXT, nullable=False),
        sa.Column("window_start", _MOMENT, nullable=False),
        sa.Column("window_end", _MOMENT, nullable=False),
        sa.Column("scope", _JSON, nullable=False),
        sa.Column("as_of", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("source", "kafka_partition", "kafka_offset"),
    )
    op.create_index("readings_by_time", "readings", ["project", "time_window", "window_end"])
    op.create_table(
        "reliability",
        sa.Column("project", _TEXT, nullable=False),
        sa.Column("annotator", _TEXT, nullable=False),
        sa.Column("accuracy", sa.Float(), nullable=False),
        sa.Column("accuracy_low", sa.Float(), nullable=False),
        sa.Column("accuracy_high", sa.Float(), nullable=False),
        sa.Column("votes", _WHOLE, nullable=False),
        sa.Column("confusion", _JSON, nullable=False),
        sa.Column("as_of", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("project", "annotator"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "annotations",
        "consensus",
        "corrections",
        "dead",
        "forgotten",
        "items",
        "offsets",
        "readings",
        "reliability",
        "reviews",
        "sources",
        "unreadable",
    ):
        op.drop_table(name)
