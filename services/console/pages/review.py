"""Review: one item after the other, by keyboard; what is decided is in the consensus within a second."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from nicegui import ui
from nicegui.events import KeyEventArguments

from schemas.annotation import Item, Label
from schemas.contract import LabelContract
from schemas.review import ReviewDecision
from services.console.pages import picture
from services.console.pages.choosing import heading, no_project
from services.console.pages.frame import Page, View, html
from services.console.pages.markup import Column, Html, address, interval, join, link, nothing, number, said, table, tag
from services.console.reading.items import ItemView, Vote, read_item
from services.console.reading.projects import read_contracts, read_projects
from services.console.reviewing.choices import Choice, choices_of, is_many, number_typed, typed
from services.console.reviewing.claims import Candidate
from services.console.reviewing.decisions import ClaimLostError, NothingToUndoError
from services.console.reviewing.queue import Became, became, candidates, waiting

_RENEW_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_FOLLOWED_FOR = timedelta(seconds=30)
_OWN_DAY = timedelta(hours=24)
_MOST_PASSED = 200
_HELP = "1, 2, … decides · S passes the item on · U takes the last decision back"


@dataclass(slots=True)
class Desk:
    """What one reviewer has before them; it lives as long as the page is open."""

    view: View
    project: str
    is_blind: bool
    item: ItemView | None = None
    claimed: Candidate | None = None
    contract: LabelContract | None = None
    choices: Sequence[Choice] = ()
    chosen: list[str] = field(default_factory=list)
    passed: dict[tuple[str, str], None] = field(default_factory=dict)
    last: ReviewDecision | None = None
    became: Became | None = None
    said: str = ""

    @property
    def reviewer(self) -> str:
        """The name that decisions are made under."""
        return self.view.viewer.name

    async def next(self) -> None:
        """Take the next item from the queue."""
        self.item, self.claimed, self.contract, self.choices, self.chosen = None, None, None, (), []
        self.claimed = await asyncio.to_thread(self._claim)
        if self.claimed is None:
            return
        self.item = await self.view.ask(read_item, self.claimed.project, self.claimed.item)
        versions = await self.view.ask(read_contracts, self.claimed.project)
        if self.item is not None and versions:
            self.contract = LabelContract.model_validate(versions[0].contract)
            self.choices = choices_of(self.contract, [one.label for one in self._live() if one.label is not None])

    def _claim(self) -> Candidate | None:
        queue = (
            one for one in candidates(self.view.parts.archive, self.project) if (one.project, one.item) not in self.passed
        )
        return self.view.parts.claims.claim(queue, self.reviewer, now=datetime.now(UTC))

    def _live(self) -> Sequence[Vote]:
        return [one for one in self.item.votes if one.is_live] if self.item is not None else []

    async def decide(self, label: Label) -> None:
        """Decide the item, and take the next."""
        if self.claimed is None or self.item is None or self.contract is None:
            return
        found, now = self.item, self.item.now
        shown = Item.model_validate(
            {"id": found.item, "text": found.text, "media": found.media, "attributes": dict(found.attributes)}
        )
        others = None if now is None or now.label is None else typed(self.contract, now.label)
        decide = partial(
            self.view.parts.decisions.decide, self.claimed.project, shown, self.reviewer,
            label=label, consensus=others, now=datetime.now(UTC),
        )  # fmt: skip
        try:
            self.last, self.became, self.said = await asyncio.to_thread(decide), None, ""
        except ClaimLostError as lost:
            self.said = f"{lost}. Here is the next one."
        self.view.parts.outbox.wake()
        await self.next()

    async def skip(self) -> None:
        """Give the item back for others, and take the next."""
        if self.claimed is None:
            return
        self.passed[self.claimed.project, self.claimed.item] = None
        if len(self.passed) > _MOST_PASSED:
            del self.passed[next(iter(self.passed))]
        await asyncio.to_thread(self.release)
        await self.next()

    async def undo(self) -> None:
        """Take the last decision back, and have that item again, if nobody else took it meanwhile."""
        if self.last is None:
            self.said = "There is nothing to take back."
            return
        undo = partial(self.view.parts.decisions.undo, self.last.id, self.reviewer, now=datetime.now(UTC))
        try:
            taken_back = await asyncio.to_thread(undo)
        except NothingToUndoError as error:
            self.said, self.last = str(error), None
            return
        self.view.parts.outbox.wake()
        await asyncio.to_thread(self.release)
        again = Candidate(taken_back.project, taken_back.item, taken_back.decided_at)
        await asyncio.to_thread(self.view.parts.claims.claim, [again], self.reviewer, now=datetime.now(UTC))
        self.said, self.last = f"Taken back: '{taken_back.item}' is before you again.", None
        await self.next()

    def release(self) -> None:
        """Let the item go."""
        if self.claimed is not None:
            self.view.parts.claims.release(self.claimed.project, self.claimed.item, self.reviewer)

    def renew(self) -> None:
        """Hold the item for longer."""
        if self.claimed is not None:
            now = datetime.now(UTC)
            self.view.parts.claims.renew(self.claimed.project, self.claimed.item, self.reviewer, now=now)

    async def look_after(self) -> bool:
        """Look what became of the last decision; tell whether anything is new."""
        last = self.last
        if last is None or (self.became is not None and (self.became.is_followed or self.became.refused)):
            return False
        if datetime.now(UTC) - last.decided_at > _FOLLOWED_FOR:
            return False
        found = await self.view.ask(became, last.project, last.item, last.id)
        is_new, self.became = found != self.became, found
        return is_new


async def build(view: View) -> None:
    """Fill the page."""
    projects = await view.ask(read_projects)
    project = view.query.get("project", "")
    desk = Desk(view, project, is_blind=view.query.get("blind") == "1")
    html(heading("/review", "Review", project or None, projects))
    if not projects:
        html(no_project())
        return
    await desk.next()

    @ui.refreshable
    async def shown() -> None:
        await _show(desk, shown.refresh)

    await shown()

    async def pressed(event: KeyEventArguments) -> None:
        if event.action.keydown and not event.action.repeat and not _is_held(event):
            if await _press(desk, str(event.key.name).lower()):
                shown.refresh()

    async def look() -> None:
        if await desk.look_after():
            shown.refresh()

    ui.keyboard(on_key=pressed)
    ui.timer(_LOOK_SECONDS, look)
    ui.timer(_RENEW_SECONDS, lambda: asyncio.to_thread(desk.renew))
    ui.context.client.on_delete(lambda: asyncio.to_thread(desk.release))


def _is_held(event: KeyEventArguments) -> bool:
    return event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta


async def _press(desk: Desk, key: str) -> bool:
    """Do what a key means; tell whether anything changed."""
    if key == "s":
        await desk.skip()
        return True
    if key == "u":
        await desk.undo()
        return True
    if desk.contract is None:
        return False
    if key == "enter" and is_many(desk.contract):
        await desk.decide(list(desk.chosen))
        return True
    choice = next((one for one in desk.choices if one.key == key), None)
    if choice is None:
        return False
    await _choose(desk, choice)
    return True


async def _choose(desk: Desk, choice: Choice) -> None:
    if desk.contract is None or not is_many(desk.contract):
        await desk.decide(choice.label)
    elif choice.shown in desk.chosen:
        desk.chosen.remove(choice.shown)
    else:
        desk.chosen.append(choice.shown)


async def _show(desk: Desk, refresh: object) -> None:
    assert callable(refresh)
    html(await _standing(desk)).props('role="status" aria-live="polite"')
    if desk.item is None or desk.contract is None or desk.claimed is None:
        html(nothing("Nothing waits for you", "Items come here when annotators disagree. This page looks again by itself."))
        ui.timer(5.0, partial(_look_again, desk, refresh), once=True)
        return
    is_pair = desk.contract.label.kind == "pairwise"
    title = join(("Item ", link("/item", said(desk.item.item, most=60), project=desk.claimed.project, item=desk.item.item)))
    html(tag("section", tag("h2", title), picture.item(desk.item, is_pair=is_pair), class_="card judged"))
    with ui.element("div").classes("card"):
        html(tag("h2", "Decide"))
        with ui.element("div").classes("choices"):
            _buttons(desk, refresh)
        html(tag("p", _HELP, class_="soft"))
    if not desk.is_blind:
        html(tag("div", _votes(desk), class_="card"))


async def _look_again(desk: Desk, refresh: object) -> None:
    await desk.next()
    if callable(refresh):
        refresh()


def _buttons(desk: Desk, refresh: object) -> None:
    assert callable(refresh)
    assert desk.contract is not None

    async def act(work: object) -> None:
        assert callable(work)
        await work()
        refresh()

    for one in desk.choices:
        is_on = one.shown in desk.chosen
        with ui.button(on_click=partial(act, partial(_choose, desk, one))).props("flat no-caps").classes("choice"):
            shown = picture.answer(one.label, desk.item) if isinstance(one.label, list) and desk.item else said(one.shown)
            html(join((tag("kbd", one.key) if one.key else None, " ", shown, " ✓" if is_on else None)))
    if is_many(desk.contract):
        decide = partial(act, lambda: desk.decide(list(desk.chosen)))
        ui.button("Decide (Enter)", on_click=decide).props("flat no-caps").classes("choice strong")
    if desk.contract.label.kind == "ordinal" and not any(one.key for one in desk.choices if one.key in "12"):
        _number(desk, act)
    ui.button("Pass on (S)", on_click=partial(act, desk.skip)).props("flat no-caps").classes("choice")
    ui.button("Take back (U)", on_click=partial(act, desk.undo)).props("flat no-caps").classes("choice")


def _number(desk: Desk, act: object) -> None:
    """Let the reviewer type a number, where there are too many for keys."""
    assert callable(act)
    typed_in = ui.input("Another number").props("outlined dense")

    async def decide() -> None:
        assert desk.contract is not None
        try:
            label = number_typed(desk.contract, str(typed_in.value or ""))
        except ValueError as wrong:
            desk.said = str(wrong)
            return
        await desk.decide(label)

    typed_in.on("keydown.enter", partial(act, decide))


async def _standing(desk: Desk) -> Html:
    view, now = desk.view, datetime.now(UTC)
    left = await view.ask(waiting, desk.project)
    own = await asyncio.to_thread(partial(view.parts.decisions.record, desk.reviewer, since=now - _OWN_DAY))
    agreed = interval(own.agreed / own.compared if own.compared else None, own.low, own.high, own.compared)
    other = address("/review", project=desk.project, blind=None if desk.is_blind else "1")
    facts = [
        ("Waiting", number(left)),
        ("Yours, 24 h", join((number(own.decisions), " decided, ", number(own.median_seconds, digits=1), " s each (median)"))),
        ("As the others", agreed),
        ("Earlier votes", tag("a", "hidden: show them" if desk.is_blind else "shown: hide them", href=other)),
        ("Last", _last(desk)),
    ]
    shown = tag("dl", *(part for name, value in facts for part in (tag("dt", name), tag("dd", value))))
    return tag("section", shown, tag("p", said(desk.said, most=300)) if desk.said else None, class_="card")


def _last(desk: Desk) -> Html:
    if desk.last is None:
        return tag("span", "nothing decided yet", class_="none")
    shown = picture.answer(desk.last.label, desk.item) if isinstance(desk.last.label, str) and desk.item else None
    label = shown or said(str(desk.last.label), most=80)
    state = "on its way"
    if desk.became is not None and desk.became.refused:
        state = f"refused by the contract: {desk.became.refused}"
    elif desk.became is not None and desk.became.is_followed:
        state = "✓ in the consensus"
    return join((said(desk.last.item, most=40), ": ", label, ", ", said(state, most=300)))


def _votes(desk: Desk) -> Html:
    assert desk.item is not None
    rows = [
        (
            said(desk.view.named(one.annotator), most=60),
            said(one.label, most=120) if one.is_live else tag("span", "withdrawn or skipped", class_="none"),
            interval(one.accuracy, one.accuracy_low, one.accuracy_high, one.accuracy_votes),
        )
        for one in desk.item.votes
    ]
    columns = ("annotator", Column("label", is_text=True), "accuracy (95 %)")
    now = desk.item.now
    shown = ", ".join(f"{name} {share:.0%}" for name, share in sorted(desk.item.probabilities.items(), key=lambda one: -one[1])[:6])
    consensus = tag("p", "Consensus: ", said(now.label if now else None), " (", said(shown, most=200), ")")
    return join((table("Earlier votes, with how reliable their authors are", columns, rows), consensus))


PAGE = Page("/review", "Review", build, icon="⚖")
