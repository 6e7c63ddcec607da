"""What Assay is told by those who run it: keys of its HTTP interfaces, connections to platforms.

Kept apart from the archive: an archive can be made anew from the topics, this cannot.
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
    """What all these tables are: in a metadata of their own, which no migration of the archive sees."""

    metadata = MetaData()


class Scope(StrEnum):
    """What a key may do: send annotations, read, review, or everything."""

    WRITE = "write"
    READ = "read"
    REVIEW = "review"
    ADMIN = "admin"


class ApiKey(Control, table=True):
    """One key. `id` is its public part; of the secret only the SHA-256 is kept, which suffices for 256 random bits."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True, max_length=16)
    name: str = Field(max_length=200)
    digest: str = Field(max_length=64)
    scopes: str = Field(max_length=100)
    created_at: datetime = moment()
    revoked_at: datetime | None = moment(optional=True)
    last_used_at: datetime | None = moment(optional=True)

    def allows(self, scope: Scope) -> bool:
        """Tell whether the key is in force and may do this; an admin may do everything."""
        return self.revoked_at is None and bool({scope.value, Scope.ADMIN.value} & set(self.scopes.split()))


class Connection(Control, table=True):
    """One platform project that annotations come from.

    `project` is Assay's, `platform_project` the platform's own. `secrets` is encrypted: the secrets of the webhook, the
    newest first, and the token of the platform's API. `settings`: what a person chose (controls, fields). `watermark`
    is the newest time of the platform up to which it was polled, as the platform writes it. The counts: webhooks
    that were right, annotations that only reconciliation found, those that were known already, deliveries refused.
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
    """An annotation of a platform as it was published last: for deletions that name only its id, and for diffs.

    `event` is the id of what was published.
    """

    __tablename__ = "held_annotations"

    connection: str = Field(primary_key=True, max_length=100)
    annotation: str = Field(primary_key=True, max_length=256)
    item: str = Field(max_length=256, index=True)
    annotator: str = Field(max_length=256)
    project: str = Field(max_length=256)
    event: str = Field(max_length=256)
    occurred_at: datetime = moment()


class EndedAnnotation(Control, table=True):
    """The newest deletion of a person's annotation of an item.

    Whatever else that person says of it from before has to be said again: downstream, the newest of a person counts.
    `event` is the id of the deletion.
    """

    __tablename__ = "ended_annotations"

    connection: str = Field(primary_key=True, max_length=100)
    item: str = Field(primary_key=True, max_length=256)
    annotator: str = Field(primary_key=True, max_length=256)
    at: datetime = moment()
    event: str = Field(max_length=256)


class KeptCopy(Control, table=True):
    """What a platform said of one thing when it was read last, compressed: where only a comparison tells the news."""

    __tablename__ = "kept_copies"

    connection: str = Field(primary_key=True, max_length=100)
    thing: str = Field(primary_key=True, max_length=256)
    content: bytes


class Intention(Control, table=True):
    """Annotations that reconciliation is about to publish: should the process end meanwhile, they are published again.

    `content` is a JSON list of them, compressed.
    """

    __tablename__ = "intentions"

    number: int | None = Field(default=None, primary_key=True)
    connection: str = Field(max_length=100, index=True)
    content: bytes
