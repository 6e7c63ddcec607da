"""Review: one item after the other, by keyboard; what is decided is in the consensus within a second."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from nicegui import ui
from nicegui.events import KeyEventArguments

from assay_services.console.pages import item_view
from assay_services.console.pages.actions import NoMoreAllowedError, button, check_still_may, refuse
from assay_services.console.pages.filters import heading, no_project
from assay_services.console.pages.html import (
    Column,
    Html,
    address,
    empty_state,
    interval,
    join,
    link,
    number,
    percent,
    table,
    tag,
    text_or_dash,
)
from assay_services.console.pages.layout import ConsolePage, View, html
from assay_services.console.pages.review_session import ReviewSession, Task
from assay_services.console.reviews.label_options import Choice, number_typed
from assay_services.console.reviews.review_queue import waiting
from assay_services.stores.archive.queries.projects import read_projects
from assay_services.stores.control.tables.accounts import Role

_RENEW_SECONDS = 60.0
_POLL_SECONDS = 0.5
_WAIT_SECONDS = 3.0
_OWN_DAY = timedelta(hours=24)
_MOST_PROBABILITIES = 6
_HELP = "Keys: 1, 2, … decide; S passes the item on; U takes the last decision back"

Act = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Do something at the desk, and show what came of it."""


async def build(view: View) -> None:
    """Fill the page."""
    projects, project = await view.ask(read_projects), view.query.get("project", "")
    html(heading("/review", "Review", project or None, projects))
    if not projects:
        html(no_project())
        return
    desk = ReviewSession(view, project, is_blind=view.query.get("blind") == "1")
    await desk.next()
    busy = asyncio.Lock()

    @ui.refreshable
    def shown(standing: Html) -> None:  # it awaits nothing: two at once would both stand on the page
        _show(desk, standing, act)

    async def refresh() -> None:
        shown.refresh(await _standing(desk))

    async def act(work: Callable[[], Awaitable[None]]) -> None:
        if busy.locked():  # a second key would decide an item that nobody has seen yet
            return
        async with busy:
            try:
                await check_still_may(view, Role.REVIEWER)
            except NoMoreAllowedError as error:
                refuse(error)
                return
            await work()
            await refresh()

    shown(await _standing(desk))
    _live(desk, act, refresh)


def _live(desk: ReviewSession, act: Act, refresh: Callable[[], Awaitable[None]]) -> None:
    """Listen to keys, follow what was decided, hold the item, and let it go with the page."""

    async def pressed(event: KeyEventArguments) -> None:
        is_held = event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta
        work = _meant(desk, str(event.key.name).lower())
        if event.action.keydown and not event.action.repeat and not is_held and work is not None:
            await act(work)

    async def look() -> None:
        if await desk.refresh():
            await refresh()

    async def wait() -> None:
        if desk.task is None:
            await act(desk.next)

    ui.keyboard(on_key=pressed)
    ui.timer(_POLL_SECONDS, look)
    ui.timer(_WAIT_SECONDS, wait)
    ui.timer(_RENEW_SECONDS, lambda: asyncio.to_thread(desk.renew))
    ui.context.client.on_delete(desk.leave)


def _meant(desk: ReviewSession, key: str) -> Callable[[], Awaitable[None]] | None:
    """Return what a key asks for."""
    always = {"s": desk.skip, "u": desk.undo, "enter": desk.decide_chosen}
    if key in always:
        return always[key]
    choices = () if desk.task is None else desk.task.choices
    choice = next((one for one in choices if one.key == key), None)
    return None if choice is None else partial(desk.choose, choice)


def _show(desk: ReviewSession, standing: Html, act: Act) -> None:
    html(standing).props('role="status" aria-live="polite"')
    task = desk.task
    if task is None:
        html(
            empty_state("Nothing waits for you", "Items come here when annotators disagree; this page looks by itself.")
        )
        return
    title = join(
        ("Item ", link("/item", text_or_dash(task.item.item, most=60), project=task.project, item=task.item.item))
    )
    shown = item_view.item(task.item, is_pair=task.contract.label.kind == "pairwise")
    html(tag("section", tag("h2", title), shown, class_="card judged"))
    with ui.element("section").classes("card"):
        html(tag("h2", "Decide"))
        with ui.element("div").classes("choices"):
            _buttons(desk, task, act)
        html(tag("p", _HELP, class_="soft"))
    if not desk.is_blind:
        html(tag("section", _votes(desk.view, task), class_="card"))


