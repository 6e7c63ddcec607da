"""A review session: the current item, the possible labels, and the state of the last decision."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from assay_schemas.annotation import AnnotationId, Item, ItemId, Label, ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_services.console.pages.layout import View
from assay_services.console.reviews.claims import Candidate
from assay_services.console.reviews.decisions import ClaimLostError, NothingToUndoError
from assay_services.console.reviews.label_options import Choice, choices_of, is_many, typed
from assay_services.console.reviews.review_queue import DecisionOutcome, as_annotated, candidates, outcome_of
from assay_services.stores.archive.queries.items import ItemView, read_item
from assay_services.stores.archive.queries.projects import read_contracts
from assay_services.stores.control.tables.reviews import ReviewDecision

_FOLLOWED_FOR = timedelta(seconds=30)
_MOST_SKIPPED = 200


@dataclass(frozen=True, slots=True)
class Task:
    """One item to decide, with the labels to choose from."""

    project: ProjectId
    item: ItemView
    annotated: Item
    contract: LabelContract
    choices: tuple[Choice, ...]

    @property
    def is_many(self) -> bool:
        """Return whether a label consists of several choices."""
        return is_many(self.contract)


@dataclass(slots=True)
class ReviewSession:
    """The state of one reviewer's page; it lives as long as the page is open."""

    view: View
    project: ProjectId
    is_blind: bool
    task: Task | None = None
    chosen: list[str] = field(default_factory=list)
    skipped: dict[tuple[ProjectId, ItemId], None] = field(default_factory=dict)
    last: ReviewDecision | None = None
    status: DecisionOutcome | None = None
    message: str = ""
    held_at: datetime | None = None

    @property
    def reviewer(self) -> str:
        """The name under which decisions are recorded."""
        return self.view.viewer.name

    async def next(self) -> None:
        """Claim the next item of the queue; skip items that the archive no longer knows."""
        self.task, self.chosen = None, []
        while self.task is None:
            claimed = await asyncio.to_thread(self._claim)
            if claimed is None:
                return
            self.task = await self._task(claimed)
            if self.task is None:
                self._skip(claimed.project, claimed.item)

    def _claim(self) -> Candidate | None:
        claims, now = self.view.parts.claims, datetime.now(UTC)
        claimed = claims.claim(self._queue(), self.reviewer, now=now)
        if claimed is not None and claims.renew(claimed.project, claimed.item, self.reviewer, now=now):
            self.held_at = now  # so an older page of the same reviewer no longer releases it
        return claimed

    def _queue(self) -> Iterator[Candidate]:
        for one in candidates(self.view.parts.archive, self.project):
            if (one.project, one.item) not in self.skipped:
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
        """Decide for a choice; if a label has several, add it to the chosen ones or remove it."""
        if self.task is None or not self.task.is_many:
            await self.decide(choice.label)
        elif choice.shown in self.chosen:
            self.chosen.remove(choice.shown)
        else:
            self.chosen.append(choice.shown)

    async def decide_chosen(self) -> None:
        """Decide for the chosen labels, in the contract's order."""
        if self.task is not None and self.task.is_many:
            await self.decide([one.shown for one in self.task.choices if one.shown in self.chosen])

    async def decide(self, label: Label) -> None:
        """Record the decision, and claim the next item."""
        task = self.task
        if task is None:
            return
        now = task.item.now
        consensus = None if now is None or now.label is None else typed(task.contract, now.label)
        decide = partial(
            self.view.parts.decisions.decide, task.project, task.annotated, self.reviewer,
            label=label, consensus=consensus, now=datetime.now(UTC),
        )  # fmt: skip
        try:
            self.last, self.status, self.message = await asyncio.to_thread(decide), None, ""
        except ClaimLostError as error:
            self.message = f"{error} This is the next item."
        self.view.parts.outbox.wake()
        await self.next()

    async def skip(self) -> None:
        """Release the item for other reviewers, and claim the next."""
        if self.task is not None:
            await asyncio.to_thread(self._skip, self.task.project, self.task.item.item)
            await self.next()

    def _skip(self, project: ProjectId, item: ItemId) -> None:
        self.skipped[project, item] = None
        if len(self.skipped) > _MOST_SKIPPED:
            del self.skipped[next(iter(self.skipped))]
        self.view.parts.claims.release(project, item, self.reviewer)

    async def undo(self) -> None:
        """Undo the last decision, and claim its item again if no other reviewer has it."""
        if self.last is None:
            self.message = "There is nothing to undo."
            return
        undo = partial(self.view.parts.decisions.undo, self.last.id, self.reviewer, now=datetime.now(UTC))
        try:
            undone = await asyncio.to_thread(undo)
        except NothingToUndoError as error:
            self.message, self.last = str(error), None
            return
        self.view.parts.outbox.wake()
        self.release()
        again = Candidate(ProjectId(undone.project), ItemId(undone.item), undone.decided_at)
        self.view.parts.claims.claim([again], self.reviewer, now=datetime.now(UTC))
        self.message, self.last = f"Undone: {undone.item} is open again.", None
        await self.next()

    def release(self) -> None:
        """Release the item."""
        if self.task is not None:
            self.view.parts.claims.release(self.task.project, self.task.item.item, self.reviewer)

    def leave(self) -> None:
        """Release the item when the page closes, unless a newer page of the same reviewer (a reload) has it."""
        if self.task is not None and self.held_at is not None:
            claims, item = self.view.parts.claims, self.task.item.item
            claims.release_if_unchanged(self.task.project, item, self.reviewer, held_at=self.held_at)

    def renew(self) -> None:
        """Extend the claim on the item."""
        if self.task is not None:
            now = datetime.now(UTC)
            if self.view.parts.claims.renew(self.task.project, self.task.item.item, self.reviewer, now=now):
                self.held_at = now

    async def refresh(self) -> bool:
        """Check the state of the last decision; return whether it changed."""
        last = self.last
        is_known = self.status is not None and (self.status.is_followed or self.status.refused is not None)
        if last is None or is_known or datetime.now(UTC) - last.decided_at > _FOLLOWED_FOR:
            return False
        about = ProjectId(last.project), ItemId(last.item), AnnotationId(last.id)
        status = await self.view.ask(outcome_of, *about)
        is_new, self.status = status != self.status, status
        return is_new
