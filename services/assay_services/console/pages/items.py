"""Items: search by content, labels, findings and annotators; and the page of one item with votes and history."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from nicegui import ui

from assay_schemas.annotation import ItemId, ProjectId
from assay_services.console.pages import charts, icons
from assay_services.console.pages.filters import chosen_project, field, heading, no_project, onward
from assay_services.console.pages.html import (
    Column,
    Html,
    empty_state,
    interval,
    join,
    link,
    number,
    percent,
    table,
    tag,
    text_or_dash,
    when,
    whole,
)
from assay_services.console.pages.layout import ConsolePage, View, html
from assay_services.console.pages.project import card
from assay_services.stores.archive.queries.annotators import read_annotators
from assay_services.stores.archive.queries.items import (
    CorrectionLine,
    ItemFilter,
    ItemView,
    ItemVote,
    read_item,
    read_items,
)
from assay_services.stores.archive.queries.pagination import WrongCursor

_STATUSES = ("open", "accepted", "disputed", "gold", "adjudicated", "empty")
_NAMES = [one.name for one in fields(ItemFilter)]


async def build(view: View) -> None:
    """Fill the search page."""
    project, projects = await chosen_project(view)
    html(heading("/items", "Items", project, projects))
    if project is None:
        html(no_project())
        return
    filters = {name: view.query.get(name, "")[:300] for name in _NAMES}
    html(_filters(project, filters))
    condition = await resolve_annotators(view, project, ItemFilter(**filters))
    if condition is None:
        html(empty_state("No such annotator", "No annotator of this project has that name. See the Annotators page."))
        return
    try:
        items = await view.ask(read_items, project, condition, after=view.query.get("after"))
    except WrongCursor as error:
        html(empty_state("This page of the list does not exist", str(error)))
        return
    if not items.rows:
        html(empty_state("No items match", "Remove a condition."))
        return
    rows = [
        (
            link("/item", text_or_dash(one.item, most=60), project=project, item=one.item),
            text_or_dash(one.label, most=40),
            number(one.probability, digits=2),
            number(one.votes),
            one.status,
            text_or_dash(one.text, most=140),
        )
        for one in items.rows
    ]
    columns = (
        "item",
        "label",
        Column("probability", is_number=True),
        Column("votes", is_number=True),
        "status",
        Column("text", is_text=True),
    )
    conditions = ", ".join(f"{name} {value}" for name, value in filters.items() if value) or "all"
    content = table(f"Items: {conditions}", columns, rows)
    card(join((content, onward("/items", items.following, project=project, **filters))))


async def resolve_annotators(view: View, project: ProjectId, condition: ItemFilter) -> ItemFilter | None:
    """Return the filter with annotators' real names; None if this viewer knows no annotator by the given name."""
    if not condition.annotator and not condition.pair:
        return condition
    known = [one.annotator for one in await view.ask(read_annotators, project)]
    names = [
        view.parts.naming.meant(shown, view.viewer, known=known) if shown else ""
        for shown in (condition.annotator, condition.pair)
    ]
    if names[0] is None or names[1] is None:
        return None
    return replace(condition, annotator=names[0], pair=names[1])


def _filters(project: ProjectId, filters: Mapping[str, str]) -> Html:
    fields_shown = [
        field("item", "Id starts with", filters["item"]),
        field("text", "Text contains", filters["text"]),
        field("label", "Consensus label", filters["label"]),
        field("given", "Label given", filters["given"]),
        field("status", "Status", filters["status"], choices=_STATUSES),
        field("annotator", "Annotator", filters["annotator"]),
        field("rule", "Finding of rule", filters["rule"]),
    ]
    hidden = [
        tag("input", type="hidden", name=name, value=filters[name]) for name in ("right", "pair") if filters[name]
    ]
    hidden.append(tag("input", type="hidden", name="project", value=project))
    clear = link("/items", "Clear", project=project)
    return tag(
        "form",
        *fields_shown,
        *hidden,
        tag("button", "Search", class_="button"),
        clear,
        method="get",
        action="/items",
        class_="filters card",
        role="search",
    )


async def build_one(view: View) -> None:
    """Fill the page of one item."""
    project, item = ProjectId(view.query.get("project", "")), ItemId(view.query.get("item", ""))
    content = await view.ask(read_item, project, item)
    html(tag("h1", "Item ", text_or_dash(item, most=80)))
    html(tag("p", "in ", link("/items", text_or_dash(project), project=project)))
    if content is None:
        html(empty_state("Unknown item", "It has no annotations yet, or it was erased."))
        return
    html(tag("section", tag("h2", "Content"), whole(content.text), _facts(view, content), class_="card"))
    card(_votes(view, content.votes))
    with ui.element("section").classes("card"):
        html(tag("h2", "Consensus over time"))
        _history(view, content)
    card(_corrections(view, content.corrections))


