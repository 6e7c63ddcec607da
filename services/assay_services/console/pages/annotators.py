"""Annotators: a sortable list per project, and a page for each annotator."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from nicegui import ui

from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_services.console.pages import charts, icons
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
from assay_services.console.pages.project import CONFUSION_TITLE, card
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
    annotators = await view.ask(read_annotators, project)
    if not annotators:
        html(
            empty_state(
                "No annotators yet", "Annotators appear here with their first valid annotation.", "assay import --help"
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
        Column("accuracy (95 %)", "accuracy", hint="Estimated share of correct labels, by the consensus model"),
        Column("agreement (95 %)", "agreement", hint="Share of labels equal to the consensus of the other annotators"),
        Column("flagged", "flagged", is_number=True),
        Column("seconds per label", "speed", is_number=True, hint="Median; the mean before the first report"),
        Column("signals", "signals"),
    )
    rows = [_row(view, project, line) for line in sort_lines(annotators, sorting.by, is_down=sorting.is_down)]
    card(table(f"{len(annotators):,} annotator{'' if len(annotators) == 1 else 's'}", columns, rows, sorting=sorting))


def sort_lines(lines: Sequence[AnnotatorLine], by: str, *, is_down: bool) -> Sequence[AnnotatorLine]:
    """Return the lines sorted by a column; lines without a value come last in either direction."""
    key = _SORTS[by]
    known = [line for line in lines if key(line) is not None]
    unknown = [line for line in lines if key(line) is None]
    return [*sorted(known, key=lambda line: (key(line), line.annotator), reverse=is_down), *unknown]


def _row(view: View, project: ProjectId, one: AnnotatorLine) -> tuple[object, ...]:
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
    project, shown = ProjectId(view.query.get("project", "")), view.query.get("annotator", "")
    lines = await view.ask(read_annotators, project)
    name = view.parts.naming.meant(shown, view.viewer, known=[line.annotator for line in lines])
    annotator = None if name is None else await view.ask(read_annotator, project, name)
    html(tag("h1", text_or_dash(shown, most=80)))
    html(tag("p", "in ", link("/annotators", text_or_dash(project), project=project)))
    if annotator is None or name is None:
        html(empty_state("No such annotator", "No annotator of this name has a valid annotation in this project."))
        return
    line = annotator.line
    tiles = [
        tile("Labels", number(line.votes), join(("newest ", when(annotator.last_at, view.zone)))),
        tile(
            "Accuracy",
            number(line.accuracy, digits=2),
            interval(line.accuracy, line.accuracy_low, line.accuracy_high, line.accuracy_votes),
        ),
        tile(
            "Agreement with consensus",
            number(line.agreement, digits=2),
            interval(line.agreement, line.agreement_low, line.agreement_high, line.compared),
        ),
        tile(
            "Seconds per label",
            number(line.median_seconds, digits=1),
            join(("mean ", number(line.mean_seconds, digits=1))),
        ),
        tile("Flagged", percent(line.flagged / line.votes if line.votes else None), f"n {line.votes:,}"),
    ]
    html(tag("div", *tiles, class_="tiles"))
    html(tag("section", tag("h2", "Labels given"), labels(annotator.labels), class_="card"))
    with ui.element("div").classes("pair"):
        _confusion(view, annotator)
        _trend(view, annotator)
    card(_signals(view, project, annotator.signals))
    card(_speed(annotator.report))
    await _votes(view, project, name, shown)


def _confusion(view: View, annotator: AnnotatorSummary) -> None:
    with ui.element("section").classes("card"):
        html(tag("h2", CONFUSION_TITLE))
        names = sorted({*annotator.confusion, *(given for row in annotator.confusion.values() for given in row)})[:14]
        if not names:
            html(empty_state("No data yet", "The matrix needs items with at least two labels."))
            return
        cells = []
        for y, right in enumerate(names):
            row = annotator.confusion.get(right, {})
            total = sum(row.values())
            cells += [
                (x, y, row.get(given, 0.0) / total, f"{row.get(given, 0.0) / total * 100:.0f} %")
                for x, given in enumerate(names)
                if total
            ]
        label = "Confusion matrix of this annotator: rows are consensus labels, columns are given labels"
        charts.show(
            charts.heat(view.colours, across=names, down=names, cells=cells, low=0, high=1),
            label=label,
            height=f"{140 + 40 * len(names)}px",
        )
        html(tag("p", "Each cell is its share of the row.", class_="soft"))


def _trend(view: View, annotator: AnnotatorSummary) -> None:
    with ui.element("section").classes("card"):
        html(tag("h2", "Agreement by day, with detected changes"))
        trend: Sequence[Mapping[str, Any]] = (annotator.report or {}).get("trend", [])
        if not trend:
            html(empty_state("No trend yet", "The conduct service reports each annotator about once a minute."))
            return
        days = [(datetime.fromisoformat(one["day"]).replace(tzinfo=UTC), one) for one in trend if one["compared"]]
        series = {
            "observed": [charts.Point(day, one["agreed"] / one["compared"]) for day, one in days],
            "expected from all annotators": [charts.Point(day, one["expected"] / one["compared"]) for day, one in days],
        }
        if (sentence := charts.single_reading(series, view.zone)) is not None:
            html(sentence)
        else:
            label = "Share of labels equal to the consensus, by day, with detected changes"
            charts.show(_with_changes(view, charts.lines(view.colours, series, low=0, high=1), annotator), label=label)
        compared = sum(one["compared"] for _, one in days)
        html(
            tag("p", f"{compared:,} labels compared on {len(days)} day{'' if len(days) == 1 else 's'}.", class_="soft")
        )


def _with_changes(view: View, options: dict[str, Any], annotator: AnnotatorSummary) -> dict[str, Any]:
    """Return the chart's options with a vertical line where each raised signal began."""
    raised = [signal for signal in annotator.signals if signal.state == "raised"]
    changes = {
        "data": [{"xAxis": signal.since.isoformat(), "name": signal.detector} for signal in raised],
        "symbol": "none",
        "label": {"formatter": "{b}", "color": view.colours.ink},
    }
    first, *others = options["series"]
    return options | {"series": [first | {"markLine": changes}, *others]}


