"""What reviewers decide, kept until Kafka has it: decisions, taking them back, and how well a reviewer does."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from assay_models.intervals import wilson_interval
from assay_schemas.annotation import Action, Annotation, AnnotatorKind, Item, Label
from assay_schemas.json_data import Json
from assay_services.stores.control.tables.reviews import ReviewClaim, ReviewDecision

_AT_ONCE = 200
_PLATFORM = "console"
_LEAST_STEP = timedelta(milliseconds=1)


class ClaimLostError(Exception):
    """The item is not this reviewer's any more: the claim has run out, or was given back."""


class NothingToUndoError(Exception):
    """There is no such decision of this reviewer, or it was taken back already."""


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """A reviewer's own work since some time.

    `agreed` of `compared` decisions were what the others had come to; `low` and `high` bound that share (95 %, Wilson),
    None where nothing can be compared. `median_seconds` is the time from claim to decision.
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
        """Take the control database."""
        self._engine = engine

    def decide(
        self, project: str, item: Item, reviewer: str, *, label: Label, consensus: Label | None, now: datetime
    ) -> ReviewDecision:
        """Keep a decision and let the item go, in one transaction; raise ClaimLostError where it is another's."""
        with Session(self._engine, expire_on_commit=False) as session:
            claim = session.get(ReviewClaim, (project, item.id), with_for_update=True)
            if claim is None or claim.reviewer != reviewer:
                raise ClaimLostError(f"item '{item.id}' of '{project}' is not yours any more: it was held too long")
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
        """Take a decision back; raise NothingToUndoError where there is none to take back."""
        with Session(self._engine, expire_on_commit=False) as session:
            found = session.get(ReviewDecision, decision, with_for_update=True)
            if found is None or found.reviewer != reviewer or found.undone_at is not None:
                raise NothingToUndoError(f"there is no decision '{decision}' of yours to take back")
            found.undone_at = max(now, found.decided_at + _LEAST_STEP)  # downstream, the newest word counts
            session.add(found)
            session.commit()
            return found

    def newest(self, reviewer: str, *, limit: int = 20) -> Sequence[ReviewDecision]:
        """Return a reviewer's last decisions, the newest first."""
        own = select(ReviewDecision).where(ReviewDecision.reviewer == reviewer)
        with Session(self._engine) as session:
            return session.exec(own.order_by(col(ReviewDecision.decided_at).desc()).limit(limit)).all()

    def record(self, reviewer: str, *, since: datetime) -> OwnRecord:
        """Return how much a reviewer has done, how fast, and how often the others had come to the same."""
        own = select(ReviewDecision).where(ReviewDecision.reviewer == reviewer, col(ReviewDecision.decided_at) >= since)
        with Session(self._engine) as session:
            found = session.exec(own).all()
        kept = [one for one in found if one.undone_at is None]
        compared = [one for one in kept if one.consensus is not None]
        agreed = sum(one.label == one.consensus for one in compared)
        low, high = wilson_interval(agreed, len(compared)) or (None, None)
        seconds = sorted((one.decided_at - one.claimed_at).total_seconds() for one in kept)
        middle = seconds[len(seconds) // 2] if seconds else None
        return OwnRecord(len(kept), len(found) - len(kept), agreed, len(compared), low, high, middle)

    def unpublished(self) -> Sequence[ReviewDecision]:
        """Return decisions of which Kafka lacks something, the oldest first, so many as are sent at once."""
        decided = col(ReviewDecision.published_at).is_(None)
        undone = col(ReviewDecision.undone_at).is_not(None) & col(ReviewDecision.undo_published_at).is_(None)
        waiting = select(ReviewDecision).where(decided | undone).order_by(col(ReviewDecision.decided_at))
        with Session(self._engine) as session:
            return session.exec(waiting.limit(_AT_ONCE)).all()

    def count_unpublished(self) -> int:
        """Return how many decisions wait for Kafka."""
        decided = col(ReviewDecision.published_at).is_(None)
        undone = col(ReviewDecision.undone_at).is_not(None) & col(ReviewDecision.undo_published_at).is_(None)
        with Session(self._engine) as session:
            return session.exec(select(func.count()).select_from(ReviewDecision).where(decided | undone)).one()

    def note_published(self, sent: Sequence[ReviewDecision], *, now: datetime) -> None:
        """Note that Kafka has acknowledged all that was unpublished of these, as they were when they were read."""
        with Session(self._engine) as session:
            for one in sent:
                found = session.get_one(ReviewDecision, one.id, with_for_update=True)
                found.published_at = found.published_at or now
                if one.undone_at is not None:
                    found.undo_published_at = now
                session.add(found)
            session.commit()


def events_of(decision: ReviewDecision) -> Sequence[Annotation]:
    """Return what Kafka lacks of a decision: the adjudicator's annotation, and its deletion if it was taken back."""
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
