"""What people send to the HTTP interface, and what they see."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from assay_schemas.alert import AlertState
from assay_schemas.alert_rule import Severity
from assay_services.stores.control.alert_actions import Precision
from assay_services.stores.control.subscription_store import SubscriptionRequest
from assay_services.stores.control.tables.alert_delivery import Channel, Delivery, SilenceRow, Subscription

_ShortText = Annotated[str, Field(min_length=1, max_length=256)]
_Why = Annotated[str, Field(max_length=1_000)]


class _RequestBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AckAsked(_RequestBody):
    """Why somebody says that they look at an alert."""

    why: _Why = ""


class FeedbackAsked(_RequestBody):
    """Whether an alert was useful."""

    useful: bool
    why: _Why = ""


class SilenceAsked(_RequestBody):
    """What not to be told of, and for how long. Matchers compare labels, `rule` and `severity`; `*` and `?` help."""

    project: Annotated[str, Field(max_length=256)] = ""
    matchers: dict[_ShortText, _ShortText] = {}
    minutes: Annotated[int, Field(ge=1, le=527_040)]
    why: _Why

    def until(self, now: datetime) -> datetime:
        """Return when it ends."""
        return now + timedelta(minutes=self.minutes)


class SubscriptionAsked(_RequestBody):
    """Whom to tell, and of what."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    channel: Channel
    address: Annotated[str, Field(min_length=1, max_length=4_000)]
    project: _ShortText | None = None
    rule: _ShortText | None = None
    annotator: _ShortText | None = None
    label: _ShortText | None = None
    severity: Severity = Severity.INFO
    states: list[AlertState] = [AlertState.FIRING, AlertState.RESOLVED]
    per_hour: Annotated[int, Field(ge=1, le=100_000)] = 30

    def wish(self) -> SubscriptionRequest:
        """Return it as it is stored."""
        return SubscriptionRequest(**{name: getattr(self, name) for name in type(self).model_fields})


class SubscriptionView(BaseModel):
    """A subscription, without its secrets."""

    name: str
    channel: str
    target: str
    project: str | None
    rule: str | None
    annotator: str | None
    label: str | None
    severity: str
    states: list[str]
    per_hour: int
    created_at: datetime
    disabled_at: datetime | None
    problem: str | None

    @classmethod
    def of(cls, row: Subscription) -> "SubscriptionView":
        """Show one."""
        shown = row.model_dump(exclude={"secrets", "states"})
        return cls(**shown, states=row.states.split())


class Subscribed(BaseModel):
    """A new subscription, and the secret that its messages are signed with: it is shown only now."""

    subscription: SubscriptionView
    secret: str


class SilenceView(BaseModel):
    """A silence."""

    id: str
    project: str
    matchers: dict[str, str]
    until: datetime
    by: str
    why: str
    created_at: datetime

    @classmethod
    def of(cls, row: SilenceRow) -> "SilenceView":
        """Show one."""
        return cls(**row.model_dump(exclude={"ended_at"}))


class DeliveryView(BaseModel):
    """One message: what became of it."""

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
        """Show one."""
        return cls(**row.model_dump())


class PrecisionView(BaseModel):
    """How many of a rule's alerts were useful, of those that people spoke of."""

    project: str
    rule: str
    judged: int
    useful: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, row: Precision) -> "PrecisionView":
        """Show one."""
        return cls(**row._asdict(), share=row.share)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
