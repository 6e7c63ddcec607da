"""What people do about alerts, for every interface: functions of the control database.

Acknowledgements and silences are stored as orders. The alerts service publishes them to its own topic, where each
becomes a transition exactly once, like any other observation.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Engine, case, delete, func
from sqlmodel import Session, col, select

from assay_models.intervals import interval
from assay_schemas.alert import Alert, AlertState, Order, OrderKind
from assay_schemas.annotation import ALL_PROJECTS, ProjectId
from assay_schemas.errors import AssayUserError
from assay_services.engine.core.erasure_request import ErasureRequest
from assay_services.stores.control.tables.alert_delivery import (
    AskedOrder,
    CurrentAlert,
    Delivery,
    Fate,
    Feedback,
    Notice,
    SilenceRow,
)

_LONGEST_SILENCE = timedelta(days=366)
_JEFFREYS = 0.5
_OPEN = (AlertState.PENDING.value, AlertState.FIRING.value, AlertState.ACKNOWLEDGED.value)


class NoSuchAlertError(AssayUserError):
    """The alert or silence does not exist, or is not in a state for this."""


class AlertNotFoundError(NoSuchAlertError):
    """No alert, silence or dead letter has this id."""


class Precision(NamedTuple):
    """The share of a rule's rated alerts that were useful, with a 95 % interval (Jeffreys)."""

    project: ProjectId
    rule: str
    judged: int
    useful: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Return the share of useful alerts (0-1)."""
        return self.useful / self.judged


def list_alerts(
    engine: Engine,
    *,
    project: ProjectId | None = None,
    rule: str | None = None,
    resolved: bool = False,
    limit: int = 1_000,
) -> Sequence[Alert]:
    """Return the current alerts, the newest first; with `resolved` also the resolved ones."""
    query = select(CurrentAlert).order_by(col(CurrentAlert.at).desc(), col(CurrentAlert.id)).limit(limit)
    if not resolved:
        query = query.where(col(CurrentAlert.state).in_(_OPEN))
    for column, wanted in ((CurrentAlert.project, project), (CurrentAlert.rule, rule)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    with Session(engine) as session:
        return [Alert.model_validate(one.content) for one in session.exec(query)]


def get_alert(engine: Engine, alert: str) -> Alert:
    """Return an alert by its id or a prefix of it; raise NoSuchAlertError."""
    query = select(CurrentAlert).where(col(CurrentAlert.id).startswith(alert, autoescape=True)).limit(2)
    with Session(engine) as session:
        found = session.exec(query).all()
        if len(found) != 1 or not alert:
            many = "more than one alert begins" if found else "there is no alert that begins"
            kind = NoSuchAlertError if found else AlertNotFoundError
            raise kind(f"{many} with '{alert}'; `assay alerts list` shows them")
        return Alert.model_validate(found[0].content)


def acknowledge(engine: Engine, alert: str, *, by: str, why: str, now: datetime) -> Alert:
    """Order the acknowledgement of an alert; raise NoSuchAlertError if it is not firing."""
    found = get_alert(engine, alert)
    if found.state is not AlertState.FIRING:
        raise NoSuchAlertError(f"alert {found.id} is {found.state.value}: only one that fires can be acknowledged")
    order = Order(kind=OrderKind.ACKNOWLEDGE, subject=found.id, by=by, why=why)
    with Session(engine) as session:
        session.add(_asked(order, found.project, now))
        session.commit()
    return found


def silence(
    engine: Engine,
    matchers: Mapping[str, str],
    *,
    until: datetime,
    by: str,
    why: str,
    now: datetime,
    project: ProjectId = ALL_PROJECTS,
) -> SilenceRow:
    """Order a silence for matching alerts until a time; raise NoSuchAlertError if it is malformed."""
    if not project and not matchers:
        raise NoSuchAlertError("a silence must not match everything: name a project, or a label to match")
    if not now < until <= now + _LONGEST_SILENCE:
        raise NoSuchAlertError("a silence must end in the future, within a year")
    row = SilenceRow(
        id=secrets.token_hex(4), project=project, matchers=dict(matchers), until=until, by=by, why=why, created_at=now
    )
    ends = int(until.timestamp() * 1_000)
    order = Order(kind=OrderKind.SILENCE, subject=row.id, by=by, why=why, matchers=dict(matchers), until=ends)
    with Session(engine, expire_on_commit=False) as session:
        session.add_all([row, _asked(order, project, now)])
        session.commit()
    return row


def unsilence(engine: Engine, silence_id: str, *, by: str, now: datetime) -> SilenceRow:
    """Order the end of a silence; raise NoSuchAlertError if it does not exist."""
    with Session(engine, expire_on_commit=False) as session:
        row = session.get(SilenceRow, silence_id)
        if row is None or row.ended_at is not None or row.until <= now:
            raise AlertNotFoundError(f"no silence has the id '{silence_id}'; `assay alerts silences` shows them")
        row.ended_at = now
        order = Order(kind=OrderKind.UNSILENCE, subject=silence_id, by=by, why="")
        session.add_all([row, _asked(order, ProjectId(row.project), now)])
        session.commit()
        return row


def list_silences(engine: Engine, *, now: datetime) -> Sequence[SilenceRow]:
    """Return the silences in force, the first to end first."""
    query = (
        select(SilenceRow)
        .where(col(SilenceRow.until) > now, col(SilenceRow.ended_at).is_(None))
        .order_by(col(SilenceRow.until))
    )
    with Session(engine) as session:
        return session.exec(query).all()


def give_feedback(engine: Engine, alert: str, *, useful: bool, by: str, why: str, now: datetime) -> Feedback:
    """Store whether an alert was useful or noise when it last fired; a second rating replaces the first."""
    found = get_alert(engine, alert)
    row = Feedback(
        alert=found.id, since=found.since, project=found.project, rule=found.rule, useful=useful, by=by, why=why, at=now
    )
    with Session(engine, expire_on_commit=False) as session:
        row = session.merge(row)
        session.commit()
    return row


def precisions(engine: Engine) -> Sequence[Precision]:
    """Return each rule's precision, from the alerts that were rated."""
    useful = func.sum(case((col(Feedback.useful), 1), else_=0))
    query = (
        select(Feedback.project, Feedback.rule, func.count(), useful)
        .group_by(col(Feedback.project), col(Feedback.rule))
        .order_by(col(Feedback.project), col(Feedback.rule))
    )
    with Session(engine) as session:
        rows: Sequence[Any] = session.exec(query).all()
    return [
        Precision(ProjectId(project), rule, count, int(good), *interval(good + _JEFFREYS, count - good + _JEFFREYS))
        for project, rule, count, good in rows
    ]