def _facts(view: View, item: ItemView) -> Html:
    now = item.now
    facts: list[tuple[str, object]] = [
        ("Status", now.status if now else "unknown"),
        (
            "Consensus",
            join(
                (
                    text_or_dash(now.label if now else None),
                    " with probability ",
                    number(now.probability if now else None, digits=3),
                    f", n {now.votes if now else 0} votes",
                )
            ),
        ),
        (
            "Probabilities",
            join(
                join((text_or_dash(name, most=40), " ", percent(share), "; "))
                for name, share in sorted(item.probabilities.items(), key=lambda entry: -entry[1])[:10]
            ),
        ),
        ("Gold label", text_or_dash(item.gold)),
        ("Model prediction", _model(item.votes)),
        (
            "Attributes",
            join(
                join((text_or_dash(name, most=40), " ", text_or_dash(value, most=80), "; "))
                for name, value in item.attributes.items()
            ),
        ),
        ("Media", text_or_dash(item.media["uri"], most=300) if item.media else None),
        (
            "Review",
            f"requested, priority {item.review_priority:.3f}" if item.review_priority is not None else "not requested",
        ),
        ("Content last seen", when(item.seen_at, view.zone)),
    ]
    return tag("dl", *(part for name, value in facts if value for part in (tag("dt", name), tag("dd", value))))


def _model(votes: Sequence[ItemVote]) -> Html | None:
    newest = next((one for one in reversed(votes) if one.predicted is not None), None)
    if newest is None:
        return None
    return join((text_or_dash(newest.predicted), " with probability ", number(newest.predicted_probability, digits=2)))


def _votes(view: View, votes: Sequence[ItemVote]) -> Html:
    rows = [
        (
            text_or_dash(view.named(one.annotator), most=60),
            one.kind,
            text_or_dash(one.label, most=120) if one.is_live else tag("span", "deleted or skipped", class_="none"),
            when(one.at, view.zone),
            number(one.seconds, digits=1),
            interval(one.accuracy, one.accuracy_low, one.accuracy_high, one.accuracy_votes),
            percent(one.label_probability),
            join(join((tag("span", rule, class_="badge"), " ")) for rule in one.findings),
        )
        for one in votes
    ]
    columns = (
        "annotator",
        "kind",
        Column("label", is_text=True),
        "time",
        Column("seconds", is_number=True),
        "accuracy (95 %)",
        Column("probability of label", is_number=True),
        "findings",
    )
    return table("Votes, with annotator reliability", columns, rows)


def _history(view: View, item: ItemView) -> None:
    if not item.history:
        html(empty_state("No history", "The archive records history since its upgrade to this version."))
        return
    names = sorted({one.label or "none" for one in item.history})
    series = {
        name: [charts.Point(one.at, one.probability if (one.label or "none") == name else None) for one in item.history]
        for name in names
    }
    options = charts.lines(view.colours, series, low=0, high=1)
    if (sentence := charts.single_reading(series, view.zone)) is not None:
        html(sentence)
    else:
        charts.show(options, label="Probability of the consensus label over time", height="200px")
    rows = [
        (
            when(one.at, view.zone),
            text_or_dash(one.label, most=60),
            number(one.probability, digits=3),
            number(one.votes),
            one.status,
        )
        for one in reversed(item.history[-50:])
    ]
    columns = ("time", "label", Column("probability", is_number=True), Column("votes", is_number=True), "status")
    html(tag("details", tag("summary", "As a table"), table("Consensus over time, newest first", columns, rows)))


def _corrections(view: View, corrections: Sequence[CorrectionLine]) -> Html:
    if not corrections:
        return join(
            (tag("h2", "Corrections"), empty_state("No corrections", "No annotation of this item was corrected."))
        )
    retracted = {one.retracts for one in corrections if one.retracts}
    rows = [
        (
            when(one.at, view.zone),
            text_or_dash(view.named(one.annotator), most=60),
            text_or_dash(one.was, most=60),
            text_or_dash(one.label, most=60),
            number(one.probability, digits=2),
            "retraction" if one.retracts else "retracted" if one.id in retracted else "in force",
            text_or_dash(one.reason),
        )
        for one in corrections
    ]
    columns = (
        "time",
        "annotator",
        "label given",
        "suggested label",
        Column("probability wrong", is_number=True),
        "state",
        Column("reason", is_text=True),
    )
    return table("Corrections and retractions", columns, rows)


PAGE = ConsolePage("/items", "Items", build, icon=icons.ITEMS)
ONE = ConsolePage("/item", "Item", build_one, within="/items")
