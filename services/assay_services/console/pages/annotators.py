"""Annotators: everybody of a project, sorted as one likes, and a page for each."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from nicegui import ui

from assay_services.console.pages import charts
from assay_services.console.pages.filters import chosen_project, heading, no_project, onward
from assay_services.console.pages.html import (
    Column,
    Html,
    Sorting,
    empty_state,
    interval,
    join,
    link,
    number,
    percent,
    table,
    tag,
    text_or_dash,
    tile,
    when,
)
from assay_services.console.pages.layout import ConsolePage, View, html
from assay_services.console.pages.overview import labels
from assay_services.console.pages.project import card
from assay_services.stores.archive.queries.annotators import (
    AnnotatorLine,
    AnnotatorSummary,
    SignalLine,
    VoteLine,
    read_annotator,
    read_annotators,
    read_votes,
)
from assay_services.stores.archive.queries.pagination import Slice, WrongCursor

_SORTS: Mapping[str, Callable[[AnnotatorLine], float | str | None]] = {
    "name": lambda one: one.annotator,
    "votes": lambda one: one.votes,
    "flagged": lambda one: one.flagged / one.votes if one.votes else None,
    "accuracy": lambda one: one.accuracy,
    "agreement": lambda one: one.agreement,
    "speed": lambda one: one.median_seconds or one.mean_seconds,
    "signals": lambda one: len(one.standing),
}


async def build(view: View) -> None:
    """Fill the list."""
    project, projects = await chosen_project(view)
    html(heading("/annotators", "Annotators", project, projects))
    if project is None:
        html(no_project())
        return
    found = await view.ask(read_annotators, project)
    if not found:
        html(
            empty_state(
                "Nobody has labelled yet", "Annotators show here with their first valid label.", "assay import --help"
            )
        )
        return
    by = view.query.get("sort", "accuracy")
    sorting = Sorting(
        "/annotators",
        by if by in _SORTS else "accuracy",
        view.query.get("way", "up") == "down",
        (("project", project),),
    )
    columns = (
        Column("annotator", "name"),
        Column("labels", "votes", is_number=True),
        Column("accuracy (95 %)", "accuracy", hint="How often right, by the truth model"),
        Column("agreement (95 %)", "agreement", hint="With the consensus of the others"),
        Column("flagged", "flagged", is_number=True),
        Column("seconds a label", "speed", is_number=True, hint="Median, or the mean before the first report"),
        Column("signals", "signals"),
    )
    rows = [_row(view, project, one) for one in sort_lines(found, sorting.by, is_down=sorting.is_down)]
    card(table(f"{len(found):,} annotators", columns, rows, sorting=sorting))


def sort_lines(found: Sequence[AnnotatorLine], by: str, *, is_down: bool) -> Sequence[AnnotatorLine]:
    """Return lines in an order; those about which nothing is known come last, whichever way."""
    key = _SORTS[by]
    known = [one for one in found if key(one) is not None]
    rest = [one for one in found if key(one) is None]
    return [*sorted(known, key=lambda one: (key(one), one.annotator), reverse=is_down), *rest]


def _row(view: View, project: str, one: AnnotatorLine) -> tuple[object, ...]:
    name = view.named(one.annotator)
    return (
        link("/annotator", text_or_dash(name, most=60), project=project, annotator=name),
        number(one.votes),
        interval(one.accuracy, one.accuracy_low, one.accuracy_high, one.accuracy_votes),
        interval(one.agreement, one.agreement_low, one.agreement_high, one.compared),
        percent(one.flagged / one.votes if one.votes else None),
        number(one.median_seconds if one.median_seconds is not None else one.mean_seconds, digits=1),
        _signals_of(one),
    )


def _signals_of(one: AnnotatorLine) -> Html:
    if not one.standing:
        return tag("span", "none", class_="none")
    return join(join((tag("span", name, class_="badge strong"), " ")) for name in one.standing)


async def build_one(view: View) -> None:
    """Fill the page of one annotator."""
    project, shown = view.query.get("project", ""), view.query.get("annotator", "")
    everybody = await view.ask(read_annotators, project)
    name = view.parts.naming.meant(shown, view.viewer, known=[one.annotator for one in everybody])
    found = None if name is None else await view.ask(read_annotator, project, name)
    html(tag("h1", text_or_dash(shown, most=80)))
    html(tag("p", "in ", link("/annotators", text_or_dash(project), project=project)))
    if found is None or name is None:
        html(empty_state("Nobody is called so", "Nobody of this name has a valid label in this project."))
        return
    line = found.line
    tiles = [
        tile("Labels", number(line.votes), join(("newest ", when(found.last_at, view.zone)))),
        tile(
            "Accuracy",
            number(line.accuracy, digits=2),
            interval(line.accuracy, line.accuracy_low, line.accuracy_high, line.accuracy_votes),
        ),
        tile(
            "Agreement with the others",
            number(line.agreement, digits=2),
            interval(line.agreement, line.agreement_low, line.agreement_high, line.compared),
        ),
        tile(
            "Seconds a label",
            number(line.median_seconds, digits=1),
            join(("mean ", number(line.mean_seconds, digits=1))),
        ),
        tile("Flagged", percent(line.flagged / line.votes if line.votes else None), f"n {line.votes:,}"),
    ]
    html(tag("div", *tiles, class_="tiles"))
    html(tag("section", tag("h2", "Labels given"), labels(found.labels), class_="card"))
    with ui.element("div").classes("pair"):
        _confusion(view, found)
        _trend(view, found)
    card(_signals(view, project, found.signals))
    card(_speed(found.report))
    await _votes(view, project, name, shown)


def _confusion(view: View, found: AnnotatorSummary) -> None:
    with ui.element("section").classes("card"):
        html(tag("h2", "What is taken for what"))
        names = sorted({*found.confusion, *(one for given in found.confusion.values() for one in given)})[:14]
        if not names:
            html(empty_state("Nothing yet", "It shows once some of the items have two labels or more."))
            return
        cells = []
        for y, right in enumerate(names):
            row = found.confusion.get(right, {})
            total = sum(row.values())
            cells += [
                (x, y, row.get(given, 0.0) / total, f"{row.get(given, 0.0) / total * 100:.0f} %")
                for x, given in enumerate(names)
                if total
            ]
        label = "Label confusion of this annotator: rows are the right label, columns the given one"
        charts.show(
            charts.heat(view.colours, across=names, down=names, cells=cells, low=0, high=1),
            label=label,
            height=f"{140 + 40 * len(names)}px",
        )
        html(tag("p", "Rows: the right label. Columns: the label given. Shares of the row.", class_="soft"))


def _trend(view: View, found: AnnotatorSummary) -> None:
    with ui.element("section").classes("card"):
        html(tag("h2", "Trend, and where it changed"))
        trend: Sequence[Mapping[str, Any]] = (found.report or {}).get("trend", [])
        if not trend:
            html(empty_state("No trend yet", "Conduct reports an annotator about once a minute, by day."))
            return
        days = [(datetime.fromisoformat(one["day"]).replace(tzinfo=UTC), one) for one in trend if one["compared"]]
        series = {
            "agreed": [charts.Point(day, one["agreed"] / one["compared"]) for day, one in days],
            "expected by the pool": [charts.Point(day, one["expected"] / one["compared"]) for day, one in days],
        }
        options = charts.lines(view.colours, series, low=0, high=1)
        changes = [
            {"xAxis": one.since.isoformat(), "name": one.detector} for one in found.signals if one.state == "raised"
        ]
        if options["series"]:
            options["series"][0]["markLine"] = {
                "data": changes,
                "symbol": "none",
                "label": {"formatter": "{b}", "color": view.colours.ink},
            }
        charts.show(
            options, label="Share of labels that agree with the consensus, by day, with the changes that were detected"
        )
        html(
            tag("p", f"{sum(one['compared'] for _, one in days):,} labels compared on {len(days)} days.", class_="soft")
        )


def _signals(view: View, project: str, signals: Sequence[SignalLine]) -> Html:
    if not signals:
        return join(
            (tag("h2", "Signals"), empty_state("No signal", "Nothing unusual was detected about this annotator."))
        )
    rows = []
    for one in signals:
        numbers = {**one.evidence.get("counts", {}), **one.evidence.get("comparison", {})}
        items = [
            join((link("/item", text_or_dash(item["item"], most=24), project=project, item=item["item"]), " "))
            for item in one.evidence.get("items", [])
        ]
        told = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in numbers.items())
        peer = join((" with ", text_or_dash(view.named(one.peer)))) if one.peer else None
        rows.append(
            (
                join((tag("span", one.detector, class_="badge strong" if one.state == "raised" else "badge"), peer)),
                one.state,
                when(one.at, view.zone),
                when(one.since, view.zone),
                join(
                    (
                        f"e-value {one.e_value:,.0f}; false alarms expected a week: {one.false_alarm_level:g}. ",
                        told,
                        tag("div", *items),
                    )
                ),
            )
        )
    return table(
        "Signals, with what they rest on",
        ("signal", "state", "raised", "since about", Column("evidence", is_text=True)),
        rows,
    )


def _speed(report: Mapping[str, Any] | None) -> Html:
    speed = (report or {}).get("speed")
    if not speed:
        return join((tag("h2", "Speed"), empty_state("No times yet", "Lead times come with the platform's events.")))
    facts = [
        ("Fastest tenth below", f"{speed['fastest_tenth_seconds']:.1f} s"),
        ("Median", f"{speed['median_seconds']:.1f} s"),
        ("Slowest tenth above", f"{speed['slowest_tenth_seconds']:.1f} s"),
        (
            "Reads",
            f"{speed['characters_per_second']:.0f} characters a second" if speed["characters_per_second"] else "-",
        ),
    ]
    rows = [part for name, value in facts for part in (tag("dt", name), tag("dd", value))]
    return join((tag("h2", "Speed"), tag("dl", *rows)))


async def _votes(view: View, project: str, name: str, shown: str) -> None:
    try:
        found = await view.ask(read_votes, project, name, after=view.query.get("after"))
    except WrongCursor as wrong:
        html(empty_state("This page of the list is not there", str(wrong)))
        return
    card(
        join(
            (_vote_table(view, project, found), onward("/annotator", found.following, project=project, annotator=shown))
        )
    )


def _vote_table(view: View, project: str, found: Slice[VoteLine]) -> Html:
    rows = [
        (
            link("/item", text_or_dash(one.item, most=40), project=project, item=one.item),
            text_or_dash(one.label, most=40),
            text_or_dash(one.consensus, most=40),
            number(one.probability, digits=2),
            _same(one),
            number(one.seconds, digits=1),
            "flagged" if one.flagged else "",
            when(one.at, view.zone),
        )
        for one in found.rows
    ]
    columns = (
        "item",
        "said",
        "consensus",
        Column("probability", is_number=True),
        "",
        Column("seconds", is_number=True),
        "",
        "at",
    )
    return table("The items behind the numbers, the newest first", columns, rows)


def _same(one: VoteLine) -> str:
    if one.consensus is None:
        return ""
    return "same" if one.label == one.consensus else "differs"


PAGE = ConsolePage("/annotators", "Annotators", build, icon="☺")
ONE = ConsolePage("/annotator", "Annotator", build_one, within="/annotators")