def list_deliveries(
    engine: Engine, *, fate: Fate | None = None, subscription: str | None = None, limit: int = 200
) -> Sequence[Delivery]:
    """Return sent and pending messages, the newest first; `fate` dead: the dead letters."""
    query = select(Delivery).order_by(col(Delivery.created_at).desc()).limit(limit)
    if fate is not None:
        query = query.where(col(Delivery.fate) == fate.value)
    if subscription is not None:
        query = query.where(col(Delivery.subscription) == subscription)
    with Session(engine) as session:
        return session.exec(query).all()


def revive(engine: Engine, delivery: str, *, now: datetime) -> Delivery:
    """Retry a dead letter for as long as a new message; raise NoSuchAlertError."""
    with Session(engine, expire_on_commit=False) as session:
        found = session.get(Delivery, delivery)
        if found is None or found.fate != Fate.DEAD.value:
            raise AlertNotFoundError(f"no dead letter has the id '{delivery}'")
        found.fate, found.attempts, found.next_at, found.ended_at = Fate.DUE.value, 0, now, None
        found.created_at = now
        session.add(found)
        session.commit()
    return found


def _asked(order: Order, project: ProjectId, now: datetime) -> AskedOrder:
    return AskedOrder(project=project, content=order.model_dump(mode="json"), created_at=now)


def forget_annotator(engine: Engine, whom: ErasureRequest, *, dry_run: bool) -> int:
    """Delete the alerts about an annotator and their pending notices; return how many."""
    with Session(engine) as session:
        rows = [one for one in session.exec(select(CurrentAlert)) if _is_about(one.content, whom)]
        if not dry_run and not whom.is_item:
            for one in rows:
                session.execute(delete(Feedback).where(col(Feedback.alert) == one.id))
                session.delete(one)
            for notice in session.exec(select(Notice)):
                if _is_about(notice.content, whom):
                    session.delete(notice)
            for delivery in session.exec(select(Delivery).where(Delivery.alerts > 0)):
                _forget_in(session, delivery, whom)
            session.commit()
        return len(rows)


def _forget_in(session: Session, delivery: Delivery, whom: ErasureRequest) -> None:
    alerts = delivery.body["data"]["alerts"]
    kept = [one for one in alerts if not _is_about(one, whom)]
    if not kept:
        session.delete(delivery)
    elif len(kept) < len(alerts):
        delivery.body = {**delivery.body, "data": {**delivery.body["data"], "count": len(kept), "alerts": kept}}
        delivery.alerts = len(kept)
        session.add(delivery)


def _is_about(alert: Mapping[str, Any], whom: ErasureRequest) -> bool:
    labels = alert["labels"]
    return any(whom.is_annotator(alert["project"], labels.get(name, "")) for name in ("annotator", "peer"))
