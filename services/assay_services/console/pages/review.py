"""Review: decide one item after the other by keyboard; decisions reach the consensus within a second."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from nicegui import ui
from nicegui.events import KeyEventArguments

from assay_schemas.annotation import ProjectId
from assay_services.console.pages import icons, item_view
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
_HELP = "Keys: 1, 2, … decide. S skips the item. U undoes the last decision."

Act = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Run an action of the review session, and show the result."""


async def build(view: View) -> None:
    """Fill the page."""
    projects, project = await view.ask(read_projects), ProjectId(view.query.get("project", ""))
    html(heading("/review", "Review", project or None, projects))
    if not projects:
        html(no_project())
        return
    session = ReviewSession(view, project, is_blind=view.query.get("blind") == "1")
    await session.next()
    busy = asyncio.Lock()

    @ui.refreshable
    def content(status: Html) -> None:  # it awaits nothing: two at once would show the content twice
        _show(session, status, act)

    async def refresh() -> None:
        content.refresh(await _status(session))

    async def act(work: Callable[[], Awaitable[None]]) -> None:
        if busy.locked():  # a second key would decide an item that the reviewer has not seen
            return
        async with busy:
            try:
                await check_still_may(view, Role.REVIEWER)
            except NoMoreAllowedError as error:
                refuse(error)
                return
            await work()
            await refresh()

    content(await _status(session))
    _live(session, act, refresh)


def _live(session: ReviewSession, act: Act, refresh: Callable[[], Awaitable[None]]) -> None:
    """Handle keys, follow the last decision, renew the claim, and release it when the page closes."""

    async def pressed(event: KeyEventArguments) -> None:
        has_modifier = event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta
        work = _work_of_key(session, str(event.key.name).lower())
        if event.action.keydown and not event.action.repeat and not has_modifier and work is not None:
            await act(work)

    async def follow() -> None:
        if await session.refresh():
            await refresh()

    async def wait() -> None:
        if session.task is None:
            await act(session.next)

    ui.keyboard(on_key=pressed)
    ui.timer(_POLL_SECONDS, follow)
    ui.timer(_WAIT_SECONDS, wait)
    ui.timer(_RENEW_SECONDS, lambda: asyncio.to_thread(session.renew))
    ui.context.client.on_delete(session.leave)


def _work_of_key(session: ReviewSession, key: str) -> Callable[[], Awaitable[None]] | None:
    """Return the action of a key, or None if it has none."""
    always = {"s": session.skip, "u": session.undo, "enter": session.decide_chosen}
    if key in always:
        return always[key]
    choices = () if session.task is None else session.task.choices
    choice = next((one for one in choices if one.key == key), None)
    return None if choice is None else partial(session.choose, choice)


def _show(session: ReviewSession, status: Html, act: Act) -> None:
    html(status).props('role="status" aria-live="polite"')
    task = session.task
    if task is None:
        html(empty_state("No items waiting", "Items appear here when annotators disagree. This page checks by itself."))
        return
    title = join(
        ("Item ", link("/item", text_or_dash(task.item.item, most=60), project=task.project, item=task.item.item))
    )
    item = item_view.item(task.item, is_pair=task.contract.label.kind == "pairwise")
    html(tag("section", tag("h2", title), item, class_="card review-item"))
    with ui.element("section").classes("card"):
        html(tag("h2", "Decide"))
        with ui.element("div").classes("choices"):
            _buttons(session, task, act)
        html(tag("p", _HELP, class_="soft"))
    if not session.is_blind:
        html(tag("section", _votes(session.view, task), class_="card"))


def _buttons(session: ReviewSession, task: Task, act: Act) -> None:
    for one in task.choices:
        button(_face(one, task, is_on=one.shown in session.chosen), partial(act, partial(session.choose, one)))
    if task.is_many:
        button(join((tag("kbd", "Enter"), " Decide")), partial(act, session.decide_chosen))
    if task.contract.label.kind == "ordinal":
        _number(session, task, act)
    button(join((tag("kbd", "S"), " Skip")), partial(act, session.skip))
    button(join((tag("kbd", "U"), " Undo")), partial(act, session.undo))


