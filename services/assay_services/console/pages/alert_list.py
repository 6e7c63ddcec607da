"""Alerts: what fires, what nobody is told of, and how often each rule was right."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from nicegui import ui

from assay_schemas.alert import Alert, AlertState
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
_MOST_OVER = 100
PEOPLE = frozenset({"annotator", "peer"})
"""The labels, and facts in the evidence, that name annotators."""
MARKS: Mapping[AlertState, str] = {
    AlertState.PENDING: "○ pending",
    AlertState.FIRING: "● firing",
    AlertState.ACKNOWLEDGED: "◐ acknowledged",
    AlertState.RESOLVED: "✓ resolved",
}


async def build(view: View) -> None:
    """Fill the list, and follow."""
    html(tag("h1", "Alerts"))

    @ui.refreshable
    def shown() -> None:
        _lists(view, Actions(view, (alert_actions.NoSuchAlertError,), shown.refresh))

    shown()
    before = _standing(view)

    def look() -> None:
        nonlocal before
        now = _standing(view)
        if now != before:
            before = now
            shown.refresh()

    ui.timer(_EVERY_SECONDS, look)


def _standing(view: View) -> list[str]:
    """Return what tells whether anything is new."""
    silences = [one.id for one in alert_actions.list_silences(view.parts.control, now=datetime.now(UTC))]
    return [one.transition for one in alert_actions.list_alerts(view.parts.control)] + silences


def _lists(view: View, actions: Actions) -> None:
    engine = view.parts.control
    now = alert_actions.list_alerts(engine)
    if now:
        html(tag("section", _table(view, "Not over", now), class_="card"))
    else:
        do = "Rules stand in the contract under `alerts`; try them on history first:"
        html(empty_state("Nothing is the matter", do, "assay alerts backtest --help"))
    all_of_them = alert_actions.list_alerts(engine, resolved=True, limit=_MOST_OVER)
    over = [one for one in all_of_them if one.state is AlertState.RESOLVED]
    if over:
        html(tag("section", _table(view, "Over", over), class_="card"))
    silences = alert_actions.list_silences(engine, now=datetime.now(UTC))
    if silences:
        with ui.element("section").classes("card"):
            html(tag("h2", "Silences in force"))
            for one in silences:
                _silenced(view, one, actions)
    html(tag("section", _precisions(view), class_="card"))


def _silenced(view: View, row: SilenceRow, actions: Actions) -> None:
    matched = [f"{name}={view.named(value) if name in PEOPLE else value}" for name, value in row.matchers.items()]
    of = ", ".join([row.project or "all projects", *matched])
    until = (" until ", when(row.until, view.zone), ", by ", text_or_dash(row.by), ": ", text_or_dash(row.why))
    html(tag("p", text_or_dash(of, most=200), *until))
    if view.viewer.may(Role.LEAD):
        actions.button("End it", partial(_unsilence, view, row.id))


def _unsilence(view: View, silence: str) -> str:
    alert_actions.unsilence(view.parts.control, silence, by=view.viewer.name, now=datetime.now(UTC))
    return "The silence is over."


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
    columns = ("state", "severity", Column("what", is_text=True), "rule", "project", "since", "last change")
    return table(caption, columns, rows)


def summary(view: View, alert: Alert) -> Html:
    """Return the summary, with annotators called as this viewer may call them."""
    people = sorted((alert.labels[name] for name in PEOPLE & alert.labels.keys()), key=len, reverse=True)
    if not people:
        return text_or_dash(alert.summary, most=200)
    named = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, people))})(?!\w)")
    return text_or_dash(named.sub(lambda found: view.named(found[0]), alert.summary), most=200)


def suppression_reason(alert: Alert) -> Html | None:
    """Return why nobody is told, if nobody is, and whether it comes and goes."""
    reasons = ["silenced"] * bool(alert.silenced_by) + ["another alert says more"] * bool(alert.inhibited_by)
    reasons += ["comes and goes"] * alert.flapping
    return tag("span", f" {', '.join(reasons)}", class_="badge") if reasons else None


def _precisions(view: View) -> Html:
    found = alert_actions.precisions(view.parts.control)
    if not found:
        return tag(
            "p", "How often each rule was right shows here once alerts were marked useful or noise.", class_="soft"
        )
    rows = [
        (
            text_or_dash(one.rule),
            text_or_dash(one.project),
            interval(one.share, one.low, one.high, one.judged),
            number(one.useful),
        )
        for one in found
    ]
    return table(
        "How often each rule was right", ("rule", "project", "useful (95 %)", Column("useful", is_number=True)), rows
    )


PAGE = ConsolePage("/alerts", "Alerts", build, icon="⚑")
