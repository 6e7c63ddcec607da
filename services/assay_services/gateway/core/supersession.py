"""One person's annotations of one item, of which downstream only the newest counts: what to say when they change. Pure.

A deletion ends the newest; what that person said before and did not delete has to count again. An annotation that is
given to another person, or another item, has to end where it was.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assay_schemas.annotation import Action, Annotation, AnnotationId, Item, ItemId
from assay_services.gateway.core.decode_result import EarlierAnnotation

_AFTER = timedelta(microseconds=1)

ItemAnnotator = tuple[str, str]
"""Item and annotator."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The newest deletion at a place: its time and its id."""

    at: datetime
    event: str


def place_of(annotation: Annotation) -> ItemAnnotator:
    """Return where an annotation counts."""
    return annotation.item.id, annotation.annotator.id


def with_endings(ended: Mapping[ItemAnnotator, Ended], changed: Iterable[Annotation]) -> dict[ItemAnnotator, Ended]:
    """Return the newest deletion of each place when these are published, too."""
    found = dict(ended)
    for one in changed:
        if one.action is Action.DELETED:
            before = found.get(place_of(one))
            if before is None or before.at < one.occurred_at:
                found[place_of(one)] = Ended(one.occurred_at.astimezone(UTC), one.id)
    return found


def with_survivors(live: Sequence[Annotation], ended: Mapping[ItemAnnotator, Ended]) -> list[Annotation]:
    """Return these, the newest of each place after the deletion that came after it.

    It has an id of its own, made of both: the same however often it is found.
    """
    newest: dict[ItemAnnotator, Annotation] = {}
    for one in live:
        before = newest.get(place_of(one))
        if one.action is not Action.DELETED and (before is None or _order(before) < _order(one)):
            newest[place_of(one)] = one
    standing = {one.id for one in newest.values()}
    return [_survivor(one, ended.get(place_of(one))) if one.id in standing else one for one in live]


def _order(annotation: Annotation) -> tuple[datetime, str]:
    return annotation.occurred_at, annotation.id


def _survivor(annotation: Annotation, ended: Ended | None) -> Annotation:
    if ended is None or annotation.occurred_at > ended.at:
        return annotation
    return reissued_after(annotation, after=ended.at, because=ended.event)


def reissued_after(annotation: Annotation, *, after: datetime, because: str) -> Annotation:
    """Return the same, said just after a time: what is older there must not outweigh it."""
    action = Action.UPDATED if annotation.action is Action.CREATED else annotation.action
    changes = {"id": _digest(because, annotation.id), "action": action, "occurred_at": after + _AFTER}
    return annotation.model_copy(update=changes)


def placed(changed: Sequence[Annotation], known: Callable[[str], EarlierAnnotation | None]) -> list[Annotation]:
    """Return these, each deletion where the annotation was, and each that has moved with a deletion of where it was."""
    found: list[Annotation] = []
    for one in changed:
        before = None if one.source is None or one.source.annotation is None else known(one.source.annotation)
        if before is None or (before.item, before.annotator) == place_of(one):
            found.append(one)
        elif one.action is Action.DELETED:
            found.append(_at_place(one, before))
        else:
            found += [_left(one, before), one]
    return found


def _at_place(deleted: Annotation, before: EarlierAnnotation) -> Annotation:
    annotator = deleted.annotator.model_copy(update={"id": before.annotator})
    return deleted.model_copy(update={"item": Item(id=ItemId(before.item)), "annotator": annotator})


def _left(moved: Annotation, before: EarlierAnnotation) -> Annotation:
    at = before.occurred_at or moved.occurred_at
    gone = _at_place(moved, before)
    changes = {
        "id": _digest("left", moved.id, before.item, before.annotator, at.isoformat()),
        "action": Action.DELETED,
        "label": None,
        "prelabel": None,
        "occurred_at": at + _AFTER,
    }
    return gone.model_copy(update=changes)


def _digest(*parts: str) -> AnnotationId:
    return AnnotationId(hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32])