def _buttons(desk: ReviewSession, task: Task, act: Act) -> None:
    for one in task.choices:
        button(_face(one, task, is_on=one.shown in desk.chosen), partial(act, partial(desk.choose, one)))
    if task.is_many:
        button(join((tag("kbd", "Enter"), " Decide")), partial(act, desk.decide_chosen))
    if task.contract.label.kind == "ordinal":
        _number(desk, task, act)
    button(join((tag("kbd", "S"), " Pass on")), partial(act, desk.skip))
    button(join((tag("kbd", "U"), " Take back")), partial(act, desk.undo))


def _face(one: Choice, task: Task, *, is_on: bool) -> Html:
    shown = item_view.answer(one.label, task.item) if isinstance(one.label, list) else text_or_dash(one.shown, most=80)
    return join(
        (tag("kbd", one.key.upper()) if one.key else None, " ", shown, tag("b", " ✓ chosen") if is_on else None)
    )


def _number(desk: ReviewSession, task: Task, act: Act) -> None:
    """Let the reviewer type a number: there may be too many for keys."""
    typed_in = ui.input("A number").props("outlined dense")

    async def decide() -> None:
        try:
            label = number_typed(task.contract, str(typed_in.value or ""))
        except ValueError as wrong:
            desk.message = str(wrong)
            return
        await desk.decide(label)

    typed_in.on("keydown.enter", partial(act, decide))


async def _standing(desk: ReviewSession) -> Html:
    view, since = desk.view, datetime.now(UTC) - _OWN_DAY
    left = await view.ask(waiting, desk.project)
    own = await asyncio.to_thread(partial(view.parts.decisions.record, desk.reviewer, since=since))
    agreed = interval(own.agreed / own.compared if own.compared else None, own.low, own.high, own.compared)
    pace = (", ", number(own.median_seconds, digits=1), " s each (median)") if own.decisions else ()
    done = join((number(own.decisions), " decided", *pace))
    other = address("/review", project=desk.project, blind=None if desk.is_blind else "1")
    facts = [
        ("Waiting", number(left)),
        ("Yours, 24 h", done),
        ("As the others", agreed),
        ("Earlier votes", tag("a", "hidden; show them" if desk.is_blind else "shown; hide them", href=other)),
        ("Last", _last(desk)),
        ("Kafka", _problem(view)),
    ]
    shown = tag("dl", *(part for name, value in facts if value for part in (tag("dt", name), tag("dd", value))))
    return tag(
        "section", shown, tag("p", text_or_dash(desk.message, most=300)) if desk.message else None, class_="card"
    )


def _problem(view: View) -> Html | None:
    if view.parts.outbox.problem is None:
        return None
    return join(("is away; decisions are kept and sent when it is back: ", text_or_dash(view.parts.outbox.problem)))


def _last(desk: ReviewSession) -> Html:
    if desk.last is None:
        return tag("span", "nothing decided yet", class_="none")
    label = desk.last.label
    shown = f"{len(label)} parts" if isinstance(label, list) else str(label)
    state = "on its way"
    if desk.status is not None and desk.status.refused is not None:
        state = f"refused by the contract: {desk.status.refused}"
    elif desk.status is not None and desk.status.is_followed:
        state = "✓ in the consensus"
    return join(
        (text_or_dash(desk.last.item, most=40), ": ", text_or_dash(shown, most=80), ", ", text_or_dash(state, most=300))
    )


def _votes(view: View, task: Task) -> Html:
    rows = [
        (
            text_or_dash(view.named(one.annotator), most=60),
            text_or_dash(one.label, most=120) if one.is_live else tag("span", "withdrawn or skipped", class_="none"),
            interval(one.accuracy, one.accuracy_low, one.accuracy_high, one.accuracy_votes),
        )
        for one in task.item.votes
    ]
    columns = ("annotator", Column("label", is_text=True), "accuracy (95 %)")
    likely = sorted(task.item.probabilities.items(), key=lambda one: -one[1])[:_MOST_PROBABILITIES]
    shares = (
        join((", " if place else None, text_or_dash(label, most=40), " ", percent(share)))
        for place, (label, share) in enumerate(likely)
    )
    shown = join(shares)
    return join(
        (table("Earlier votes, with how reliable their authors are", columns, rows), tag("p", "So far: ", shown))
    )


PAGE = ConsolePage("/review", "Review", build, icon="⚖")