def _signals(view: View, project: ProjectId, signals: Sequence[SignalLine]) -> Html:
    if not signals:
        return join(
            (tag("h2", "Signals"), empty_state("No signals", "No detector has raised a signal about this annotator."))
        )
    rows = []
    for one in signals:
        numbers = {**one.evidence.get("counts", {}), **one.evidence.get("comparison", {})}
        items = [
            join((link("/item", text_or_dash(item["item"], most=24), project=project, item=item["item"]), " "))
            for item in one.evidence.get("items", [])
        ]
        counts = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in numbers.items())
        peer = join((" with ", text_or_dash(view.named(one.peer)))) if one.peer else None
        rows.append(
            (
                join((tag("span", one.detector, class_="badge strong" if one.state == "raised" else "badge"), peer)),
                one.state,
                when(one.at, view.zone),
                when(one.since, view.zone),
                join(
                    (
                        f"e-value {one.e_value:,.0f}; expected false alarms per week: {one.false_alarm_level:g}. ",
                        counts,
                        tag("div", *items),
                    )
                ),
            )
        )
    return table(
        "Signals, with their evidence",
        ("signal", "state", "raised", "since about", Column("evidence", is_text=True)),
        rows,
    )


def _speed(report: Mapping[str, Any] | None) -> Html:
    speed = (report or {}).get("speed")
    if not speed:
        return join((tag("h2", "Speed"), empty_state("No times yet", "Lead times come from the platform's events.")))
    facts = [
        ("10th percentile", f"{speed['fastest_tenth_seconds']:.1f} s"),
        ("Median", f"{speed['median_seconds']:.1f} s"),
        ("90th percentile", f"{speed['slowest_tenth_seconds']:.1f} s"),
        (
            "Reading speed",
            f"{speed['characters_per_second']:.0f} characters per second" if speed["characters_per_second"] else "-",
        ),
    ]
    rows = [part for name, value in facts for part in (tag("dt", name), tag("dd", value))]
    return join((tag("h2", "Speed"), tag("dl", *rows)))


async def _votes(view: View, project: ProjectId, name: AnnotatorId, shown: str) -> None:
    try:
        votes = await view.ask(read_votes, project, name, after=view.query.get("after"))
    except WrongCursor as error:
        html(empty_state("This page of the list does not exist", str(error)))
        return
    next_page = onward("/annotator", votes.following, project=project, annotator=shown)
    card(join((_vote_table(view, project, votes), next_page)))


def _vote_table(view: View, project: ProjectId, votes: Slice[VoteLine]) -> Html:
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
        for one in votes.rows
    ]
    columns = (
        "item",
        "label given",
        "consensus",
        Column("probability", is_number=True),
        "comparison",
        Column("seconds", is_number=True),
        "flagged",
        "time",
    )
    return table("Labelled items, newest first", columns, rows)


def _same(one: VoteLine) -> str:
    if one.consensus is None:
        return ""
    return "same" if one.label == one.consensus else "differs"


PAGE = ConsolePage("/annotators", "Annotators", build, icon=icons.ANNOTATORS)
ONE = ConsolePage("/annotator", "Annotator", build_one, within="/annotators")
