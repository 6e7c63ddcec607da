"""Alerts: active and resolved ones, silences, and the precision of each rule."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from nicegui import ui

from assay_schemas.alert import Alert, AlertState
from assay_schemas.annotation import AnnotatorId
from assay_services.console.pages import icons
from assay_services.console.pages.actions import Actions
from assay_services.console.pages.html import (
    Column,
    Html,
    empty_state,
    interval,
    join,
    link,
    number,
    table,
    tag,
    text_or_dash,
    when,
)
from assay_services.console.pages.layout import ConsolePage, View, html
from assay_services.stores.control import alert_actions
from assay_services.stores.control.tables.accounts import Role
from assay_services.stores.control.tables.alert_delivery import SilenceRow

_EVERY_SECONDS = 2.0
_MOST_RESOLVED = 100
PEOPLE = frozenset({"annotator", "peer"})
"""The alert labels and evidence fields that hold names of annotators."""
MARKS: Mapping[AlertState, str] = {
    AlertState.PENDING: "○ pending",
    AlertState.FIRING: "● firing",
    AlertState.ACKNOWLEDGED: "◐ acknowledged",
    AlertState.RESOLVED: "✓ resolved",
}


async def build(view: View) -> None:
    """Fill the lists and keep them updated."""
    html(tag("h1", "Alerts"))

    @ui.refreshable
    def lists() -> None:
        _lists(view, Actions(view, (alert_actions.NoSuchAlertError,), lists.refresh))

    lists()
    before = _versions(view)

    def refresh_if_changed() -> None:
        nonlocal before
        now = _versions(view)
        if now != before:
            before = now
            lists.refresh()

    ui.timer(_EVERY_SECONDS, refresh_if_changed)


def _versions(view: View) -> list[str]:
    """Return ids that change whenever an alert or a silence changes."""
    silences = [one.id for one in alert_actions.list_silences(view.parts.control, now=datetime.now(UTC))]
    return [one.transition for one in alert_actions.list_alerts(view.parts.control)] + silences


def _lists(view: View, actions: Actions) -> None:
    engine = view.parts.control
    active = alert_actions.list_alerts(engine)
    if active:
        html(tag("section", _table(view, "Active alerts", active), class_="card"))
    else:
        hint = "Define alert rules in the contract under `alerts`. Test them on past data first:"
        html(empty_state("No active alerts", hint, "assay alerts backtest --help"))
    newest = alert_actions.list_alerts(engine, resolved=True, limit=_MOST_RESOLVED)
    resolved = [alert for alert in newest if alert.state is AlertState.RESOLVED]
    if resolved:
        html(tag("section", _table(view, "Resolved alerts", resolved), class_="card"))
    silences = alert_actions.list_silences(engine, now=datetime.now(UTC))
    if silences:
        with ui.element("section").classes("card"):
            html(tag("h2", "Active silences"))
            for one in silences:
                _silence(view, one, actions)
    html(tag("section", _precisions(view), class_="card"))


def _silence(view: View, row: SilenceRow, actions: Actions) -> None:
    matched = [
        f"{name}={view.named(AnnotatorId(value)) if name in PEOPLE else value}" for name, value in row.matchers.items()
    ]
    scope = ", ".join([row.project or "all projects", *matched])
    until = (" until ", when(row.until, view.zone), ", by ", text_or_dash(row.by), ": ", text_or_dash(row.why))
    html(tag("p", text_or_dash(scope, most=200), *until))
    if view.viewer.may(Role.LEAD):
        actions.button("End silence", partial(_unsilence, view, row.id))


def _unsilence(view: View, silence: str) -> str:
    alert_actions.unsilence(view.parts.control, silence, by=view.viewer.name, now=datetime.now(UTC))
    return "The silence has ended."


def _table(view: View, caption: str, alerts: Sequence[Alert]) -> Html:
    rows = [
        (
            link("/alert", MARKS[one.state], id=one.id),
            one.severity.value,
            join((summary(view, one), suppression_reason(one))),
            text_or_dash(one.rule, most=60),
            text_or_dash(one.project, most=40),
            when(one.since, view.zone),
            when(one.at, view.zone),
        )
        for one in alerts
    ]
    columns = ("state", "severity", Column("summary", is_text=True), "rule", "project", "since", "last change")
    return table(caption, columns, rows)


def summary(view: View, alert: Alert) -> Html:
    """Return an alert's summary, with pseudonyms if this viewer may not see names."""
    people = sorted((alert.labels[name] for name in PEOPLE & alert.labels.keys()), key=len, reverse=True)
    if not people:
        return text_or_dash(alert.summary, most=200)
    named = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, people))})(?!\w)")
    return text_or_dash(named.sub(lambda match: view.named(AnnotatorId(match[0])), alert.summary), most=200)


def suppression_reason(alert: Alert) -> Html | None:
    """Return why no notification is sent (silenced, inhibited) and whether the alert is flapping; None otherwise."""
    reasons = ["silenced"] * bool(alert.silenced_by) + ["inhibited by another alert"] * bool(alert.inhibited_by)
    reasons += ["flapping"] * alert.flapping
    return tag("span", f" {', '.join(reasons)}", class_="badge") if reasons else None


def _precisions(view: View) -> Html:
    precisions = alert_actions.precisions(view.parts.control)
    if not precisions:
        return tag(
            "p", "The precision of each rule appears here once alerts are marked useful or noise.", class_="soft"
        )
    rows = [
        (
            text_or_dash(one.rule),
            text_or_dash(one.project),
            interval(one.share, one.low, one.high, one.judged),
            number(one.useful),
        )
        for one in precisions
    ]
    columns = ("rule", "project", "share useful (95 %)", Column("useful", is_number=True))
    return table("Precision of each rule", columns, rows)


PAGE = ConsolePage("/alerts", "Alerts", build, icon=icons.ALERTS)
