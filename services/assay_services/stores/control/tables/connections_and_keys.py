"""Tables of API keys and connections to platforms.

They are separate from the archive: an archive can be rebuilt from the topics, these tables cannot.
"""

# pyright: reportAssignmentType=false
# SQLModel's own typing: `__tablename__` is a plain text in every table.

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, MetaData
from sqlmodel import Field, SQLModel

from assay_services.stores.columns import moment


class Control(SQLModel):
    """The base of all control tables, with separate metadata: the archive's migrations do not see them."""

    metadata = MetaData()


class Scope(StrEnum):
    """What a key may do: send annotations, read, review, or everything."""

    WRITE = "write"
    READ = "read"
    REVIEW = "review"
    ADMIN = "admin"


class ApiKey(Control, table=True):
    """One key. `id` is its public part; only the SHA-256 of the secret is stored, enough for 256 random bits."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True, max_length=16)
    name: str = Field(max_length=200)
    digest: str = Field(max_length=64)
    scopes: str = Field(max_length=100)
    created_at: datetime = moment()
    revoked_at: datetime | None = moment(optional=True)
    last_used_at: datetime | None = moment(optional=True)

    def allows(self, scope: Scope) -> bool:
        """Return whether the key is valid and has this scope; an admin key has every scope."""
        return self.revoked_at is None and bool({scope.value, Scope.ADMIN.value} & set(self.scopes.split()))


class Connection(Control, table=True):
    """One platform project that annotations come from.

    `project` is Assay's, `platform_project` the platform's. `secrets` is encrypted: the webhook's secrets, the newest
    first, and the token of the platform's API. `settings`: chosen by a person (controls, fields). `watermark` is the
    platform's time up to which it was polled, in the platform's format. The counts: accepted webhooks, annotations that
    only reconciliation found, annotations that were already known, refused deliveries.
    """

    __tablename__ = "connections"

    name: str = Field(primary_key=True, max_length=100)
    platform: str = Field(max_length=40)
    project: str = Field(max_length=256)
    platform_project: str | None = Field(default=None, max_length=256)
    url: str | None = Field(default=None, max_length=2_000)
    secrets: str
    settings: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    write_back: bool = False
    created_at: datetime = moment()
    watermark: str | None = Field(default=None, max_length=64)
    polled_at: datetime | None = moment(optional=True)
    swept_at: datetime | None = moment(optional=True)
    last_event_at: datetime | None = moment(optional=True)
    problem: str | None = Field(default=None, max_length=500)
    webhooks: int = 0
    recovered: int = 0
    duplicates: int = 0
    refused: int = 0


class HeldAnnotation(Control, table=True):
    """An annotation of a platform as last published, for deletions that carry only its id and for comparisons.

    `event` is the id of the published annotation.
    """

    __tablename__ = "held_annotations"

    connection: str = Field(primary_key=True, max_length=100)
    annotation: str = Field(primary_key=True, max_length=256)
    item: str = Field(max_length=256, index=True)
    annotator: str = Field(max_length=256)
    project: str = Field(max_length=256)
    event: str = Field(max_length=256)
    occurred_at: datetime = moment()


class HeldThing(Control, table=True):
    """The platform's id of an annotation's task or record, where it is not the item's id (`item_field`)."""

    __tablename__ = "held_things"

    connection: str = Field(primary_key=True, max_length=100)
    annotation: str = Field(primary_key=True, max_length=256)
    thing: str = Field(max_length=256, index=True)


class UnreadCount(Control, table=True):
    """How many parts of one tag or shape were left out of a connection's annotations."""

    __tablename__ = "unread_counts"

    connection: str = Field(primary_key=True, max_length=100)
    what: str = Field(primary_key=True, max_length=100)
    count: int = 0


class EndedAnnotation(Control, table=True):
    """The newest deletion of an annotator's annotation of an item.

    An older annotation of that annotator must be published again to count, because downstream only the newest one does.
    `event` is the id of the deletion.
    """

    __tablename__ = "ended_annotations"

    connection: str = Field(primary_key=True, max_length=100)
    item: str = Field(primary_key=True, max_length=256)
    annotator: str = Field(primary_key=True, max_length=256)
    at: datetime = moment()
    event: str = Field(max_length=256)


class KeptCopy(Control, table=True):
    """The compressed last copy of a thing on a platform whose changes can only be found by comparison."""

    __tablename__ = "kept_copies"

    connection: str = Field(primary_key=True, max_length=100)
    thing: str = Field(primary_key=True, max_length=256)
    content: bytes


class Intention(Control, table=True):
    """Annotations that reconciliation is about to publish: if the process ends before, they are published again.

    `content` is a compressed JSON list of them.
    """

    __tablename__ = "intentions"

    number: int | None = Field(default=None, primary_key=True)
    connection: str = Field(max_length=100, index=True)
    content: bytes