def _face(one: Choice, task: Task, *, is_on: bool) -> Html:
    shown = item_view.answer(one.label, task.item) if isinstance(one.label, list) else text_or_dash(one.shown, most=80)
    return join(
        (tag("kbd", one.key.upper()) if one.key else None, " ", shown, tag("b", " ✓ chosen") if is_on else None)
    )


def _number(session: ReviewSession, task: Task, act: Act) -> None:
    """Show an input for a number, because a scale may have more steps than keys."""
    entry = ui.input("Number").props("outlined dense")

    async def decide() -> None:
        try:
            label = number_typed(task.contract, str(entry.value or ""))
        except ValueError as error:
            session.message = str(error)
            return
        await session.decide(label)

    entry.on("keydown.enter", partial(act, decide))


async def _status(session: ReviewSession) -> Html:
    """Return the queue length, the reviewer's own record, and the state of the last decision."""
    view, since = session.view, datetime.now(UTC) - _OWN_DAY
    left = await view.ask(waiting, session.project)
    own = await asyncio.to_thread(partial(view.parts.decisions.record, session.reviewer, since=since))
    agreed = interval(own.agreed / own.compared if own.compared else None, own.low, own.high, own.compared)
    pace = (", median ", number(own.median_seconds, digits=1), " s") if own.decisions else ()
    decided = join((number(own.decisions), " decided", *pace))
    other = address("/review", project=session.project, blind=None if session.is_blind else "1")
    facts = [
        ("Waiting", number(left)),
        ("You, last 24 h", decided),
        ("Agreement with consensus", agreed),
        ("Earlier votes", tag("a", "Show" if session.is_blind else "Hide", href=other)),
        ("Last decision", _last(session)),
        ("Kafka", _problem(view)),
    ]
    content = tag("dl", *(part for name, value in facts if value for part in (tag("dt", name), tag("dd", value))))
    message = tag("p", text_or_dash(session.message, most=300)) if session.message else None
    return tag("section", content, message, class_="card")


def _problem(view: View) -> Html | None:
    if view.parts.outbox.problem is None:
        return None
    return join(("unavailable; decisions are stored and sent later: ", text_or_dash(view.parts.outbox.problem)))


def _last(session: ReviewSession) -> Html:
    if session.last is None:
        return tag("span", "none yet", class_="none")
    label = session.last.label
    text = f"{len(label)} parts" if isinstance(label, list) else str(label)
    state = "in flight"
    if session.status is not None and session.status.refused is not None:
        state = f"rejected by the contract: {session.status.refused}"
    elif session.status is not None and session.status.is_followed:
        state = "✓ in the consensus"
    return join(
        (
            text_or_dash(session.last.item, most=40),
            ": ",
            text_or_dash(text, most=80),
            ", ",
            text_or_dash(state, most=300),
        )
    )


def _votes(view: View, task: Task) -> Html:
    rows = [
        (
            text_or_dash(view.named(one.annotator), most=60),
            text_or_dash(one.label, most=120) if one.is_live else tag("span", "deleted or skipped", class_="none"),
            interval(one.accuracy, one.accuracy_low, one.accuracy_high, one.accuracy_votes),
        )
        for one in task.item.votes
    ]
    columns = ("annotator", Column("label", is_text=True), "accuracy (95 %)")
    likely = sorted(task.item.probabilities.items(), key=lambda entry: -entry[1])[:_MOST_PROBABILITIES]
    shares = (
        join((", " if position else None, text_or_dash(label, most=40), " ", percent(share)))
        for position, (label, share) in enumerate(likely)
    )
    votes = table("Earlier votes, with annotator reliability", columns, rows)
    return join((votes, tag("p", "Current probabilities: ", join(shares))))


PAGE = ConsolePage("/review", "Review", build, icon=icons.REVIEW)
