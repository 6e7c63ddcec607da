"""A reviewer's desk: the item in hand, what can be decided of it, and what became of the last decision."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from assay_schemas.annotation import Item, Label
from assay_schemas.contract.label_contract import LabelContract
from assay_services.console.pages.layout import View
from assay_services.console.reviews.claims import Candidate
from assay_services.console.reviews.decisions import ClaimLostError, NothingToUndoError
from assay_services.console.reviews.label_options import Choice, choices_of, is_many, typed
from assay_services.console.reviews.review_queue import Became, as_annotated, candidates, outcome_of
from assay_services.stores.archive.queries.items import ItemView, read_item
from assay_services.stores.archive.queries.projects import read_contracts
from assay_services.stores.control.tables.reviews import ReviewDecision

_FOLLOWED_FOR = timedelta(seconds=30)
_MOST_PASSED = 200


@dataclass(frozen=True, slots=True)
class Task:
    """One item to be decided, with what can be decided."""

    project: str
    item: ItemView
    annotated: Item
    contract: LabelContract
    choices: tuple[Choice, ...]

    @property
    def is_many(self) -> bool:
        """Tell whether several choices make the label."""
        return is_many(self.contract)


@dataclass(slots=True)
class ReviewSession:
    """What one reviewer has before them; it lives as long as the page is open."""

    view: View
    project: str
    is_blind: bool
    task: Task | None = None
    chosen: list[str] = field(default_factory=list)
    passed: dict[tuple[str, str], None] = field(default_factory=dict)
    last: ReviewDecision | None = None
    status: Became | None = None
    message: str = ""
    held_at: datetime | None = None

    @property
    def reviewer(self) -> str:
        """The name that decisions are made under."""
        return self.view.viewer.name

    async def next(self) -> None:
        """Take the next item from the queue; one of which nothing is known any more is passed on."""
        self.task, self.chosen = None, []
        while self.task is None:
            claimed = await asyncio.to_thread(self._claim)
            if claimed is None:
                return
            self.task = await self._task(claimed)
            if self.task is None:
                self._pass_on(claimed.project, claimed.item)

    def _claim(self) -> Candidate | None:
        claims, now = self.view.parts.claims, datetime.now(UTC)
        found = claims.claim(self._queue(), self.reviewer, now=now)
        if found is not None and claims.renew(found.project, found.item, self.reviewer, now=now):
            self.held_at = now  # an older page of theirs that had it lets it go no more
        return found

    def _queue(self) -> Iterator[Candidate]:
        for one in candidates(self.view.parts.archive, self.project):
            if (one.project, one.item) not in self.passed:
                yield one

    async def _task(self, claimed: Candidate) -> Task | None:
        item = await self.view.ask(read_item, claimed.project, claimed.item)
        versions = await self.view.ask(read_contracts, claimed.project)
        if item is None or not versions or versions[0].contract is None:
            return None
        contract = LabelContract.model_validate(versions[0].contract)
        annotated = await self.view.ask(as_annotated, claimed.project, claimed.item)
        given = [one.label for one in item.votes if one.is_live and one.label is not None]
        return Task(claimed.project, item, annotated, contract, tuple(choices_of(contract, given)))

    async def choose(self, choice: Choice) -> None:
        """Decide for a choice; where several make a label, have it among them, or no longer."""
        if self.task is None or not self.task.is_many:
            await self.decide(choice.label)
        elif choice.shown in self.chosen:
            self.chosen.remove(choice.shown)
        else:
            self.chosen.append(choice.shown)

    async def decide_chosen(self) -> None:
        """Decide for what was chosen, in the contract's order."""
        if self.task is not None and self.task.is_many:
            await self.decide([one.shown for one in self.task.choices if one.shown in self.chosen])

    async def decide(self, label: Label) -> None:
        """Decide the item, and take the next."""
        task = self.task
        if task is None:
            return
        now = task.item.now
        others = None if now is None or now.label is None else typed(task.contract, now.label)
        decide = partial(
            self.view.parts.decisions.decide, task.project, task.annotated, self.reviewer,
            label=label, consensus=others, now=datetime.now(UTC),
        )  # fmt: skip
        try:
            self.last, self.status, self.message = await asyncio.to_thread(decide), None, ""
        except ClaimLostError as lost:
            self.message = f"{lost}. Here is the next one."
        self.view.parts.outbox.wake()
        await self.next()

    async def skip(self) -> None:
        """Give the item back for others, and take the next."""
        if self.task is not None:
            await asyncio.to_thread(self._pass_on, self.task.project, self.task.item.item)
            await self.next()

    def _pass_on(self, project: str, item: str) -> None:
        self.passed[project, item] = None
        if len(self.passed) > _MOST_PASSED:
            del self.passed[next(iter(self.passed))]
        self.view.parts.claims.release(project, item, self.reviewer)

    async def undo(self) -> None:
        """Take the last decision back, and have that item again, if nobody else took it meanwhile."""
        if self.last is None:
            self.message = "There is nothing to take back."
            return
        undo = partial(self.view.parts.decisions.undo, self.last.id, self.reviewer, now=datetime.now(UTC))
        try:
            taken_back = await asyncio.to_thread(undo)
        except NothingToUndoError as error:
            self.message, self.last = str(error), None
            return
        self.view.parts.outbox.wake()
        self.release()
        again = Candidate(taken_back.project, taken_back.item, taken_back.decided_at)
        self.view.parts.claims.claim([again], self.reviewer, now=datetime.now(UTC))
        self.message, self.last = f"Taken back: {taken_back.item} is before you again.", None
        await self.next()

    def release(self) -> None:
        """Let the item go."""
        if self.task is not None:
            self.view.parts.claims.release(self.task.project, self.task.item.item, self.reviewer)

    def leave(self) -> None:
        """Let the item go with the page, unless another page of the same reviewer has it now: one that was reloaded."""
        if self.task is not None and self.held_at is not None:
            claims, item = self.view.parts.claims, self.task.item.item
            claims.release_if_unchanged(self.task.project, item, self.reviewer, held_at=self.held_at)

    def renew(self) -> None:
        """Hold the item for longer."""
        if self.task is not None:
            now = datetime.now(UTC)
            if self.view.parts.claims.renew(self.task.project, self.task.item.item, self.reviewer, now=now):
                self.held_at = now

    async def refresh(self) -> bool:
        """Look what became of the last decision; tell whether anything is new."""
        last = self.last
        is_known = self.status is not None and (self.status.is_followed or self.status.refused is not None)
        if last is None or is_known or datetime.now(UTC) - last.decided_at > _FOLLOWED_FOR:
            return False
        found = await self.view.ask(outcome_of, last.project, last.item, last.id)
        is_new, self.status = found != self.status, found
        return is_new
