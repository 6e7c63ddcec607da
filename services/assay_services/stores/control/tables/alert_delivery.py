"""Tables of subscriptions to alerts, their messages, and people's responses."""

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
    """The channel of a subscription."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"
    APPRISE = "apprise"
    KAFKA = "kafka"


class Fate(StrEnum):
    """The outcome of a delivery. dead: its retries ran out, or the subscriber's address no longer exists."""

    DUE = "due"
    DELIVERED = "delivered"
    DEAD = "dead"


class Subscription(Control, table=True):
    """One subscription and its filters.

    `target` is the address without secrets; `secrets` is encrypted: the full address, and a webhook's signing secret.
    `severity` is the lowest one sent. The other filters are None for any value; `label` and `annotator` are compared
    with the alert's labels. `states` are separated by blanks. `per_hour`: the most messages an hour before a digest
    collects the rest. `disabled_at`: when the address was found to be gone, or the subscription was paused.
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
    """The current state of an alert. `content` is its last transition, `place` the offset of that on the topic."""

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
    """One transition to be sent to one subscription. `delivery` is the message that contains it; None: none yet."""

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
    """One message to one subscription. Its id and `body` never change, so the receiver can detect repeats."""

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
    """A silence: what it matches, until when, by whom and why."""

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
    """Whether an alert was useful or noise: one rating for each time that it fired (`since`)."""

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
    """An order to the alerts service; `sent_at` is None until it is published."""

    __tablename__ = "asked_orders"

    number: int | None = Field(default=None, primary_key=True)
    project: str = Field(default="", max_length=256)
    content: dict[str, Any] = _json()
    created_at: datetime = moment()
    sent_at: datetime | None = moment(optional=True)


class AlertsPlace(Control, table=True):
    """The next offset of the topic `alerts` of one Kafka; written in the transaction with the notices."""

    __tablename__ = "alerts_places"

    source: str = Field(primary_key=True, max_length=400)
    position: int
