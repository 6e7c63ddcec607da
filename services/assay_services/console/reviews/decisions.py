"""Decisions of reviewers, stored until Kafka has them: record, undo, and statistics per reviewer."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from assay_models.intervals import wilson_interval
from assay_schemas.annotation import Action, Annotation, AnnotatorKind, Item, Label, ProjectId
from assay_schemas.json_data import Json
from assay_services.stores.control.tables.reviews import ReviewClaim, ReviewDecision

_AT_ONCE = 200
_PLATFORM = "console"
_LEAST_STEP = timedelta(milliseconds=1)


class ClaimLostError(Exception):
    """The reviewer no longer has the item: the claim expired or was released."""


class NothingToUndoError(Exception):
    """The reviewer has no such decision, or it was undone already."""


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """A reviewer's own work since some time.

    `agreed` of `compared` decisions equal the consensus of the time; `low` and `high` bound that share (95 %, Wilson),
    None if nothing can be compared. `median_seconds` is the time from claim to decision.
    """

    decisions: int
    undone: int
    agreed: int
    compared: int
    low: float | None
    high: float | None
    median_seconds: float | None


class Decisions:
    """The decisions of all reviewers."""

    def __init__(self, engine: Engine) -> None:
        """Use the control database."""
        self._engine = engine

    def decide(
        self, project: ProjectId, item: Item, reviewer: str, *, label: Label, consensus: Label | None, now: datetime
    ) -> ReviewDecision:
        """Store a decision and release the claim in one transaction; raise ClaimLostError without a claim."""
        with Session(self._engine, expire_on_commit=False) as session:
            claim = session.get(ReviewClaim, (project, item.id), with_for_update=True)
            if claim is None or claim.reviewer != reviewer:
                raise ClaimLostError(f"Your claim on item '{item.id}' of '{project}' has expired.")
            decision = ReviewDecision(
                id=f"review-{secrets.token_hex(12)}",
                project=project,
                item=item.id,
                reviewer=reviewer,
                label=_plain(label),
                item_shown=item.model_dump(mode="json", exclude_none=True),
                consensus=_plain(consensus),
                claimed_at=claim.claimed_at,
                decided_at=now,
            )
            session.delete(claim)
            session.add(decision)
            session.commit()
            return decision

    def undo(self, decision: str, reviewer: str, *, now: datetime) -> ReviewDecision:
        """Undo a decision; raise NothingToUndoError if the reviewer has none to undo."""
        with Session(self._engine, expire_on_commit=False) as session:
            stored = session.get(ReviewDecision, decision, with_for_update=True)
            if stored is None or stored.reviewer != reviewer or stored.undone_at is not None:
                raise NothingToUndoError(f"You have no decision '{decision}' to undo.")
            stored.undone_at = max(now, stored.decided_at + _LEAST_STEP)  # downstream, the newest event counts
            session.add(stored)
            session.commit()
            return stored

    def newest(self, reviewer: str, *, limit: int = 20) -> Sequence[ReviewDecision]:
        """Return a reviewer's last decisions, newest first."""
        own = select(ReviewDecision).where(ReviewDecision.reviewer == reviewer)
        with Session(self._engine) as session:
            return session.exec(own.order_by(col(ReviewDecision.decided_at).desc()).limit(limit)).all()

    def record(self, reviewer: str, *, since: datetime) -> OwnRecord:
        """Return how many decisions a reviewer made, how fast, and how many agreed with the consensus."""
        own = select(ReviewDecision).where(ReviewDecision.reviewer == reviewer, col(ReviewDecision.decided_at) >= since)
        with Session(self._engine) as session:
            decisions = session.exec(own).all()
        valid = [one for one in decisions if one.undone_at is None]
        compared = [one for one in valid if one.consensus is not None]
        agreed = sum(one.label == one.consensus for one in compared)
        low, high = wilson_interval(agreed, len(compared)) or (None, None)
        seconds = sorted((one.decided_at - one.claimed_at).total_seconds() for one in valid)
        median = seconds[len(seconds) // 2] if seconds else None
        undone = len(decisions) - len(valid)
        return OwnRecord(len(valid), undone, agreed, len(compared), low, high, median)

    def unpublished(self) -> Sequence[ReviewDecision]:
        """Return the oldest decisions that are not completely in Kafka, at most one batch."""
        decided = col(ReviewDecision.published_at).is_(None)
        undone = col(ReviewDecision.undone_at).is_not(None) & col(ReviewDecision.undo_published_at).is_(None)
        waiting = select(ReviewDecision).where(decided | undone).order_by(col(ReviewDecision.decided_at))
        with Session(self._engine) as session:
            return session.exec(waiting.limit(_AT_ONCE)).all()

    def count_unpublished(self) -> int:
        """Return how many decisions are not completely in Kafka."""
        decided = col(ReviewDecision.published_at).is_(None)
        undone = col(ReviewDecision.undone_at).is_not(None) & col(ReviewDecision.undo_published_at).is_(None)
        with Session(self._engine) as session:
            return session.exec(select(func.count()).select_from(ReviewDecision).where(decided | undone)).one()

    def note_published(self, sent: Sequence[ReviewDecision], *, now: datetime) -> None:
        """Mark the given decisions as published, in the state in which they were read."""
        with Session(self._engine) as session:
            for one in sent:
                stored = session.get_one(ReviewDecision, one.id, with_for_update=True)
                stored.published_at = stored.published_at or now
                if one.undone_at is not None:
                    stored.undo_published_at = now
                session.add(stored)
            session.commit()


def events_of(decision: ReviewDecision) -> Sequence[Annotation]:
    """Return the events of a decision that Kafka lacks: the adjudicator's annotation, and its deletion if undone."""
    events = []
    if decision.published_at is None:
        events.append(_event(decision, Action.CREATED, decision.decided_at))
    if decision.undone_at is not None and decision.undo_published_at is None:
        events.append(_event(decision, Action.DELETED, decision.undone_at))
    return events


def _event(decision: ReviewDecision, action: Action, at: datetime) -> Annotation:
    took = (decision.decided_at - decision.claimed_at).total_seconds()
    return Annotation.model_validate(
        {
            "id": decision.id,
            "action": action,
            "project": decision.project,
            "item": decision.item_shown,
            "annotator": {"id": decision.reviewer, "kind": AnnotatorKind.ADJUDICATOR},
            "label": decision.label if action is Action.CREATED else None,
            "occurred_at": at,
            "lead_time_seconds": max(took, 0.0) if action is Action.CREATED else None,
            "source": {"platform": _PLATFORM, "annotation": decision.id},
        }
    )


def _plain(label: Label | None) -> Json:
    if isinstance(label, list):
        return [part if isinstance(part, str) else part.model_dump() for part in label]
    return label
