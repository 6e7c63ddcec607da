"""Items: searched by what they are and what was said of them; and one of them, with its votes and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from nicegui import ui

from assay_services.console.pages import charts
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
    """Fill the search."""
    project, projects = await chosen_project(view)
    html(heading("/items", "Items", project, projects))
    if project is None:
        html(no_project())
        return
    asked = {name: view.query.get(name, "")[:300] for name in _NAMES}
    html(_filters(project, asked))
    wanted = await meant(view, project, ItemFilter(**asked))
    if wanted is None:
        html(empty_state("Nobody is called so", "No annotator of this project has that name; see the page Annotators."))
        return
    try:
        found = await view.ask(read_items, project, wanted, after=view.query.get("after"))
    except WrongCursor as wrong:
        html(empty_state("This page of the list is not there", str(wrong)))
        return
    if not found.rows:
        html(empty_state("No item is like that", "Ask for less, or take away a condition."))
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
        for one in found.rows
    ]
    columns = (
        "item",
        "label",
        Column("probability", is_number=True),
        Column("votes", is_number=True),
        "status",
        Column("text", is_text=True),
    )
    shown = ", ".join(f"{name} {value}" for name, value in asked.items() if value) or "all"
    list_of = table(f"Items: {shown}", columns, rows)
    card(join((list_of, onward("/items", found.following, project=project, **asked))))


async def meant(view: View, project: str, wanted: ItemFilter) -> ItemFilter | None:
    """Return what is looked for with annotators by their names; None where nobody is called so before this viewer."""
    if not wanted.annotator and not wanted.pair:
        return wanted
    known = [one.annotator for one in await view.ask(read_annotators, project)]
    names = [
        view.parts.naming.meant(one, view.viewer, known=known) if one else "" for one in (wanted.annotator, wanted.pair)
    ]
    if names[0] is None or names[1] is None:
        return None
    return replace(wanted, annotator=names[0], pair=names[1])


def _filters(project: str, asked: Mapping[str, str]) -> Html:
    shown = [
        field("item", "Id begins with", asked["item"]),
        field("text", "Text contains", asked["text"]),
        field("label", "Consensus is", asked["label"]),
        field("given", "Somebody said", asked["given"]),
        field("status", "Status", asked["status"], choices=_STATUSES),
        field("annotator", "Labelled by", asked["annotator"]),
        field("rule", "Finding of rule", asked["rule"]),
    ]
    kept = [tag("input", type="hidden", name=name, value=asked[name]) for name in ("right", "pair") if asked[name]]
    hidden = tag("input", type="hidden", name="project", value=project)
    clear = link("/items", "Clear", project=project)
    return tag(
        "form",
        *shown,
        hidden,
        *kept,
        tag("button", "Search", class_="button"),
        clear,
        method="get",
        action="/items",
        class_="filters card",
        role="search",
    )


async def build_one(view: View) -> None:
    """Fill the page of one item."""
    project, item = view.query.get("project", ""), view.query.get("item", "")
    found = await view.ask(read_item, project, item)
    html(tag("h1", "Item ", text_or_dash(item, most=80)))
    html(tag("p", "in ", link("/items", text_or_dash(project), project=project)))
    if found is None:
        html(empty_state("Nothing is known of this item", "No annotation of it has come, or it was forgotten."))
        return
    html(tag("section", tag("h2", "What it is"), whole(found.text), _facts(view, found), class_="card"))
    card(_votes(view, found.votes))
    with ui.element("section").classes("card"):
        html(tag("h2", "Consensus over time"))
        _history(view, found)
    card(_corrections(view, found.corrections))


def _facts(view: View, found: ItemView) -> Html:
    now = found.now
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
                for name, share in sorted(found.probabilities.items(), key=lambda one: -one[1])[:10]
            ),
        ),
        ("Known to be right", text_or_dash(found.gold)),
        ("Model", _model(found.votes)),
        (
            "Attributes",
            join(
                join((text_or_dash(name, most=40), " ", text_or_dash(value, most=80), "; "))
                for name, value in found.attributes.items()
            ),
        ),
        ("Media", text_or_dash(found.media["uri"], most=300) if found.media else None),
        (
            "Review",
            f"expected gain {found.review_priority:.3f}" if found.review_priority is not None else "not asked for",
        ),
        ("Last described", when(found.seen_at, view.zone)),
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
            text_or_dash(one.label, most=120) if one.is_live else tag("span", "withdrawn or skipped", class_="none"),
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
        "at",
        Column("seconds", is_number=True),
        "accuracy (95 %)",
        Column("model's probability", is_number=True),
        "findings",
    )
    return table("Votes, with how reliable their authors are", columns, rows)


def _history(view: View, found: ItemView) -> None:
    if not found.history:
        html(empty_state("No history", "It is kept from the moment this version of the archive began."))
        return
    names = sorted({one.label or "none" for one in found.history})
    series = {
        name: [
            charts.Point(one.at, one.probability if (one.label or "none") == name else None) for one in found.history
        ]
        for name in names
    }
    charts.show(
        charts.lines(view.colours, series, low=0, high=1),
        label="Probability of the consensus over time",
        height="200px",
    )
    rows = [
        (
            when(one.at, view.zone),
            text_or_dash(one.label, most=60),
            number(one.probability, digits=3),
            number(one.votes),
            one.status,
        )
        for one in reversed(found.history[-50:])
    ]
    columns = ("at", "label", Column("probability", is_number=True), Column("votes", is_number=True), "status")
    html(tag("details", tag("summary", "As a table"), table("Consensus over time, the newest first", columns, rows)))


def _corrections(view: View, corrections: Sequence[CorrectionLine]) -> Html:
    if not corrections:
        return join(
            (tag("h2", "Corrections"), empty_state("No correction", "No annotation of this item was called wrong."))
        )
    back = {one.retracts for one in corrections if one.retracts}
    rows = [
        (
            when(one.at, view.zone),
            text_or_dash(view.named(one.annotator), most=60),
            text_or_dash(one.was, most=60),
            text_or_dash(one.label, most=60),
            number(one.probability, digits=2),
            "takes one back" if one.retracts else "taken back later" if one.id in back else "stands",
            text_or_dash(one.reason),
        )
        for one in corrections
    ]
    columns = (
        "at",
        "annotator",
        "said",
        "should be",
        Column("wrong with probability", is_number=True),
        "",
        Column("reason", is_text=True),
    )
    return table("Corrections and what became of them", columns, rows)


PAGE = ConsolePage("/items", "Items", build, icon="☰")
ONE = ConsolePage("/item", "Item", build_one, within="/items")
