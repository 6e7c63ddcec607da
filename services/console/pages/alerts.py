"""Alerts: what fires, with its evidence; who looks at it; what nobody is told of; how often a rule was right."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from nicegui import ui

from schemas.alert import Alert, AlertState
from schemas.people import Role
from schemas.subscriptions import SilenceRow
from services.console.pages.acting import Actions
from services.console.pages.frame import Page, View, html
from services.console.pages.markup import (
    Column,
    Html,
    interval,
    join,
    link,
    nothing,
    number,
    said,
    table,
    tag,
    when,
)
from services.runtime import alerting

_EVERY_SECONDS = 2.0
_SILENCES = (("1 hour", 1), ("8 hours", 8), ("7 days", 168))
_MOST_OVER = 100
_DEPTH = 6
_TIMES = frozenset({"at", "since", "since_low", "since_high"})
_WHO = "annotator"
_MARKS: Mapping[AlertState, str] = {
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
        _lists(view, Actions((alerting.NoSuchAlertError,), shown.refresh))

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
    silences = [one.id for one in alerting.list_silences(view.parts.control, now=datetime.now(UTC))]
    return [one.transition for one in alerting.list_alerts(view.parts.control)] + silences


def _lists(view: View, actions: Actions) -> None:
    engine = view.parts.control
    now = alerting.list_alerts(engine)
    if now:
        html(tag("section", _table(view, "Not over", now), class_="card"))
    else:
        do = "Rules stand in the contract under `alerts`; try them on history first:"
        html(nothing("Nothing is the matter", do, "assay alerts backtest --help"))
    all_of_them = alerting.list_alerts(engine, resolved=True, limit=_MOST_OVER)
    over = [one for one in all_of_them if one.state is AlertState.RESOLVED]
    if over:
        html(tag("section", _table(view, "Over", over), class_="card"))
    silences = alerting.list_silences(engine, now=datetime.now(UTC))
    if silences:
        with ui.element("section").classes("card"):
            html(tag("h2", "Silences in force"))
            for one in silences:
                _silenced(view, one, actions)
    html(tag("section", _precisions(view), class_="card"))


def _silenced(view: View, row: SilenceRow, actions: Actions) -> None:
    matched = [f"{name}={view.named(value) if name == _WHO else value}" for name, value in row.matchers.items()]
    of = ", ".join([row.project or "all projects", *matched])
    until = (" until ", when(row.until, view.zone), ", by ", said(row.by), ": ", said(row.why))
    html(tag("p", said(of, most=200), *until))
    if view.viewer.may(Role.LEAD):
        actions.button("End it", partial(_unsilence, view, row.id))


def _table(view: View, caption: str, alerts: Sequence[Alert]) -> Html:
    rows = [
        (
            link("/alert", _MARKS[one.state], id=one.id),
            one.severity.value,
            join((summary(view, one), _why_quiet(one))),
            said(one.rule, most=60),
            said(one.project, most=40),
            when(one.since, view.zone),
            when(one.at, view.zone),
        )
        for one in alerts
    ]
    columns = ("state", "severity", Column("what", is_text=True), "rule", "project", "since", "last change")
    return table(caption, columns, rows)


def summary(view: View, alert: Alert) -> Html:
    """Return the summary, with the annotator called as this viewer may call them."""
    who = alert.labels.get(_WHO)
    return said(alert.summary if who is None else alert.summary.replace(who, view.named(who)), most=200)


def _why_quiet(alert: Alert) -> Html | None:
    reasons = ["silenced"] * bool(alert.silenced_by) + ["another alert says more"] * bool(alert.inhibited_by)
    reasons += ["comes and goes"] * alert.flapping
    return tag("span", f" {', '.join(reasons)}", class_="badge") if reasons else None


def _precisions(view: View) -> Html:
    found = alerting.precisions(view.parts.control)
    if not found:
        return tag(
            "p", "How often each rule was right shows here once alerts were marked useful or noise.", class_="soft"
        )
    rows = [
        (said(one.rule), said(one.project), interval(one.share, one.low, one.high, one.judged), number(one.useful))
        for one in found
    ]
    return table(
        "How often each rule was right", ("rule", "project", "useful (95 %)", Column("useful", is_number=True)), rows
    )


async def build_one(view: View) -> None:
    """Fill the page of one alert."""

    @ui.refreshable
    def shown() -> None:
        try:
            found = alerting.get_alert(view.parts.control, view.query.get("id", ""))
        except alerting.NoSuchAlertError as error:
            html(nothing("There is no such alert", str(error)))
            return
        _alert(view, found, Actions((alerting.NoSuchAlertError,), shown.refresh))

    shown()


def _alert(view: View, alert: Alert, actions: Actions) -> None:
    html(tag("h1", summary(view, alert)))
    facts: list[tuple[str, object]] = [
        ("State", join((_MARKS[alert.state], _why_quiet(alert)))),
        ("Severity", alert.severity.value),
        ("Rule", said(alert.rule)),
        ("Project", link("/project", said(alert.project), project=alert.project)),
        ("Since", when(alert.since, view.zone)),
        ("Last change", when(alert.at, view.zone)),
        ("Read", _read(alert)),
        ("About", _labels(view, alert)),
        ("Acknowledged", join((said(alert.by), ": ", said(alert.why))) if alert.by else None),
        ("What to do", _runbook(alert.runbook)),
    ]
    html(tag("section", _facts(facts), class_="card"))
    if view.viewer.may(Role.LEAD):
        with ui.element("section").classes("card"):
            html(tag("h2", "What you do about it"))
            _do(view, alert, actions)
    html(tag("section", tag("h2", "Evidence"), _evidence(view, alert), class_="card"))


def _facts(facts: Sequence[tuple[str, object]]) -> Html:
    return tag("dl", *(part for name, value in facts if value for part in (tag("dt", name), tag("dd", value))))


def _labels(view: View, alert: Alert) -> Html:
    shown = []
    for name, value in sorted(alert.labels.items()):
        about: object = said(value, most=80)
        if name == _WHO:
            named = view.named(value)
            about = link("/annotator", said(named, most=60), project=alert.project, annotator=named)
        shown.append(join((said(name, most=40), " ", about, "; ")))
    return join(shown) if shown else tag("span", "the whole project", class_="none")


def _runbook(address: str | None) -> Html | None:
    if address is None:
        return None
    if urlsplit(address).scheme not in {"http", "https"}:
        return said(address, most=300)
    return tag("a", said(address, most=300), href=address, rel="noopener noreferrer", target="_blank")


def _read(alert: Alert) -> Html:
    value = number(alert.value, digits=4)
    return value if alert.threshold is None else join((value, " against ", number(alert.threshold, digits=4)))


def _evidence(view: View, alert: Alert) -> Html:
    if not alert.evidence:
        return tag("p", "The reading above is all the evidence.", class_="soft")
    lists = {name: value for name, value in alert.evidence.items() if _is_table(value)}
    facts = {name: value for name, value in alert.evidence.items() if name not in lists}
    tables = [_rows(view, alert.project, name, value) for name, value in lists.items()]
    return join((_tree(view, facts, _DEPTH), *tables))


def _is_table(value: Any) -> bool:  # noqa: ANN401  # any JSON
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _rows(view: View, project: str, name: str, found: Sequence[Mapping[str, Any]]) -> Html:
    columns = list(dict.fromkeys(column for one in found for column in one))
    rows = [[_cell(view, project, column, one.get(column)) for column in columns] for one in found]
    return table(_worded(name), [_worded(column) for column in columns], rows)


def _cell(view: View, project: str, column: str, value: Any) -> Html:  # noqa: ANN401  # any JSON
    if column == "item" and isinstance(value, str):
        return link("/item", said(value, most=60), project=project, item=value)
    return _leaf(view, column, value, 0)


def _tree(view: View, value: Any, depth: int) -> Html:  # noqa: ANN401  # any JSON
    """Return nested facts as nested lists."""
    if isinstance(value, Mapping) and depth:
        rows = (
            part
            for name, inner in value.items()
            for part in (tag("dt", _worded(name)), tag("dd", _leaf(view, str(name), inner, depth - 1)))
        )
        return tag("dl", *rows)
    if isinstance(value, list) and depth:
        return tag("ol", *(tag("li", _tree(view, one, depth - 1)) for one in value))
    if isinstance(value, float):
        return said(f"{value:.4g}")
    return said(None if value is None else str(value), most=300)


def _leaf(view: View, name: str, value: Any, depth: int) -> Html:  # noqa: ANN401  # any JSON
    if name in {_WHO, "peer"} and isinstance(value, str):
        return said(view.named(value), most=60)
    if isinstance(value, str) and name in _TIMES:
        return when(datetime.fromisoformat(value), view.zone)
    return _tree(view, value, depth)


def _worded(name: object) -> Html:
    return said(str(name).replace("_", " "), most=60)


def _do(view: View, alert: Alert, actions: Actions) -> None:
    why = ui.input("Why, or what you are doing").props("outlined dense maxlength=500").classes("why")
    with ui.element("div").classes("choices"):
        if alert.state is AlertState.FIRING:
            actions.button("Acknowledge", lambda: _acknowledge(view, alert, str(why.value or "")))
        for name, hours in _SILENCES:
            actions.button(f"Silence for {name}", partial(_silence, view, alert, hours, lambda: str(why.value or "")))
        actions.button("It was useful", lambda: _judge(view, alert, useful=True, why=str(why.value or "")))
        actions.button("It was noise", lambda: _judge(view, alert, useful=False, why=str(why.value or "")))
    html(tag("p", "A silence holds for this rule with these labels.", class_="soft"))


def _acknowledge(view: View, alert: Alert, why: str) -> str:
    now = datetime.now(UTC)
    alerting.acknowledge(view.parts.control, alert.id, by=view.viewer.name, why=why, now=now)
    return "It will be acknowledged in a moment."


def _silence(view: View, alert: Alert, hours: int, why: Any) -> str:  # noqa: ANN401  # read when the button is pressed
    reason = why()
    if not reason:
        raise alerting.NoSuchAlertError("say why nobody needs to know: it is shown as long as the silence holds")
    now = datetime.now(UTC)
    until, matchers = now + timedelta(hours=hours), {"rule": alert.rule, **alert.labels}
    alerting.silence(
        view.parts.control, matchers, until=until, by=view.viewer.name, why=reason, now=now, project=alert.project
    )
    return f"Silenced for {hours} h."


def _unsilence(view: View, silence: str) -> str:
    alerting.unsilence(view.parts.control, silence, by=view.viewer.name, now=datetime.now(UTC))
    return "The silence is over."


def _judge(view: View, alert: Alert, *, useful: bool, why: str) -> str:
    now = datetime.now(UTC)
    alerting.give_feedback(view.parts.control, alert.id, useful=useful, by=view.viewer.name, why=why, now=now)
    return "Noted: the rule's precision counts it."


PAGE = Page("/alerts", "Alerts", build, icon="⚑")
ONE = Page("/alert", "Alert", build_one, within="/alerts")
