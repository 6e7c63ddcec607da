"""One alert: state, evidence, and the actions of a lead."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from glob import escape
from typing import Any

from nicegui import ui

from assay_models.alerting.suppression import Silence, named, silenced_by
from assay_schemas.alert import Alert, AlertState
from assay_schemas.annotation import AnnotatorId, ProjectId
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
    """Fill the page and keep it updated."""
    alert = _alert(view)
    silences = _silences(view, alert)

    @ui.refreshable
    def content() -> None:
        if isinstance(alert, alert_actions.NoSuchAlertError):
            html(empty_state("No such alert", str(alert)))
        else:
            _show(view, alert, silences, Actions(view, (alert_actions.NoSuchAlertError,), content.refresh))

    content()

    def refresh_if_changed() -> None:
        nonlocal alert, silences
        new_alert = _alert(view)
        new_silences = _silences(view, new_alert)
        if isinstance(new_alert, Alert) and (new_alert, new_silences) != (alert, silences):
            alert, silences = new_alert, new_silences
            content.refresh()

    ui.timer(_EVERY_SECONDS, refresh_if_changed)


def _alert(view: View) -> Alert | alert_actions.NoSuchAlertError:
    try:
        return alert_actions.get_alert(view.parts.control, view.query.get("id", ""))
    except alert_actions.NoSuchAlertError as error:
        return error


def _silences(view: View, alert: Alert | alert_actions.NoSuchAlertError) -> Html | None:
    """Return the active silences that match this alert; its own record has only those of its last transition."""
    if isinstance(alert, alert_actions.NoSuchAlertError):
        return None
    now = datetime.now(UTC)
    labels = named(alert.project, alert.rule, alert.severity.value, alert.labels)
    rows = {row.id: row for row in alert_actions.list_silences(view.parts.control, now=now)}
    silences = [Silence(row.id, ProjectId(row.project), row.matchers, _ms(row.until)) for row in rows.values()]
    matching = [rows[silence] for silence in silenced_by(silences, labels, now=_ms(now))]
    lines = [
        join(("until ", when(row.until, view.zone), ", by ", text_or_dash(row.by), ": ", text_or_dash(row.why), " "))
        for row in matching
    ]
    return join(lines) if lines else None


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def _show(view: View, alert: Alert, silences: Html | None, actions: Actions) -> None:
    html(tag("h1", summary(view, alert)))
    facts: list[tuple[str, object]] = [
        ("State", join((MARKS[alert.state], suppression_reason(alert)))),
        ("Severity", alert.severity.value),
        ("Rule", text_or_dash(alert.rule)),
        ("Project", link("/project", text_or_dash(alert.project), project=alert.project)),
        ("Since", when(alert.since, view.zone)),
        ("Last change", when(alert.at, view.zone)),
        ("Value", _value(alert)),
        ("Scope", _labels(view, alert)),
        ("Silenced", silences),
        ("Acknowledged", join((text_or_dash(alert.by), ": ", text_or_dash(alert.why))) if alert.by else None),
        ("Runbook", _runbook(alert.runbook)),
    ]
    html(tag("section", _facts(facts), class_="card"))
    if view.viewer.may(Role.LEAD):
        with ui.element("section").classes("card"):
            html(tag("h2", "Actions"))
            _actions(view, alert, actions)
    html(tag("section", tag("h2", "Evidence"), _evidence(view, alert), class_="card"))


def _facts(facts: Sequence[tuple[str, object]]) -> Html:
    return tag("dl", *(part for name, value in facts if value for part in (tag("dt", name), tag("dd", value))))


def _labels(view: View, alert: Alert) -> Html:
    parts: list[Html] = []
    for name, value in sorted(alert.labels.items()):
        shown: object = text_or_dash(value, most=80)
        if name in PEOPLE:
            annotator = view.named(AnnotatorId(value))
            shown = link("/annotator", text_or_dash(annotator, most=60), project=alert.project, annotator=annotator)
        parts.append(join(("; " if parts else None, text_or_dash(name, most=40), " ", shown)))
    return join(parts) if parts else tag("span", "the whole project", class_="none")


def _runbook(address: str | None) -> Html | None:
    if address is None:
        return None
    if not is_web(address):
        return text_or_dash(address, most=300)
    return tag("a", text_or_dash(address, most=300), href=address, rel="noopener noreferrer", target="_blank")


def _value(alert: Alert) -> Html:
    value = number(alert.value, digits=4)
    return value if alert.threshold is None else join((value, ", threshold ", number(alert.threshold, digits=4)))


def _evidence(view: View, alert: Alert) -> Html:
    if not alert.evidence:
        return tag("p", "The value above is the only evidence.", class_="soft")
    lists = {name: value for name, value in alert.evidence.items() if _is_table(value)}
    facts = {name: value for name, value in alert.evidence.items() if name not in lists}
    tables = [_rows(view, alert.project, name, value) for name, value in lists.items()]
    return join((_tree(view, facts, _DEPTH), *tables))


def _is_table(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _rows(view: View, project: ProjectId, name: str, records: Sequence[Mapping[str, Any]]) -> Html:
    columns = list(dict.fromkeys(column for record in records for column in record))
    rows = [[_cell(view, project, column, record.get(column)) for column in columns] for record in records]
    return table(_worded(name), [_worded(column) for column in columns], rows)


def _cell(view: View, project: ProjectId, column: str, value: Json) -> Html:
    if column == "item" and isinstance(value, str):
        return link("/item", text_or_dash(value, most=60), project=project, item=value)
    return _leaf(view, column, value, 0)


def _tree(view: View, value: Json, depth: int) -> Html:
    """Return nested evidence as nested lists."""
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
        return text_or_dash(view.named(AnnotatorId(value)), most=60)
    if isinstance(value, str) and name in _TIMES:
        return when(datetime.fromisoformat(value), view.zone)
    return _tree(view, value, depth)


def _worded(name: object) -> Html:
    return text_or_dash(str(name).replace("_", " "), most=60)


def _actions(view: View, alert: Alert, actions: Actions) -> None:
    why = ui.input("Comment").props("outlined dense maxlength=500").classes("why")
    with ui.element("div").classes("choices"):
        if alert.state is AlertState.FIRING:
            actions.button("Acknowledge", lambda: _acknowledge(view, alert, str(why.value or "")))
        for name, hours in _SILENCES:
            actions.button(f"Silence for {name}", partial(_silence, view, alert, hours, lambda: str(why.value or "")))
        actions.button("Mark as useful", lambda: _give_feedback(view, alert, useful=True, why=str(why.value or "")))
        actions.button("Mark as noise", lambda: _give_feedback(view, alert, useful=False, why=str(why.value or "")))
    html(tag("p", "A silence applies to this rule with these labels. It needs a comment.", class_="soft"))


def _acknowledge(view: View, alert: Alert, why: str) -> str:
    now = datetime.now(UTC)
    alert_actions.acknowledge(view.parts.control, alert.id, by=view.viewer.name, why=why, now=now)
    return "Acknowledged. The page updates in a moment."


def _silence(view: View, alert: Alert, hours: int, why: Any) -> str:  # noqa: ANN401  # read when the button is pressed
    reason = why()
    if not reason:
        raise alert_actions.NoSuchAlertError("Enter a comment first. It is shown with the silence.")
    now = datetime.now(UTC)
    until, matchers = (
        now + timedelta(hours=hours),
        {name: escape(value) for name, value in {"rule": alert.rule, **alert.labels}.items()},
    )
    alert_actions.silence(
        view.parts.control, matchers, until=until, by=view.viewer.name, why=reason, now=now, project=alert.project
    )
    return f"Silenced for {hours} h."


def _give_feedback(view: View, alert: Alert, *, useful: bool, why: str) -> str:
    now = datetime.now(UTC)
    alert_actions.give_feedback(view.parts.control, alert.id, useful=useful, by=view.viewer.name, why=why, now=now)
    return "Saved. It counts towards the rule's precision."


PAGE = ConsolePage("/alert", "Alert", build, within="/alerts")
