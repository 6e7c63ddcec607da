"""Whom alerts are told to, what they were told, and what people said of it: tables of the control database."""

# pyright: reportAssignmentType=false
# SQLModel's own typing: `__tablename__` is a plain text in every table.

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field

from assay_services.stores.columns import Moment, moment
from assay_services.stores.control.tables.connections_and_keys import Control


def _json() -> Any:  # noqa: ANN401  # the same
    return Field(sa_column=Column(JSON, nullable=False))


class Channel(StrEnum):
    """How a subscriber is reached."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"
    APPRISE = "apprise"
    KAFKA = "kafka"


class Fate(StrEnum):
    """What becomes of a delivery. dead: it was tried for as long as it is worth, or nobody takes it any more."""

    DUE = "due"
    DELIVERED = "delivered"
    DEAD = "dead"


class Subscription(Control, table=True):
    """One subscriber, and what they want to hear of.

    `target` is where it goes, without what must not be seen; `secrets` is encrypted: the whole address, and what a
    webhook is signed with. `severity` is the least; the other filters are None where anything goes, `label` and
    `annotator` compare with the alert's labels. `states`, separated by blanks. `per_hour`: so many messages, then a
    digest of what was held back. `disabled_at`: nobody is there any more.
    """

    __tablename__ = "subscriptions"

    name: str = Field(primary_key=True, max_length=100)
    channel: str = Field(max_length=20)
    target: str = Field(max_length=2_000)
    secrets: str
    project: str | None = Field(default=None, max_length=256)
    rule: str | None = Field(default=None, max_length=256)
    annotator: str | None = Field(default=None, max_length=256)
    label: str | None = Field(default=None, max_length=256)
    severity: str = Field(default="info", max_length=20)
    states: str = Field(default="firing resolved", max_length=100)
    per_hour: int = 30
    created_at: datetime = moment()
    disabled_at: datetime | None = moment(optional=True)
    problem: str | None = Field(default=None, max_length=500)


class CurrentAlert(Control, table=True):
    """Each alert as it stands. `content` is its last transition, `place` how far the topic was read then."""

    __tablename__ = "standing_alerts"
    __table_args__ = (Index("standing_alerts_by_state", "state", "at"),)

    id: str = Field(primary_key=True, max_length=64)
    project: str = Field(max_length=256)
    rule: str = Field(max_length=256)
    state: str = Field(max_length=20)
    severity: str = Field(max_length=20)
    at: datetime = moment()
    since: datetime = moment()
    content: dict[str, Any] = _json()


class Notice(Control, table=True):
    """One transition that one subscriber is to be told. `delivery` is the message that it went into."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("notices_once", "subscription", "transition", unique=True),
        Index("notices_waiting", "subscription", "delivery"),
        Index("notices_by_alert", "subscription", "alert", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    subscription: str = Field(max_length=100)
    transition: str = Field(max_length=100)
    alert: str = Field(max_length=64)
    state: str = Field(max_length=20)
    content: dict[str, Any] = _json()
    created_at: datetime = moment()
    delivery: str | None = Field(default=None, max_length=64)


class Delivery(Control, table=True):
    """One message to one subscriber. `body` never changes, nor does the id: a repeat can be told by it."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_due", "subscription", "fate", "next_at"),
        Index("deliveries_by_time", "subscription", "created_at"),
    )

    id: str = Field(primary_key=True, max_length=64)
    subscription: str = Field(max_length=100)
    body: dict[str, Any] = _json()
    alerts: int
    fate: str = Field(default=Fate.DUE.value, max_length=20)
    attempts: int = 0
    created_at: datetime = moment()
    next_at: datetime = moment()
    ended_at: datetime | None = moment(optional=True)
    problem: str | None = Field(default=None, max_length=500)


class SilenceRow(Control, table=True):
    """What people do not want to hear of, until when, by whose wish and why."""

    __tablename__ = "silences"

    id: str = Field(primary_key=True, max_length=64)
    project: str = Field(default="", max_length=256)
    matchers: dict[str, str] = _json()
    until: datetime = moment()
    by: str = Field(max_length=200)
    why: str = Field(max_length=1_000)
    created_at: datetime = moment()
    ended_at: datetime | None = moment(optional=True)


class Feedback(Control, table=True):
    """Whether an alert was useful or noise: one word for each time that it fired (`since`)."""

    __tablename__ = "feedback"

    alert: str = Field(primary_key=True, max_length=64)
    since: datetime = Field(sa_column=Column(Moment(), primary_key=True))
    project: str = Field(max_length=256)
    rule: str = Field(max_length=256)
    useful: bool
    by: str = Field(max_length=200)
    why: str = Field(default="", max_length=1_000)
    at: datetime = moment()


class AskedOrder(Control, table=True):
    """What people asked the alerts for; `sent_at` None while it is on its way to the topic."""

    __tablename__ = "asked_orders"

    number: int | None = Field(default=None, primary_key=True)
    project: str = Field(default="", max_length=256)
    content: dict[str, Any] = _json()
    created_at: datetime = moment()
    sent_at: datetime | None = moment(optional=True)


class AlertsPlace(Control, table=True):
    """How far the topic `alerts` of one Kafka was read; written together with what came of it."""

    __tablename__ = "alerts_places"

    source: str = Field(primary_key=True, max_length=400)
    position: int
