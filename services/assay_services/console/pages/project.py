"""Project: agreement over time, pairwise agreement, confusion matrix, findings, contract versions."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui
from nicegui.events import EChartPointClickEventArguments

from assay_schemas.annotation import ProjectId
from assay_services.console.pages import charts, icons
from assay_services.console.pages.filters import chosen_project, heading, no_project, tabs
from assay_services.console.pages.html import (
    Column,
    Html,
    address,
    empty_state,
    interval,
    link,
    number,
    table,
    tag,
    text_or_dash,
    when,
)
from assay_services.console.pages.layout import ConsolePage, View, html
from assay_services.stores.archive.queries.agreement import Choices, PairReading, read_choices, read_history, read_pairs
from assay_services.stores.archive.queries.projects import (
    Confusion,
    ContractVersion,
    read_confusion,
    read_contracts,
    read_findings,
)

CONFUSION_TITLE = "Confusion matrix (rows: consensus, columns: given)"
_MOST_LABELS = 14
_COEFFICIENT_FROM = -0.2


async def build(view: View) -> None:
    """Fill the page."""
    project, projects = await chosen_project(view)
    html(heading("/project", "", project, projects))
    if project is None:
        html(no_project())
        return
    choices = await view.ask(read_choices, project)
    await _agreement(view, project, choices)
    with ui.element("div").classes("pair"):
        _pairs(view, project, await view.ask(read_pairs, project))
        _confusion(view, project, await view.ask(read_confusion, project))
    findings = await view.ask(read_findings, project)
    rows = [
        (
            link("/items", text_or_dash(one.rule), project=project, rule=one.rule),
            one.action,
            number(one.count),
            number(one.annotators),
            when(one.newest_at, view.zone),
        )
        for one in findings
    ]
    columns = ("rule", "action", Column("findings", is_number=True), Column("annotators", is_number=True), "newest")
    card(
        table("Findings by rule", columns, rows)
        if rows
        else empty_state("No findings yet", "No rule has produced a finding.")
    )
    card(_contract(view, await view.ask(read_contracts, project, view.namer)))


def card(content: Html) -> None:
    """Show HTML as a card."""
    html(content).classes("card")


async def _agreement(view: View, project: ProjectId, choices: Choices) -> None:
    with ui.element("section").classes("card"):
        html(tag("h2", "Agreement over time"))
        if not choices.windows:
            html(empty_state("No readings yet", "Agreement needs items with at least two labels."))
            return
        window = view.query.get("window") or choices.windows[0]
        kind = view.query.get("kind") or "all"
        html(tabs("Window", [(one, _at(project, one, kind)) for one in choices.windows], window))
        html(tabs("By", [(one, _at(project, window, one)) for one in choices.kinds], kind))
        history = await view.ask(read_history, project, window=window, kind=kind)
        series = {
            name or "all labels": [charts.Point(one.at, one.value, one.low, one.high) for one in readings]
            for name, readings in history.items()
        }
        if (sentence := charts.single_reading(series, view.zone)) is not None:
            html(sentence)
        else:
            options = charts.lines(view.colours, series, low=_COEFFICIENT_FROM, high=1)
            charts.show(options, label=f"Agreement of {project}, {kind}, window {window}, with 95 % intervals")
        newest = [
            (
                text_or_dash(name or "all labels"),
                interval(one.value, one.low, one.high, one.items),
                when(one.at, view.zone),
            )
            for name, readings in history.items()
            for one in readings[-1:]
        ]
        html(table("Newest readings (95 % interval, n items)", ("scope", "agreement", "time"), newest))


def _at(project: ProjectId, window: str, kind: str) -> str:
    return address("/project", project=project, window=window, kind=kind)


def _pairs(view: View, project: ProjectId, pairs: Sequence[PairReading]) -> None:
    with ui.element("section").classes("card"):
        html(tag("h2", "Pairwise agreement"))
        if not pairs:
            html(
                empty_state(
                    "No pairs yet",
                    "A pair appears once two annotators have labelled enough items in common.",
                )
            )
            return
        names = sorted({name for one in pairs for name in (one.one, one.other)})
        index = {name: number for number, name in enumerate(names)}
        cells: list[tuple[int, int, float | None, str]] = []
        for one in pairs:
            text = "" if one.value is None else f"{one.value:.2f}"
            cells.append((index[one.one], index[one.other], one.value, text))
            cells.append((index[one.other], index[one.one], one.value, text))
        shown = [view.named(name) for name in names]
        options = charts.heat(view.colours, across=shown, down=shown, cells=cells, low=0, high=1)
        label = f"Pairwise agreement of the annotators of {project}; the table below has the same numbers"
        chart = charts.show(options, label=label, height=f"{140 + 26 * len(names)}px")

        def open_items(event: EChartPointClickEventArguments) -> None:
            x, y = _cell(event)
            ui.navigate.to(address("/items", project=project, annotator=shown[x], pair=shown[y]))

        chart.on_point_click(open_items)
        html(tag("details", tag("summary", "Pairs as a table"), _pair_table(view, project, pairs)))


def _pair_table(view: View, project: ProjectId, pairs: Sequence[PairReading]) -> Html:
    rows = [
        (
            link(
                "/items",
                text_or_dash(f"{view.named(one.one)} and {view.named(one.other)}"),
                project=project,
                annotator=view.named(one.one),
                pair=view.named(one.other),
            ),
            interval(one.value, one.low, one.high, one.items),
        )
        for one in sorted(pairs, key=lambda one: one.value if one.value is not None else 2)
    ]
    return table("Pairs, lowest agreement first (95 % interval, n items)", ("pair", "agreement"), rows)


def _confusion(view: View, project: ProjectId, confusion: Confusion) -> None:
    with ui.element("section").classes("card"):
        html(tag("h2", CONFUSION_TITLE))
        html(tag("p", "Each cell is its share of the row. Click a cell to open its items.", class_="soft"))
        if not confusion.labels:
            needed = "The matrix needs labels from a fixed set, and items with at least two labels."
            html(empty_state("No data yet", needed))
            return
        labels = confusion.labels[:_MOST_LABELS]
        cells = [
            (x, y, share, f"{share * 100:.0f} %")
            for y, right in enumerate(labels)
            for x, given in enumerate(labels)
            if (share := _share(confusion, right, given)) is not None
        ]
        options = charts.heat(view.colours, across=labels, down=labels, cells=cells, low=0, high=1)
        label = f"Confusion matrix of {project}; the table below has the same numbers"
        chart = charts.show(options, label=label, height=f"{140 + 40 * len(labels)}px")

        def open_items(event: EChartPointClickEventArguments) -> None:
            x, y = _cell(event)
            ui.navigate.to(address("/items", project=project, right=labels[y], given=labels[x]))

        chart.on_point_click(open_items)
        html(tag("details", tag("summary", "Cells as a table"), _confusion_table(project, confusion, labels)))


def _cell(event: EChartPointClickEventArguments) -> tuple[int, int]:
    """Return the column and row of the clicked cell."""
    value = event.value
    return (int(value[0]), int(value[1])) if isinstance(value, list) else (0, 0)


def _share(confusion: Confusion, right: str, given: str) -> float | None:
    row = confusion.counts.get(right, {})
    total = sum(row.values())
    return row.get(given, 0.0) / total if total else None


def _confusion_table(project: ProjectId, confusion: Confusion, labels: Sequence[str]) -> Html:
    rows: list[tuple[Any, ...]] = []
    for right in labels:
        n = sum(confusion.counts.get(right, {}).values())
        cells = [
            link(
                "/items",
                f"{(_share(confusion, right, given) or 0) * 100:.1f} %",
                project=project,
                right=right,
                given=given,
            )
            for given in labels
        ]
        rows.append((text_or_dash(right), *cells, f"{n:,.0f}"))
    columns: list[Column | str] = [
        "consensus",
        *(f"given {one[:18]}" for one in labels),
        Column("n (expected)", is_number=True),
    ]
    return table(f"Confusion matrix of {confusion.annotators} annotators", columns, rows)


def _contract(view: View, versions: Sequence[ContractVersion]) -> Html:
    if not versions:
        return empty_state("No contract yet", "The archive has received no contract.", "assay contract apply FILE.yaml")
    rows = []
    for one in versions:
        changes = tag("ul", *(tag("li", text_or_dash(change, most=200)) for change in one.changes[:30]), class_="diff")
        name = "withdrawn" if one.version is None else f"version {one.version}"
        rows.append(
            (name, when(one.came_at, view.zone), changes if one.changes else tag("span", "no change", class_="none"))
        )
    return table(
        "Contract versions, newest first", ("version", "in force since", Column("changes", is_text=True)), rows
    )


PAGE = ConsolePage("/project", "Project", build, icon=icons.PROJECT)
