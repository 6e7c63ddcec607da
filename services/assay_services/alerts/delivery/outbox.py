"""The control database between a transition and its delivery: offsets, notices, messages and orders."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from sqlalchemy import Engine, delete, func
from sqlmodel import Session, col, select

from assay_schemas.alert import Alert, AlertState
from assay_schemas.annotation import ProjectId
from assay_services.alerts.delivery.channels import Delivered, DeliveryOutcome, Failed
from assay_services.alerts.delivery.messages import MOST_IN_A_DIGEST, Message, Waiting, next_message, wants
from assay_services.stores.control.tables.alert_delivery import (
    AlertsPlace,
    AskedOrder,
    CurrentAlert,
    Delivery,
    Fate,
    Notice,
    Subscription,
)

_HOUR = timedelta(hours=1)
_KEPT = timedelta(days=30)
_LONGEST_PAUSE_SECONDS = 3_600.0


class OvertakenError(Exception):
    """Another process has already stored a later offset."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The first delay after a failure (seconds), and for how long a message is retried."""

    first_seconds: float
    lasting: timedelta


class AlertOutbox:
    """The alerts' tables in the control database. Everything survives a kill at any moment."""

    def __init__(self, engine: Engine, patience: Patience, rng: random.Random) -> None:
        """Use the database `engine`; `patience` sets the delays of retries, `rng` their jitter."""
        self._engine = engine
        self._patience = patience
        self._rng = rng

    def place(self, source: str) -> int:
        """Return the next offset to read of a source."""
        with Session(self._engine) as session:
            found = session.get(AlertsPlace, source)
            return 0 if found is None else found.position

    def route(self, source: str, alerts: Sequence[Alert], *, position: int, after: int, now: datetime) -> None:
        """Store transitions, their notices and the next offset in one transaction. Raise OvertakenError.

        All writes come at the very end: SQLite blocks other writers from the first row on.
        """
        with Session(self._engine) as session, session.no_autoflush:
            place = session.get(AlertsPlace, source, with_for_update=True) or AlertsPlace(source=source, position=0)
            if place.position > position:
                raise OvertakenError(f"{source} was read to {place.position} already")
            place.position = after
            session.add(place)
            subscriptions = session.exec(select(Subscription)).all()
            told = _told(session, {alert.id for alert in alerts})
            for alert in {alert.id: alert for alert in alerts}.values():
                session.merge(_current(alert))
            for alert in alerts:
                for one in subscriptions:
                    if wants(one, alert, told=told.get((one.name, alert.id))):
                        session.add(_notice(one.name, alert, now))
                        told[one.name, alert.id] = alert.state.value
            session.commit()

    def subscriptions(self) -> Sequence[Subscription]:
        """Return the active subscriptions."""
        with Session(self._engine) as session:
            return session.exec(select(Subscription).where(col(Subscription.disabled_at).is_(None))).all()

    def compose(self, subscription: Subscription, *, now: datetime, group: timedelta) -> datetime | None:
        """Compose messages from a subscription's notices; return when to compose again (None: at the next notice)."""
        while True:
            with Session(self._engine) as session:
                made = next_message(
                    subscription, _waiting(session, subscription.name), _recent(session, subscription.name, now),
                    now=now, group=group,
                )  # fmt: skip
                if not isinstance(made, Message):
                    return made
                delivery = _delivery(subscription.name, made, now)
                session.add(delivery)
                for notice in session.exec(select(Notice).where(col(Notice.id).in_(made.notices))):
                    notice.delivery = delivery.id
                    session.add(notice)
                session.commit()

    def due(self, subscription: str, *, now: datetime) -> Delivery | None:
        """Return the oldest message that is due now, or None."""
        query = (
            select(Delivery)
            .where(Delivery.subscription == subscription, Delivery.fate == Fate.DUE.value, col(Delivery.next_at) <= now)
            .order_by(col(Delivery.created_at), col(Delivery.id))
            .limit(1)
        )
        with Session(self._engine) as session:
            return session.exec(query).first()

    def settle(self, delivery: str, outcome: DeliveryOutcome, *, now: datetime) -> float:
        """Store the outcome of a message; return the seconds until its retry (0: no retry)."""
        with Session(self._engine) as session:
            found = session.get(Delivery, delivery)
            if found is None:
                return 0.0  # the subscription was deleted meanwhile
            found.attempts += 1
            pause = 0.0
            if isinstance(outcome, Delivered):
                found.fate, found.ended_at, found.problem = Fate.DELIVERED.value, now, None
            else:
                found.problem = outcome.reason[:500]
                pause = self._pause(found.attempts, outcome)
                found.next_at = now + timedelta(seconds=pause)
                if outcome.gone or found.next_at - found.created_at > self._patience.lasting:
                    found.fate, found.ended_at, pause = Fate.DEAD.value, now, 0.0
            session.add(found)
            session.commit()
            return pause

    def abandon(self, subscription: str, reason: str, *, now: datetime) -> None:
        """Disable a subscription whose address no longer exists: its pending messages become dead letters."""
        with Session(self._engine) as session:
            row = session.get(Subscription, subscription)
            if row is not None:
                row.disabled_at, row.problem = now, reason[:500]
                session.add(row)
            query = select(Delivery).where(Delivery.subscription == subscription, Delivery.fate == Fate.DUE.value)
            for one in session.exec(query):
                one.fate, one.ended_at, one.problem = Fate.DEAD.value, now, reason[:500]
                session.add(one)
            session.commit()

    def orders(self) -> Sequence[tuple[int, ProjectId, dict[str, Any]]]:
        """Return the orders that are not on the topic yet."""
        query = select(AskedOrder).where(col(AskedOrder.sent_at).is_(None)).order_by(col(AskedOrder.number)).limit(100)
        with Session(self._engine) as session:
            return [(one.number or 0, ProjectId(one.project), one.content) for one in session.exec(query)]

    def ordered(self, number: int, *, now: datetime) -> None:
        """Record that an order is on the topic."""
        with Session(self._engine) as session:
            found = session.get(AskedOrder, number)
            if found is not None:
                found.sent_at = now
                session.add(found)
                session.commit()

    def purge(self, *, now: datetime) -> None:
        """Delete what ended long ago."""
        before = now - _KEPT
        with Session(self._engine) as session:
            session.execute(delete(Delivery).where(col(Delivery.ended_at) < before))
            # Whoever heard that an alert began must hear that it ended, however long it lasts.
            lasting = select(CurrentAlert.id).where(col(CurrentAlert.state) != AlertState.RESOLVED.value)
            sent_long_ago = (col(Notice.created_at) < before, col(Notice.delivery).is_not(None))
            session.execute(delete(Notice).where(*sent_long_ago, col(Notice.alert).not_in(lasting)))
            over = col(CurrentAlert.state) == AlertState.RESOLVED.value
            session.execute(delete(CurrentAlert).where(over, col(CurrentAlert.at) < before))
            session.commit()

    def waiting(self) -> dict[str, int]:
        """Return the number of messages by fate."""
        query = select(Delivery.fate, func.count()).group_by(col(Delivery.fate))
        with Session(self._engine) as session:
            return dict(session.exec(query).all())

    def _pause(self, attempts: int, outcome: Failed) -> float:
        longest: float = min(_LONGEST_PAUSE_SECONDS, self._patience.first_seconds * 2.0 ** min(attempts - 1, 20))
        pause = longest * (0.5 + self._rng.random() / 2)
        return max(pause, outcome.retry_after or 0.0)


