"""The tables of the archive: the topics as rows, for SQL queries and the console.

`source` identifies the Kafka that a row comes from, `kafka_partition` and `kafka_offset` its record. A label is text: a
text unchanged, anything else as JSON; `label_kind` is `text`, `number` or `list`.
"""

# pyright: reportAssignmentType=false
# SQLModel's own typing: `__tablename__` is a plain text in every table.

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from assay_schemas.json_data import Json
from assay_services.stores.columns import Moment, moment

_TEXTS = text("label_kind = 'text'")
_OF_MANY = text("(scope ->> 'annotators') IS NULL")
JSON_TEXT = JSON().with_variant(JSONB(), "postgresql")


def _json(*, optional: bool = False) -> Json:
    return Field(default=None if optional else ..., sa_column=Column(JSON_TEXT, nullable=optional))


def _whole(*, key: bool = False) -> Json:
    return Field(sa_column=Column(BigInteger(), primary_key=key, nullable=False, autoincrement=False))


def _text(*, optional: bool = False, key: bool = False) -> Json:
    kind = Column(Text(), primary_key=key, nullable=optional and not key)
    return Field(default=None if optional else ..., sa_column=kind)


class SourceRow(SQLModel, table=True):
    """A Kafka that the archive reads: its cluster, and the prefix of its topics."""

    __tablename__ = "sources"
    __table_args__ = (Index("sources_by_name", "cluster", "prefix", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    cluster: str = _text()
    prefix: str = _text()


class OffsetRow(SQLModel, table=True):
    """The archive's offset in one partition, written in the transaction of the rows.

    `position` is the next offset to read, `records` the number of records read, `unreadable` how many of them are in
    that table, `forgotten` how many were left out because their item or annotator was erased.
    """

    __tablename__ = "offsets"

    source: int = _whole(key=True)
    topic: str = _text(key=True)
    kafka_partition: int = _whole(key=True)
    position: int = _whole()
    records: int = _whole()
    unreadable: int = _whole()
    forgotten: int = _whole()
    moved_at: datetime = moment()


class AnnotationRow(SQLModel, table=True):
    """One judged annotation, validated or rejected. Rows are only added; live_annotations has the ones that count."""

    __tablename__ = "annotations"
    __table_args__ = (
        Index("annotations_by_time", "project", "occurred_at"),
        Index("annotations_by_item", "project", "item", "annotator"),
    )

    source: int = _whole(key=True)
    verdict: str = _text(key=True)
    kafka_partition: int = _whole(key=True)
    kafka_offset: int = _whole(key=True)
    id: str = _text()
    action: str = _text()
    project: str = _text()
    item: str = _text()
    annotator: str = _text()
    annotator_kind: str = _text()
    label: str | None = _text(optional=True)
    label_kind: str | None = _text(optional=True)
    prelabel: str | None = _text(optional=True)
    prelabel_kind: str | None = _text(optional=True)
    occurred_at: datetime = moment()
    created_at: datetime | None = moment(optional=True)
    judged_at: datetime = moment()
    lead_time_seconds: float | None = None
    platform: str | None = _text(optional=True)
    platform_project: str | None = _text(optional=True)
    platform_annotation: str | None = _text(optional=True)
    attributes: dict[str, str] = _json()
    findings: list[dict[str, str]] = _json()
    label_probability: float | None = None
    predicted: str | None = _text(optional=True)
    predicted_probability: float | None = None
    below_threshold: bool | None = None
    contract_version: int = _whole()


class ItemRow(SQLModel, table=True):
    """An item as in its newest annotation (of any verdict).

    `seen_at` is when that was made, `seen_in` its id; `described` is false if all annotations had only the item's id.
    """

    __tablename__ = "items"

    project: str = _text(key=True)
    item: str = _text(key=True)
    text: str | None = _text(optional=True)
    features: list[float] | None = _json(optional=True)
    media: dict[str, Any] | None = _json(optional=True)
    gold: str | None = _text(optional=True)
    gold_kind: str | None = _text(optional=True)
    attributes: dict[str, str] = _json()
    described: bool
    seen_at: datetime = moment()
    seen_in: str = _text()


class ConsensusRow(SQLModel, table=True):
    """The newest consensus of an item."""

    __tablename__ = "consensus"
    __table_args__ = (Index("consensus_by_status", "project", "status", "as_of"),)

    project: str = _text(key=True)
    item: str = _text(key=True)
    label: str | None = _text(optional=True)
    label_kind: str | None = _text(optional=True)
    probability: float | None = None
    probabilities: dict[str, float] = _json()
    votes: int = _whole()
    status: str = _text()
    contract_version: int = _whole()
    as_of: datetime = moment()


class CorrectionRow(SQLModel, table=True):
    """A correction of an annotation, or (`retracts`) its retraction. Rows are only added."""

    __tablename__ = "corrections"
    __table_args__ = (
        Index("corrections_by_time", "project", "as_of"),
        Index("corrections_by_item", "project", "item"),
        Index("corrections_by_annotator", "project", "annotator", "as_of"),
        Index("corrections_retracted", "retracts"),
    )

    source: int = _whole(key=True)
    kafka_partition: int = _whole(key=True)
    kafka_offset: int = _whole(key=True)
    id: str = _text()
    project: str = _text()
    item: str = _text()
    annotator: str = _text()
    annotation: str = _text()
    was: str = _text()
    was_kind: str = _text()
    label: str | None = _text(optional=True)
    label_kind: str | None = _text(optional=True)
    probability: float | None = None
    retracts: str | None = _text(optional=True)
    reason: str = _text()
    contract_version: int = _whole()
    as_of: datetime = moment()


class ReadingRow(SQLModel, table=True):
    """One reading of agreement. `time_window` is its length as the contract writes it."""

    __tablename__ = "readings"
    __table_args__ = (
        Index("readings_by_time", "project", "time_window", "window_end"),
        Index("readings_of_many", "project", "time_window", "as_of", sqlite_where=_OF_MANY, postgresql_where=_OF_MANY),
    )

    source: int = _whole(key=True)
    kafka_partition: int = _whole(key=True)
    kafka_offset: int = _whole(key=True)
    project: str = _text()
    coefficient: str = _text()
    value: float | None = None
    low: float | None = None
    high: float | None = None
    items: int = _whole()
    annotators: int = _whole()
    time_window: str = _text()
    window_start: datetime = moment()
    window_end: datetime = moment()
    scope: dict[str, str] = _json()
    as_of: datetime = moment()


class ReliabilityRow(SQLModel, table=True):
    """The newest estimate of an annotator's accuracy."""

    __tablename__ = "reliability"

    project: str = _text(key=True)
    annotator: str = _text(key=True)
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    votes: int = _whole()
    confusion: dict[str, dict[str, float]] = _json()
    as_of: datetime = moment()


class SignalRow(SQLModel, table=True):
    """A signal about an annotator. Rows are only added.

    `as_of` is the event time of the detection, `since` the estimated start; `peer` the other one of a pair, else ''.
    """

    __tablename__ = "signals"
    __table_args__ = (
        Index("signals_by_time", "project", "as_of"),
        Index("signals_by_annotator", "project", "annotator", "as_of"),
    )

    source: int = _whole(key=True)
    kafka_partition: int = _whole(key=True)
    kafka_offset: int = _whole(key=True)
    id: str = _text()
    project: str = _text()
    annotator: str = _text()
    detector: str = _text()
    peer: str = _text()
    state: str = _text()
    since: datetime = moment()
    since_low: datetime = moment()
    since_high: datetime = moment()
    as_of: datetime = moment()
    e_value: float
    false_alarm_level: float
    false_discovery_level: float
    evidence: dict[str, Any] = _json()


class AlertRow(SQLModel, table=True):
    """One transition of an alert. Rows are only added; current_alerts has the active ones.

    `as_of` is its event time. `hushed`: silenced or inhibited, so nobody was notified. `annotator` and `peer` are '' if
    the alert is not about an annotator.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("alerts_by_time", "project", "as_of"),
        Index("alerts_by_id", "id", "source", "kafka_offset"),
    )

    source: int = _whole(key=True)
    kafka_partition: int = _whole(key=True)
    kafka_offset: int = _whole(key=True)
    id: str = _text()
    transition: str = _text()
    project: str = _text()
    rule: str = _text()
    state: str = _text()
    was: str | None = _text(optional=True)
    severity: str = _text()
    annotator: str = _text()
    peer: str = _text()
    as_of: datetime = moment()
    since: datetime = moment()
    value: float | None = None
    threshold: float | None = None
    labels: dict[str, str] = _json()
    summary: str = _text()
    acknowledged_by: str | None = _text(optional=True)
    hushed: bool
    flapping: bool
    evidence: dict[str, Any] = _json()


class ReviewRow(SQLModel, table=True):
    """An item that needs a review; the row is deleted when it no longer does."""

    __tablename__ = "reviews"
    __table_args__ = (Index("reviews_by_priority", "project", "priority"),)

    project: str = _text(key=True)
    item: str = _text(key=True)
    reason: str = _text()
    priority: float
    label: str | None = _text(optional=True)
    label_kind: str | None = _text(optional=True)
    probability: float | None = None
    votes: int = _whole()
    as_of: datetime = moment()


class DeadRow(SQLModel, table=True):
    """The bytes of a dead letter, with the reason; `key` is the record's own, as text."""

    __tablename__ = "dead"
    __table_args__ = (Index("dead_by_time", "judged_at"),)

    source: int = _whole(key=True)
    kafka_partition: int = _whole(key=True)
    kafka_offset: int = _whole(key=True)
    key: str | None = _text(optional=True)
    reason: str = _text()
    field: str = _text()
    message: str = _text()
    value: bytes | None = Field(default=None, sa_column=Column(LargeBinary(), nullable=True))
    judged_at: datetime = moment()


class UnreadableRow(SQLModel, table=True):
    """A record that could not become a row, unchanged, and why."""

    __tablename__ = "unreadable"

    source: int = _whole(key=True)
    topic: str = _text(key=True)
    kafka_partition: int = _whole(key=True)
    kafka_offset: int = _whole(key=True)
    key: bytes | None = Field(default=None, sa_column=Column(LargeBinary(), nullable=True))
    value: bytes | None = Field(default=None, sa_column=Column(LargeBinary(), nullable=True))
    reason: str = _text()
    came_at: datetime = moment()


class VoteRow(SQLModel, table=True):
    """An annotator's newest validated annotation of an item; `live`: it has a label, neither deleted nor skipped.

    The view live_annotations computes the same by comparison; this table has it ready for frequent queries.
    """

    __tablename__ = "votes"
    __table_args__ = (
        Index("votes_by_annotator", "project", "annotator", "occurred_at"),
        Index("votes_by_label", "project", "label", "item", sqlite_where=_TEXTS, postgresql_where=_TEXTS),
    )

    project: str = _text(key=True)
    item: str = _text(key=True)
    annotator: str = _text(key=True)
    annotator_kind: str = _text()
    id: str = _text()
    live: bool
    label: str | None = _text(optional=True)
    label_kind: str | None = _text(optional=True)
    occurred_at: datetime = moment()
    judged_at: datetime = moment()
    lead_time_seconds: float | None = None
    flagged: bool
    label_probability: float | None = None
    predicted: str | None = _text(optional=True)
    predicted_probability: float | None = None
    contract_version: int = _whole()
    source: int = _whole()
    kafka_partition: int = _whole()
    kafka_offset: int = _whole()


class VoteCountRow(SQLModel, table=True):
    """The number of live votes per label and annotator, maintained by triggers on `votes`.

    `label` is shortened to 200 characters, and '' for lists. `milliseconds` sums the lead times of `timed` votes.
    """

    __tablename__ = "vote_counts"

    project: str = _text(key=True)
    annotator: str = _text(key=True)
    label: str = _text(key=True)
    n: int = _whole()
    flagged: int = _whole()
    timed: int = _whole()
    milliseconds: int = _whole()


class VerdictCountRow(SQLModel, table=True):
    """The number of annotations judged per minute, maintained by triggers on `annotations`. `flagged` is 0 or 1."""

    __tablename__ = "verdict_counts"

    project: str = _text(key=True)
    minute: datetime = Field(sa_column=Column(Moment(), primary_key=True, nullable=False))
    verdict: str = _text(key=True)
    flagged: int = _whole(key=True)
    n: int = _whole()


class StatusCountRow(SQLModel, table=True):
    """The number of items per status and label ('': none), maintained by triggers on `consensus`."""

    __tablename__ = "status_counts"

    project: str = _text(key=True)
    status: str = _text(key=True)
    label: str = _text(key=True)
    n: int = _whole()


class CountingRow(SQLModel, table=True):
    """A sentinel within the archive's SQLite transactions: rows numbered higher are counted without triggers."""

    __tablename__ = "counting"

    since: int = _whole(key=True)


class ObjectionRow(SQLModel, table=True):
    """One rule's finding about one annotation, as a row of its own."""

    __tablename__ = "objections"
    __table_args__ = (
        Index("objections_by_rule", "project", "rule", "action", "occurred_at"),
        Index("objections_by_annotator", "project", "annotator", "rule"),
        Index("objections_by_item", "project", "item"),
    )

    source: int = _whole(key=True)
    verdict: str = _text(key=True)
    kafka_partition: int = _whole(key=True)
    kafka_offset: int = _whole(key=True)
    number: int = _whole(key=True)
    project: str = _text()
    item: str = _text()
    annotator: str = _text()
    annotation: str = _text()
    rule: str = _text()
    action: str = _text()
    message: str = _text()
    path: str = _text()
    occurred_at: datetime = moment()


class RuleCountRow(SQLModel, table=True):
    """The number of a rule's findings per annotator, maintained by triggers on `objections`."""

    __tablename__ = "rule_counts"

    project: str = _text(key=True)
    rule: str = _text(key=True)
    action: str = _text(key=True)
    annotator: str = _text(key=True)
    n: int = _whole()


class ConsensusChangeRow(SQLModel, table=True):
    """The consensus of an item at one moment. Rows are only added."""

    __tablename__ = "consensus_history"

    project: str = _text(key=True)
    item: str = _text(key=True)
    as_of: datetime = Field(sa_column=Column(Moment(), primary_key=True, nullable=False))
    source: int = _whole(key=True)
    kafka_partition: int = _whole(key=True)
    kafka_offset: int = _whole(key=True)
    label: str | None = _text(optional=True)
    probability: float | None = None
    votes: int = _whole()
    status: str = _text()


class ReadingNowRow(SQLModel, table=True):
    """The newest reading of each window, coefficient and scope.

    `kind` is `all`, `label`, `attribute` or `pair`; `subject` the label, the attribute or `a|b`; `subject_value` the
    attribute's value.
    """

    __tablename__ = "readings_now"

    project: str = _text(key=True)
    kind: str = _text(key=True)
    time_window: str = _text(key=True)
    coefficient: str = _text(key=True)
    subject: str = _text(key=True)
    subject_value: str = _text(key=True)
    value: float | None = None
    low: float | None = None
    high: float | None = None
    items: int = _whole()
    annotators: int = _whole()
    window_start: datetime = moment()
    window_end: datetime = moment()
    as_of: datetime = moment()
    source: int = _whole()
    kafka_partition: int = _whole()
    kafka_offset: int = _whole()


class ConductRow(SQLModel, table=True):
    """The newest conduct report about an annotator. `report` omits the peers, who are named in `readings_now`."""

    __tablename__ = "conduct"

    project: str = _text(key=True)
    annotator: str = _text(key=True)
    annotations: int = _whole()
    compared: int | None = Field(default=None, sa_column=Column(BigInteger(), nullable=True))
    agreement: float | None = None
    agreement_low: float | None = None
    agreement_high: float | None = None
    median_seconds: float | None = None
    standing: list[str] = _json()
    report: dict[str, Any] = _json()
    as_of: datetime = moment()


class ContractRow(SQLModel, table=True):
    """A contract that was put in force; without version and content, it was withdrawn."""

    __tablename__ = "contracts"
    __table_args__ = (Index("contracts_by_project", "project", "came_at"),)

    source: int = _whole(key=True)
    kafka_partition: int = _whole(key=True)
    kafka_offset: int = _whole(key=True)
    project: str = _text()
    version: int | None = Field(default=None, sa_column=Column(BigInteger(), nullable=True))
    contract: dict[str, Any] | None = _json(optional=True)
    came_at: datetime = moment()


class ForgottenRow(SQLModel, table=True):
    """An erased item or annotator, as a hash, to leave out its records that are still in flight.

    `kind` is `item` or `annotator`. `pseudonym` replaces an annotator's name; None: the rows are left out.
    """

    __tablename__ = "forgotten"

    mark: str = _text(key=True)
    kind: str = _text()
    pseudonym: str | None = _text(optional=True)
    forgotten_at: datetime = moment()


TABLES: tuple[type[SQLModel], ...] = (
    SourceRow, OffsetRow, AnnotationRow, ItemRow, ConsensusRow, CorrectionRow, ReadingRow, ReliabilityRow, ReviewRow,
    SignalRow, AlertRow, DeadRow, UnreadableRow, ForgottenRow, VoteRow, VoteCountRow, VerdictCountRow, StatusCountRow,
    ObjectionRow, RuleCountRow, ConsensusChangeRow, ReadingNowRow, ConductRow, ContractRow, CountingRow,
)  # fmt: skip
