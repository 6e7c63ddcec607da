"""Tables for the console's frequent queries: votes, findings, counts by triggers, newest readings, history, conduct."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from assay_services.stores.archive.migrations import count_triggers

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KINDS: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "whole": sa.BigInteger(),
    "moment": sa.DateTime(timezone=True),
    "json": sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
    "float": sa.Float(),
    "bool": sa.Boolean(),
}
_RECORD = {"source": "whole", "kafka_partition": "whole", "kafka_offset": "whole"}
_MANY = sa.text("(scope ->> 'annotators') IS NULL")
_TEXTS = sa.text("label_kind = 'text'")


def upgrade() -> None:
    """Create the tables, fill them from existing rows, and create the triggers that maintain the counts."""
    _votes()
    _objections()
    _consensus_history()
    _readings_now()
    _conduct()
    _contracts()
    _statuses()
    op.create_index(
        "readings_of_many", "readings", ["project", "time_window", "as_of"], sqlite_where=_MANY, postgresql_where=_MANY
    )
    for name in ("annotations_by_annotator", "annotations_by_label"):  # `votes` has similar ones; each cost a tenth
        op.drop_index(name, "annotations")
    dialect = op.get_bind().dialect.name
    for statement in (*count_triggers.triggers(dialect), *count_triggers.filling(dialect)):
        op.get_bind().exec_driver_sql(statement)


def _table(name: str, key: Iterable[str], **columns: str) -> None:
    """Create a table; a kind that ends in `?` may be NULL."""
    made = [
        sa.Column(column, _KINDS[kind.rstrip("?")], nullable=kind.endswith("?")) for column, kind in columns.items()
    ]
    op.create_table(name, *made, sa.PrimaryKeyConstraint(*key))


def _votes() -> None:
    _table(
        "votes", ("project", "item", "annotator"),
        project="text", item="text", annotator="text", annotator_kind="text", id="text", live="bool", label="text?",
        label_kind="text?", occurred_at="moment", judged_at="moment", lead_time_seconds="float?", flagged="bool",
        label_probability="float?", predicted="text?", predicted_probability="float?", contract_version="whole",
        **_RECORD,
    )  # fmt: skip
    op.create_index("votes_by_annotator", "votes", ["project", "annotator", "occurred_at"])
    op.create_index(
        "votes_by_label", "votes", ["project", "label", "item"], sqlite_where=_TEXTS, postgresql_where=_TEXTS
    )
    _table(
        "vote_counts", ("project", "annotator", "label"),
        project="text", annotator="text", label="text", n="whole", flagged="whole", timed="whole", milliseconds="whole",
    )  # fmt: skip
    _table(
        "verdict_counts", ("project", "minute", "verdict", "flagged"),
        project="text", minute="moment", verdict="text", flagged="whole", n="whole",
    )  # fmt: skip


def _statuses() -> None:
    _table(
        "rule_counts", ("project", "rule", "action", "annotator"),
        project="text", rule="text", action="text", annotator="text", n="whole",
    )  # fmt: skip
    _table(
        "status_counts", ("project", "status", "label"), project="text", status="text", label="text", n="whole"
    )  # fmt: skip


def _contracts() -> None:
    _table(
        "contracts", ("source", "kafka_partition", "kafka_offset"),
        **_RECORD, project="text", version="whole?", contract="json?", came_at="moment",
    )  # fmt: skip
    op.create_index("contracts_by_project", "contracts", ["project", "came_at"])


def _objections() -> None:
    _table(
        "objections", ("source", "verdict", "kafka_partition", "kafka_offset", "number"),
        **_RECORD, verdict="text", number="whole", project="text", item="text", annotator="text", annotation="text",
        rule="text", action="text", message="text", path="text", occurred_at="moment",
    )  # fmt: skip
    op.create_index("objections_by_rule", "objections", ["project", "rule", "action", "occurred_at"])
    op.create_index("objections_by_annotator", "objections", ["project", "annotator", "rule"])
    op.create_index("objections_by_item", "objections", ["project", "item"])


def _consensus_history() -> None:
    _table(
        "consensus_history", ("project", "item", "as_of", "source", "kafka_partition", "kafka_offset"),
        project="text", item="text", as_of="moment", **_RECORD,
        label="text?", probability="float?", votes="whole", status="text",
    )  # fmt: skip


def _readings_now() -> None:
    _table(
        "readings_now", ("project", "kind", "time_window", "coefficient", "subject", "subject_value"),
        project="text", kind="text", time_window="text", coefficient="text", subject="text", subject_value="text",
        value="float?", low="float?", high="float?", items="whole", annotators="whole", window_start="moment",
        window_end="moment", as_of="moment", **_RECORD,
    )  # fmt: skip


def _conduct() -> None:
    _table(
        "conduct", ("project", "annotator"),
        project="text", annotator="text", annotations="whole", compared="whole?", agreement="float?",
        agreement_low="float?", agreement_high="float?", median_seconds="float?", standing="json", report="json",
        as_of="moment",
    )  # fmt: skip


def downgrade() -> None:
    """Drop them."""
    for statement in count_triggers.without(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
    op.drop_index("readings_of_many", "readings")
    op.create_index("annotations_by_annotator", "annotations", ["project", "annotator", "occurred_at"])
    op.create_index(
        "annotations_by_label",
        "annotations",
        ["project", "label", "occurred_at"],
        sqlite_where=_TEXTS,
        postgresql_where=_TEXTS,
    )
    for name in (
        "votes", "vote_counts", "verdict_counts", "objections", "consensus_history", "readings_now", "conduct",
        "contracts", "status_counts",
        "rule_counts",
    ):  # fmt: skip
        op.drop_table(name)
