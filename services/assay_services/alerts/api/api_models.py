"""Request and response models of the HTTP API."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from assay_schemas.alert import AlertState
from assay_schemas.alert_rule import Severity
from assay_schemas.annotation import ALL_PROJECTS, AnnotatorId, ProjectId
from assay_services.stores.control.alert_actions import Precision
from assay_services.stores.control.subscription_store import SubscriptionRequest
from assay_services.stores.control.tables.alert_delivery import Channel, Delivery, SilenceRow, Subscription

_SHORT = Field(min_length=1, max_length=256)
_ShortText = Annotated[str, _SHORT]
_Why = Annotated[str, Field(max_length=1_000)]


class _RequestBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AckAsked(_RequestBody):
    """Why someone acknowledges an alert."""

    why: _Why = ""


class FeedbackAsked(_RequestBody):
    """Whether an alert was useful."""

    useful: bool
    why: _Why = ""


class SilenceAsked(_RequestBody):
    """Which alerts to silence, and for how long. Matchers compare labels, `rule` and `severity`.

    A matcher is the value as it is written; `~` begins a pattern with `*` and `?`.
    """

    project: Annotated[ProjectId, Field(max_length=256)] = ALL_PROJECTS
    matchers: dict[_ShortText, _ShortText] = {}
    minutes: Annotated[int, Field(ge=1, le=527_040)]
    why: _Why

    def until(self, now: datetime) -> datetime:
        """Return when the silence ends."""
        return now + timedelta(minutes=self.minutes)


class SubscriptionAsked(_RequestBody):
    """A subscription to create: its address and its filters."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    channel: Channel
    address: Annotated[str, Field(min_length=1, max_length=4_000)]
    project: Annotated[ProjectId, _SHORT] | None = None
    rule: _ShortText | None = None
    annotator: Annotated[AnnotatorId, _SHORT] | None = None
    label: _ShortText | None = None
    severity: Severity = Severity.INFO
    states: list[AlertState] = [AlertState.FIRING, AlertState.RESOLVED]
    per_hour: Annotated[int, Field(ge=1, le=100_000)] = 30

    def wish(self) -> SubscriptionRequest:
        """Return the request in the form that the store accepts."""
        return SubscriptionRequest(**{name: getattr(self, name) for name in type(self).model_fields})


class SubscriptionView(BaseModel):
    """A subscription, without its secrets."""

    name: str
    channel: str
    target: str
    project: ProjectId | None
    rule: str | None
    annotator: AnnotatorId | None
    label: str | None
    severity: str
    states: list[str]
    per_hour: int
    created_at: datetime
    disabled_at: datetime | None
    problem: str | None

    @classmethod
    def of(cls, row: Subscription) -> "SubscriptionView":
        """Return the view of a stored subscription."""
        shown = row.model_dump(exclude={"secrets", "states"})
        return cls(**shown, states=row.states.split())


class Subscribed(BaseModel):
    """A new subscription, and the signing secret of its messages, which is shown only once."""

    subscription: SubscriptionView
    secret: str


class SilenceView(BaseModel):
    """A silence."""

    id: str
    project: ProjectId
    matchers: dict[str, str]
    until: datetime
    by: str
    why: str
    created_at: datetime

    @classmethod
    def of(cls, row: SilenceRow) -> "SilenceView":
        """Return the view of a stored silence."""
        return cls(**row.model_dump(exclude={"ended_at"}))


class DeliveryView(BaseModel):
    """One message and its fate."""

    id: str
    subscription: str
    alerts: int
    fate: str
    attempts: int
    created_at: datetime
    next_at: datetime
    ended_at: datetime | None
    problem: str | None
    body: dict[str, Any]

    @classmethod
    def of(cls, row: Delivery) -> "DeliveryView":
        """Return the view of a stored message."""
        return cls(**row.model_dump())


class PrecisionView(BaseModel):
    """The share of a rule's rated alerts that were useful, with a 95 % interval."""

    project: ProjectId
    rule: str
    judged: int
    useful: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, row: Precision) -> "PrecisionView":
        """Return the view of a rule's precision."""
        return cls(**row._asdict(), share=row.share)


def now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)
