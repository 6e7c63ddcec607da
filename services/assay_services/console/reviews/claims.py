"""Claims on items: no two reviewers work on the same item."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Engine, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from assay_schemas.annotation import ItemId, ProjectId
from assay_services.stores.control.tables.reviews import ReviewClaim, ReviewDecision

HOLD = timedelta(minutes=5)
"""How long a claim lasts unless renewed; the page renews it every minute."""
_ON_ITS_WAY = timedelta(seconds=2)
"""A request for review this soon after a decision was made before the decision arrived."""


class Candidate(NamedTuple):
    """An item that waits for review; `since` is when the consensus last asked for one."""

    project: ProjectId
    item: ItemId
    since: datetime


class Claims:
    """The claims of all reviewers."""

    def __init__(self, engine: Engine) -> None:
        """Use the control database."""
        self._engine = engine

    def claim(self, candidates: Iterable[Candidate], reviewer: str, *, now: datetime) -> Candidate | None:
        """Claim the first candidate that is neither claimed nor decided; None if there is none.

        A reviewer who has a claim already gets that item again.
        """
        mine = next((one for one in self.claimed_by(now=now) if one.reviewer == reviewer), None)
        if mine is not None:
            return Candidate(ProjectId(mine.project), ItemId(mine.item), mine.claimed_at)
        for candidate in candidates:
            if not self._claim(candidate, reviewer, now):
                continue
            if not self._is_decided(candidate):  # checked after claiming: another reviewer may decide in between
                return candidate
            self.release(candidate.project, candidate.item, reviewer)
        return None

    def renew(self, project: ProjectId, item: ItemId, reviewer: str, *, now: datetime) -> bool:
        """Extend a claim; False if the reviewer no longer has it."""
        mine = update(ReviewClaim).where(_is(project, item), col(ReviewClaim.reviewer) == reviewer)
        with self._engine.begin() as connection:
            return connection.execute(mine.values(expires_at=now + HOLD)).rowcount == 1

    def release(self, project: ProjectId, item: ItemId, reviewer: str) -> None:
        """Release a claim; nothing happens if the reviewer does not have it."""
        mine = delete(ReviewClaim).where(_is(project, item), col(ReviewClaim.reviewer) == reviewer)
        with self._engine.begin() as connection:
            connection.execute(mine)

    def release_if_unchanged(self, project: ProjectId, item: ItemId, reviewer: str, *, held_at: datetime) -> None:
        """Release a claim last renewed at `held_at`; not if a newer page of the same reviewer has renewed it since."""
        mine = delete(ReviewClaim).where(
            _is(project, item), col(ReviewClaim.reviewer) == reviewer, col(ReviewClaim.expires_at) == held_at + HOLD
        )
        with self._engine.begin() as connection:
            connection.execute(mine)

    def claimed_by(self, *, now: datetime) -> Sequence[ReviewClaim]:
        """Return all active claims, oldest first."""
        active = select(ReviewClaim).where(col(ReviewClaim.expires_at) > now).order_by(col(ReviewClaim.claimed_at))
        with Session(self._engine) as session:
            return session.exec(active).all()

    def _is_decided(self, candidate: Candidate) -> bool:
        """Return whether the item was decided after the consensus asked; the decision may still be in flight."""
        since = select(ReviewDecision.id).where(
            ReviewDecision.project == candidate.project,
            ReviewDecision.item == candidate.item,
            col(ReviewDecision.undone_at).is_(None),
            col(ReviewDecision.decided_at) >= candidate.since - _ON_ITS_WAY,
        )
        with Session(self._engine) as session:
            return session.exec(since.limit(1)).first() is not None

    def _claim(self, candidate: Candidate, reviewer: str, now: datetime) -> bool:
        """Insert the claim in one statement, so that the database admits one of two simultaneous attempts."""
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        claim = insert(ReviewClaim).values(
            project=candidate.project, item=candidate.item, reviewer=reviewer, claimed_at=now, expires_at=now + HOLD
        )
        mine = {name: claim.excluded[name] for name in ("reviewer", "claimed_at", "expires_at")}
        taken = claim.on_conflict_do_update(
            index_elements=["project", "item"], set_=mine, where=col(ReviewClaim.expires_at) <= now
        )
        with self._engine.begin() as connection:
            return connection.execute(taken.returning(col(ReviewClaim.item))).first() is not None


def _is(project: ProjectId, item: ItemId) -> ColumnElement[bool]:
    return (col(ReviewClaim.project) == project) & (col(ReviewClaim.item) == item)
