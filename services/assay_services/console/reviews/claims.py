"""Who has which item: a queue from which two reviewers are never given the same."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Engine, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from assay_services.stores.control.tables.reviews import ReviewClaim, ReviewDecision

HOLD = timedelta(minutes=5)
"""How long an item is a reviewer's without a sign of life; the page gives one every minute."""
_ON_ITS_WAY = timedelta(seconds=2)
"""What is asked so soon after a decision was asked before it was heard of."""


class Candidate(NamedTuple):
    """An item that waits for a reviewer; `since` is when the consensus last asked for one."""

    project: str
    item: str
    since: datetime


class Claims:
    """The items in reviewers' hands."""

    def __init__(self, engine: Engine) -> None:
        """Take the control database."""
        self._engine = engine

    def claim(self, candidates: Iterable[Candidate], reviewer: str, *, now: datetime) -> Candidate | None:
        """Take the first of the candidates that nobody has and nobody has decided; None where there is none.

        Whoever has an item already is given that.
        """
        mine = next((one for one in self.claimed_by(now=now) if one.reviewer == reviewer), None)
        if mine is not None:
            return Candidate(mine.project, mine.item, mine.claimed_at)
        for candidate in candidates:
            if not self._claim(candidate, reviewer, now):
                continue
            if not self._is_decided(candidate):  # looked up last: before, somebody might just be deciding
                return candidate
            self.release(candidate.project, candidate.item, reviewer)
        return None

    def renew(self, project: str, item: str, reviewer: str, *, now: datetime) -> bool:
        """Hold an item for longer; False where it is no longer the reviewer's."""
        mine = update(ReviewClaim).where(_is(project, item), col(ReviewClaim.reviewer) == reviewer)
        with self._engine.begin() as connection:
            return connection.execute(mine.values(expires_at=now + HOLD)).rowcount == 1

    def release(self, project: str, item: str, reviewer: str) -> None:
        """Give an item back; nothing happens if it is not the reviewer's."""
        mine = delete(ReviewClaim).where(_is(project, item), col(ReviewClaim.reviewer) == reviewer)
        with self._engine.begin() as connection:
            connection.execute(mine)

    def release_if_unchanged(self, project: str, item: str, reviewer: str, *, held_at: datetime) -> None:
        """Give an item back as it was held at `held_at`; not if another page of the reviewer's has it since."""
        mine = delete(ReviewClaim).where(
            _is(project, item), col(ReviewClaim.reviewer) == reviewer, col(ReviewClaim.expires_at) == held_at + HOLD
        )
        with self._engine.begin() as connection:
            connection.execute(mine)

    def claimed_by(self, *, now: datetime) -> Sequence[ReviewClaim]:
        """Return all claims in force, the oldest first."""
        inside = select(ReviewClaim).where(col(ReviewClaim.expires_at) > now).order_by(col(ReviewClaim.claimed_at))
        with Session(self._engine) as session:
            return session.exec(inside).all()

    def _is_decided(self, candidate: Candidate) -> bool:
        """Tell whether somebody has decided since the consensus asked: its answer may still be on its way."""
        since = select(ReviewDecision.id).where(
            ReviewDecision.project == candidate.project,
            ReviewDecision.item == candidate.item,
            col(ReviewDecision.undone_at).is_(None),
            col(ReviewDecision.decided_at) >= candidate.since - _ON_ITS_WAY,
        )
        with Session(self._engine) as session:
            return session.exec(since.limit(1)).first() is not None

    def _claim(self, candidate: Candidate, reviewer: str, now: datetime) -> bool:
        """Put the claim there in one statement: of two who try at once, the database lets one through."""
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


def _is(project: str, item: str) -> ColumnElement[bool]:
    return (col(ReviewClaim.project) == project) & (col(ReviewClaim.item) == item)
