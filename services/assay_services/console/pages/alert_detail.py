"""One alert: its evidence, and what a lead does about it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from glob import escape
from typing import Any

from nicegui import ui

from assay_models.alerting.suppression import Silence, named, silenced_by
from assay_schemas.alert import Alert, AlertState
from assay_schemas.json_data import Json
from assay_services.console.pages.actions import Actions
from assay_services.console.pages.alert_list import MARKS, PEOPLE, summary, suppression_reason
from assay_services.console.pages.html import (
    Html,
    empty_state,
    is_web,
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

_EVERY_SECONDS = 2.0
_SILENCES = (("1 hour", 1), ("8 hours", 8), ("7 days", 168))
_DEPTH = 6
_TIMES = frozenset({"at", "since", "since_low", "since_high"})


async def build(view: View) -> None:
    """Fill the page, and follow what becomes of the alert."""
    before = _found(view)
    quiet = _quiet(view, before)

    @ui.refreshable
    def shown() -> None:
        if isinstance(before, alert_actions.NoSuchAlertError):
            html(empty_state("There is no such alert", str(before)))
        else:
            _alert(view, before, quiet, Actions(view, (alert_actions.NoSuchAlertError,), shown.refresh))

    shown()

    def look() -> None:
        nonlocal before, quiet
        now = _found(view)
        hushed = _quiet(view, now)
        if isinstance(now, Alert) and (now, hushed) != (before, quiet):
            before, quiet = now, hushed
            shown.refresh()

    ui.timer(_EVERY_SECONDS, look)


def _found(view: View) -> Alert | alert_actions.NoSuchAlertError:
    try:
        return alert_actions.get_alert(view.parts.control, view.query.get("id", ""))
    except alert_actions.NoSuchAlertError as error:
        return error


def _quiet(view: View, found: Alert | alert_actions.NoSuchAlertError) -> Html | None:
    """Return the silences in force of which this alert is one; its own record speaks only of its last transition."""
    if isinstance(found, alert_actions.NoSuchAlertError):
        return None
    now = datetime.now(UTC)
    alert = named(found.project, found.rule, found.severity.value, found.labels)
    rows = {one.id: one for one in alert_actions.list_silences(view.parts.control, now=now)}
    asked = [Silence(one.id, one.project, one.matchers, _ms(one.until)) for one in rows.values()]
    mine = [rows[one] for one in silenced_by(asked, alert, now=_ms(now))]
    told = [
        join(("until ", when(one.until, view.zone), ", by ", text_or_dash(one.by), ": ", text_or_dash(one.why), " "))
        for one in mine
    ]
    return join(told) if told else None


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def _alert(view: View, alert: Alert, quiet: Html | None, actions: Actions) -> None:
    html(tag("h1", summary(view, alert)))
    facts: list[tuple[str, object]] = [
        ("State", join((MARKS[alert.state], suppression_reason(alert)))),
        ("Severity", alert.severity.value),
        ("Rule", text_or_dash(alert.rule)),
        ("Project", link("/project", text_or_dash(alert.project), project=alert.project)),
        ("Since", when(alert.since, view.zone)),
        ("Last change", when(alert.at, view.zone)),
        ("Read", _read(alert)),
        ("About", _labels(view, alert)),
        ("Silenced", quiet),
        ("Acknowledged", join((text_or_dash(alert.by), ": ", text_or_dash(alert.why))) if alert.by else None),
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
    shown: list[Html] = []
    for name, value in sorted(alert.labels.items()):
        about: object = text_or_dash(value, most=80)
        if name in PEOPLE:
            called = view.named(value)
            about = link("/annotator", text_or_dash(called, most=60), project=alert.project, annotator=called)
        shown.append(join(("; " if shown else None, text_or_dash(name, most=40), " ", about)))
    return join(shown) if shown else tag("span", "the whole project", class_="none")


def _runbook(address: str | None) -> Html | None:
    if address is None:
        return None
    if not is_web(address):
        return text_or_dash(address, most=300)
    return tag("a", text_or_dash(address, most=300), href=address, rel="noopener noreferrer", target="_blank")


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


def _is_table(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _rows(view: View, project: str, name: str, found: Sequence[Mapping[str, Any]]) -> Html:
    columns = list(dict.fromkeys(column for one in found for column in one))
    rows = [[_cell(view, project, column, one.get(column)) for column in columns] for one in found]
    return table(_worded(name), [_worded(column) for column in columns], rows)


def _cell(view: View, project: str, column: str, value: Json) -> Html:
    if column == "item" and isinstance(value, str):
        return link("/item", text_or_dash(value, most=60), project=project, item=value)
    return _leaf(view, column, value, 0)


def _tree(view: View, value: Json, depth: int) -> Html:
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
        return text_or_dash(f"{value:.4g}")
    return text_or_dash(None if value is None else str(value), most=300)


def _leaf(view: View, name: str, value: Json, depth: int) -> Html:
    if name in PEOPLE and isinstance(value, str):
        return text_or_dash(view.named(value), most=60)
    if isinstance(value, str) and name in _TIMES:
        return when(datetime.fromisoformat(value), view.zone)
    return _tree(view, value, depth)


def _worded(name: object) -> Html:
    return text_or_dash(str(name).replace("_", " "), most=60)


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
    alert_actions.acknowledge(view.parts.control, alert.id, by=view.viewer.name, why=why, now=now)
    return "It will be acknowledged in a moment."


def _silence(view: View, alert: Alert, hours: int, why: Any) -> str:  # noqa: ANN401  # read when the button is pressed
    reason = why()
    if not reason:
        raise alert_actions.NoSuchAlertError("say why nobody needs to know: it is shown as long as the silence holds")
    now = datetime.now(UTC)
    until, matchers = (
        now + timedelta(hours=hours),
        {name: escape(value) for name, value in {"rule": alert.rule, **alert.labels}.items()},
    )
    alert_actions.silence(
        view.parts.control, matchers, until=until, by=view.viewer.name, why=reason, now=now, project=alert.project
    )
    return f"Silenced for {hours} h."


def _judge(view: View, alert: Alert, *, useful: bool, why: str) -> str:
    now = datetime.now(UTC)
    alert_actions.give_feedback(view.parts.control, alert.id, useful=useful, by=view.viewer.name, why=why, now=now)
    return "Noted: the rule's precision counts it."


PAGE = ConsolePage("/alert", "Alert", build, within="/alerts")
