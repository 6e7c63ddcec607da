"""Compose messages: notices about one rule go into one message, and too many become a digest."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from assay_schemas.alert import Alert, AlertState
from assay_schemas.alert_rule import Severity
from assay_schemas.annotation import ProjectId
from assay_services.stores.control.tables.alert_delivery import Subscription

MOST_IN_A_MESSAGE = 100
MOST_IN_A_DIGEST = 500
_HOUR = timedelta(hours=1)
_RANKS = {severity.value: rank for rank, severity in enumerate(Severity)}


class Waiting(NamedTuple):
    """One notice that waits to be sent."""

    id: int
    content: Mapping[str, Any]
    created_at: datetime


class Message(NamedTuple):
    """One message: the notices in it, and its body."""

    notices: Sequence[int]
    body: dict[str, Any]


def wants(subscription: Subscription, alert: Alert, *, told: str | None) -> bool:
    """Return whether to notify a subscription of a transition.

    `told` is the state of which it was last notified for this alert; None: of none. Suppressed alerts are not sent. A
    resolution is sent only to those who were notified that the alert fired.
    """
    if subscription.disabled_at is not None:
        return False
    if alert.state is AlertState.RESOLVED:
        return "resolved" in subscription.states.split() and told not in {None, AlertState.RESOLVED.value}
    return (
        alert.state.value in subscription.states.split()
        and not alert.silenced_by
        and not alert.inhibited_by
        and _RANKS[alert.severity.value] >= _RANKS[subscription.severity]
        and subscription.project in {None, alert.project}
        and subscription.rule in {None, alert.rule}
        and subscription.label in {None, alert.labels.get("label")}
        and subscription.annotator in {None, alert.labels.get("annotator")}
    )


def next_message(
    subscription: Subscription,
    waiting: Sequence[Waiting],
    sent: Sequence[datetime],
    *,
    now: datetime,
    group: timedelta,
) -> Message | datetime | None:
    """Return the next message, or the earliest time at which it can be sent, or None if no notice waits.

    `waiting` are the oldest notices, in order; `sent` are the times of the messages of the last hour.
    """
    if not waiting:
        return None
    ripe = waiting[0].created_at + group
    if ripe > now:
        return ripe
    recent = sorted(at for at in sent if now - at < _HOUR)
    left = subscription.per_hour - len(recent)
    if left <= 0:
        return recent[-subscription.per_hour] + _HOUR
    groups = grouped(waiting)
    if len(groups) > left:
        return _message(subscription, waiting[:MOST_IN_A_DIGEST], now, digest=True)
    return _message(subscription, groups[0][:MOST_IN_A_MESSAGE], now, digest=False)


def grouped(waiting: Sequence[Waiting]) -> Sequence[Sequence[Waiting]]:
    """Return the notices grouped by project, rule and state, in the order of each group's first notice."""
    groups: dict[tuple[ProjectId, str, str], list[Waiting]] = {}
    for one in waiting:
        groups.setdefault((one.content["project"], one.content["rule"], one.content["state"]), []).append(one)
    return [part for found in groups.values() for part in _parts(found)]


def _parts(found: Sequence[Waiting]) -> Sequence[Sequence[Waiting]]:
    return [found[first : first + MOST_IN_A_MESSAGE] for first in range(0, len(found), MOST_IN_A_MESSAGE)]


def _message(subscription: Subscription, waiting: Sequence[Waiting], now: datetime, *, digest: bool) -> Message:
    first = waiting[0].content
    same = {key: first[key] for key in ("project", "rule", "state")} if not digest else {}
    alerts = [dict(one.content) if not digest else _short(one.content) for one in waiting]
    body = {
        "type": "alerts.digest" if digest else f"alerts.{first['state']}",
        "timestamp": now.isoformat(),
        "data": {"subscription": subscription.name, **same, "count": len(alerts), "alerts": alerts},
    }
    return Message([one.id for one in waiting], body)


def _short(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alert without its evidence, for a digest with many alerts."""
    return {name: value for name, value in content.items() if name != "evidence"}


def as_text(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return a message as title and lines, for people."""
    data = body["data"]
    if body["type"] == "test":
        return "Assay: a test", str(data["text"])
    alerts: Sequence[Mapping[str, Any]] = data["alerts"]
    if body["type"] == "alerts.digest":
        title = f"Assay: {len(alerts)} alerts were held back"
    else:
        title = f"Assay: {data['project']}/{data['rule']} {data['state']}" + (f" x{len(alerts)}" if alerts[1:] else "")
    return title, "\n".join(_line(one) for one in alerts)


def _line(alert: Mapping[str, Any]) -> str:
    runbook = f" - {alert['runbook']}" if alert["runbook"] else ""
    return f"[{alert['severity']}] {alert['state']} {alert['at']}: {alert['summary']} ({alert['id']}){runbook}"
