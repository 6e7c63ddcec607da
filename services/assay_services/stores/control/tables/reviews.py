"""Tables of reviews: which reviewer has which item, and what was decided."""

# pyright: reportAssignmentType=false
# SQLModel's own typing: `__tablename__` is a plain text in every table.

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field

from assay_services.stores.columns import moment
from assay_services.stores.control.tables.connections_and_keys import Control


class ReviewClaim(Control, table=True):
    """An item on a reviewer's screen; nobody else is assigned it before `expires_at`."""

    __tablename__ = "review_claims"

    project: str = Field(primary_key=True, max_length=256)
    item: str = Field(primary_key=True, max_length=256)
    reviewer: str = Field(max_length=256, index=True)
    claimed_at: datetime = moment()
    expires_at: datetime = moment()


class ReviewDecision(Control, table=True):
    """A reviewer's decision; it becomes an annotation of kind `adjudicator` when it is published.

    `id` is the annotation's. `item_shown` is the item as it was shown. `consensus` is the other annotators' label, for
    comparison. `published_at` and `undo_published_at` are None until Kafka has acknowledged them.
    """

    __tablename__ = "review_decisions"
    __table_args__ = (
        Index("review_decisions_by_item", "project", "item"),
        Index("review_decisions_by_reviewer", "reviewer", "decided_at"),
        Index("review_decisions_to_publish", "published_at", "undone_at", "undo_published_at"),
    )

    id: str = Field(primary_key=True, max_length=64)
    project: str = Field(max_length=256)
    item: str = Field(max_length=256)
    reviewer: str = Field(max_length=256)
    label: Any = Field(sa_column=Column(JSON, nullable=False))
    item_shown: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    consensus: Any = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    claimed_at: datetime = moment()
    decided_at: datetime = moment()
    undone_at: datetime | None = moment(optional=True)
    published_at: datetime | None = moment(optional=True)
    undo_published_at: datetime | None = moment(optional=True)
