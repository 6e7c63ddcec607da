"""Subscriptions to alerts in the control database, with encrypted secrets."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from sqlalchemy import Engine, delete, update
from sqlmodel import Session, col, select

from assay_schemas.alert import AlertState
from assay_schemas.alert_rule import Severity
from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_schemas.errors import AssayUserError
from assay_services.stores.control.subscriber_addresses import address_problem
from assay_services.stores.control.tables.alert_delivery import Channel, Delivery, Fate, Notice, Subscription
from assay_services.stores.control.vault import Vault

PAUSED = "paused by"


class SubscriptionError(AssayUserError):
    """A subscription that is invalid or does not exist."""


class NoSuchSubscriptionError(SubscriptionError):
    """No subscription has this name."""


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """A subscription to create. `address`: a URL, or for Kafka a topic."""

    name: str
    channel: Channel
    address: str
    project: ProjectId | None = None
    rule: str | None = None
    annotator: AnnotatorId | None = None
    label: str | None = None
    severity: Severity = Severity.INFO
    states: Sequence[AlertState] = (AlertState.FIRING, AlertState.RESOLVED)
    per_hour: int = 30


@dataclass(frozen=True, slots=True)
class SubscriberAddress:
    """A subscriber's address and a webhook's signing secret; both are confidential."""

    url: str
    secret: str

    def __repr__(self) -> str:
        """Return a text without the address and the secret."""
        return "Address(…)"


def new_secret() -> str:
    """Return a new secret in the format of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def subscribe(
    engine: Engine, vault: Vault, wish: SubscriptionRequest, *, now: datetime, prefix: str = ""
) -> tuple[Subscription, str]:
    """Store a subscription; return it and the secret that its messages are signed with. Raise SubscriptionError.

    `prefix` is that of Assay's topics, which nobody else may write to.
    """
    _check(wish, prefix)
    secret = new_secret()
    row = Subscription(
        name=wish.name, channel=wish.channel.value, target=shown(wish.channel, wish.address),
        secrets=vault.encrypt(orjson.dumps({"url": wish.address, "secret": secret}).decode()),
        project=wish.project, rule=wish.rule, annotator=wish.annotator, label=wish.label,
        severity=wish.severity.value, states=" ".join(state.value for state in wish.states),
        per_hour=wish.per_hour, created_at=now,
    )  # fmt: skip
    with Session(engine, expire_on_commit=False) as session:
        if session.get(Subscription, wish.name) is not None:
            raise SubscriptionError(
                f"a subscription '{wish.name}' is there already; choose another --name, or "
                f"`assay unsubscribe {wish.name}` first"
            )
        session.add(row)
        session.commit()
    return row, secret


def list_subscriptions(engine: Engine) -> Sequence[Subscription]:
    """Return every subscription, by name."""
    with Session(engine) as session:
        return session.exec(select(Subscription).order_by(Subscription.name)).all()


def get_subscription(engine: Engine, name: str) -> Subscription:
    """Return a subscription; raise SubscriptionError."""
    with Session(engine) as session:
        found = session.get(Subscription, name)
    if found is None:
        raise NoSuchSubscriptionError(f"there is no subscription '{name}'; `assay subscriptions` shows them")
    return found


def unsubscribe(engine: Engine, name: str) -> None:
    """Delete a subscription and its pending messages; raise SubscriptionError."""
    get_subscription(engine, name)
    with Session(engine) as session:
        session.execute(delete(Notice).where(col(Notice.subscription) == name))
        session.execute(delete(Delivery).where(col(Delivery.subscription) == name))
        session.execute(delete(Subscription).where(col(Subscription.name) == name))
        session.commit()


def pause(engine: Engine, name: str, *, by: str, now: datetime) -> None:
    """Pause a subscription until `resume`; transitions in the meantime are not sent later. Raise SubscriptionError."""
    get_subscription(engine, name)
    note_problem(engine, name, f"{PAUSED} {by}", disabled_at=now)


def resume(engine: Engine, name: str) -> None:
    """Resume a subscription that was paused or disabled. Raise SubscriptionError."""
    get_subscription(engine, name)
    with Session(engine) as session:
        values = {"disabled_at": None, "problem": None}
        session.execute(update(Subscription).where(col(Subscription.name) == name).values(**values))
        session.commit()


def address_of(vault: Vault, subscription: Subscription) -> SubscriberAddress:
    """Decrypt a subscriber's address."""
    found: dict[str, Any] = orjson.loads(vault.decrypt(subscription.secrets))
    return SubscriberAddress(found["url"], found["secret"])


def note_problem(engine: Engine, name: str, problem: str | None, *, disabled_at: datetime | None = None) -> None:
    """Store a subscription's problem (None: no problem any more), and when it was disabled."""
    values: dict[str, Any] = {"problem": None if problem is None else problem[:500]}
    if disabled_at is not None:
        values["disabled_at"] = disabled_at
    with Session(engine) as session:
        session.execute(update(Subscription).where(col(Subscription.name) == name).values(**values))
        session.commit()


def send_test(engine: Engine, name: str, *, now: datetime) -> Delivery:
    """Store a test message for a subscription, delivered like any other; raise SubscriptionError."""
    found = get_subscription(engine, name)
    if found.disabled_at is not None:
        raise SubscriptionError(f"'{name}' is disabled: {found.problem}; unsubscribe and subscribe again")
    body = {"type": "test", "timestamp": now.isoformat(), "data": {"subscription": name, "text": "Assay reaches you."}}
    row = Delivery(
        id=f"msg_{secrets.token_hex(12)}", subscription=name, body=body, alerts=0, fate=Fate.DUE.value,
        created_at=now, next_at=now,
    )  # fmt: skip
    with Session(engine, expire_on_commit=False) as session:
        session.add(row)
        session.commit()
    return row


def shown(channel: Channel, address: str) -> str:
    """Return an address without its confidential parts: for a URL, the scheme and the host."""
    if channel is Channel.KAFKA:
        return address
    try:
        parts = urlsplit(address)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return channel.value
    return f"{parts.scheme}://{parts.hostname or ''}{port}/…"


def _check(wish: SubscriptionRequest, prefix: str) -> None:
    if not wish.name or len(wish.name) > 100:  # noqa: PLR2004  # as the column
        raise SubscriptionError("a name has 1 to 100 characters")
    if wish.per_hour < 1:
        raise SubscriptionError("the limit per hour must be at least one message")
    if not wish.states:
        raise SubscriptionError("name at least one state: firing, acknowledged, resolved or pending")
    problem = address_problem(wish.channel, wish.address, prefix=prefix)
    if problem is not None:
        raise SubscriptionError(problem)
