"""Supersession: downstream, only an annotator's newest annotation of an item counts. Pure.

After a deletion, the annotator's remaining annotation of the item must be published again to count. An annotation that
moves to another annotator or item must be deleted where it was.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assay_schemas.annotation import Action, Annotation, AnnotationId, AnnotatorId, Item, ItemId
from assay_services.gateway.core.decode_result import EarlierAnnotation

_AFTER = timedelta(microseconds=1)

ItemAnnotator = tuple[ItemId, AnnotatorId]
"""Item and annotator."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The newest deletion of an item and annotator: its time and its id."""

    at: datetime
    event: str


def place_of(annotation: Annotation) -> ItemAnnotator:
    """Return the item and annotator of an annotation."""
    return annotation.item.id, annotation.annotator.id


def with_endings(ended: Mapping[ItemAnnotator, Ended], changed: Iterable[Annotation]) -> dict[ItemAnnotator, Ended]:
    """Return the newest deletions, updated with the deletions in `changed`."""
    found = dict(ended)
    for one in changed:
        if one.action is Action.DELETED:
            before = found.get(place_of(one))
            if before is None or before.at < one.occurred_at:
                found[place_of(one)] = Ended(one.occurred_at.astimezone(UTC), one.id)
    return found


def with_survivors(live: Sequence[Annotation], ended: Mapping[ItemAnnotator, Ended]) -> list[Annotation]:
    """Return the annotations, each annotator's newest one redated after the newest deletion if that would supersede it.

    Its new id is derived from both ids, and is the same each time.
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
    """Return the annotation redated to just after a time; a deletion of that time no longer supersedes it."""
    action = Action.UPDATED if annotation.action is Action.CREATED else annotation.action
    changes = {"id": _digest(because, annotation.id), "action": action, "occurred_at": after + _AFTER}
    return annotation.model_copy(update=changes)


def placed(changed: Sequence[Annotation], known: Callable[[str], EarlierAnnotation | None]) -> list[Annotation]:
    """Return the annotations; add the item and annotator to deletions, and a deletion for each one that has moved."""
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
    return deleted.model_copy(update={"item": Item(id=before.item), "annotator": annotator})


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