def _told(session: Session, alerts: Collection[str]) -> dict[tuple[str, str], str]:
    """Return the last state sent to each subscription, by alert."""
    query = select(Notice.subscription, Notice.alert, Notice.state).where(col(Notice.alert).in_(alerts))
    return {(one, alert): state for one, alert, state in session.exec(query.order_by(col(Notice.id)))}


def _current(alert: Alert) -> CurrentAlert:
    return CurrentAlert(
        id=alert.id, project=alert.project, rule=alert.rule, state=alert.state.value, severity=alert.severity.value,
        at=alert.at, since=alert.since, content=alert.model_dump(mode="json"),
    )  # fmt: skip


def _notice(subscription: str, alert: Alert, now: datetime) -> Notice:
    return Notice(
        subscription=subscription, transition=alert.transition, alert=alert.id, state=alert.state.value,
        content=alert.model_dump(mode="json"), created_at=now,
    )  # fmt: skip


def _waiting(session: Session, subscription: str) -> list[Waiting]:
    query = (
        select(Notice)
        .where(Notice.subscription == subscription, col(Notice.delivery).is_(None))
        .order_by(col(Notice.id))
        .limit(MOST_IN_A_DIGEST)
    )
    return [Waiting(one.id or 0, one.content, one.created_at) for one in session.exec(query)]


def _recent(session: Session, subscription: str, now: datetime) -> list[datetime]:
    query = select(Delivery.created_at).where(
        Delivery.subscription == subscription, col(Delivery.created_at) > now - _HOUR, Delivery.alerts > 0
    )
    return list(session.exec(query))


def _delivery(subscription: str, message: Message, now: datetime) -> Delivery:
    mark = blake2b(f"{subscription}:{message.notices[0]}:{message.notices[-1]}".encode(), digest_size=12).hexdigest()
    return Delivery(
        id=f"msg_{mark}", subscription=subscription, body=message.body, alerts=len(message.notices),
        created_at=now, next_at=now,
    )  # fmt: skip
