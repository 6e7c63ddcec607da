"""Convert a platform's facts to annotations, each with an id derived from its content."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter, ValidationError

from assay_schemas.annotation import Action, Annotation, AnnotationId, AnnotatorKind, Label
from assay_services.gateway.core.decode_result import (
    Annotations,
    DecodeContext,
    DecodeResult,
    EarlierAnnotation,
    FetchTarget,
    outcome_of,
    shortened,
    unique,
)
from assay_services.gateway.core.platforms.coercion import JsonFields, Malformed, number
from assay_services.gateway.core.unread_part import UnreadPart, counted

_LABEL: TypeAdapter[object] = TypeAdapter(Label | None)
_UNION_TAGS = ("constrained-str", "int", "float", "list[", "function-")
_OTHER_FORM = ("_type", "missing", "extra_forbidden")
_AFTER = timedelta(microseconds=1)
_LIVE, _SKIPPED, _DELETED = "live", "skipped", "deleted"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_MARKS = ("spans", "boxes")


class NothingMarked:
    """The label of a person who was asked and marked nothing, on a platform that does not say what was asked for."""


NOTHING_MARKED: Final = NothingMarked()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One state of one annotation on a platform. Its ids are the platform's own, as texts that `settle` validates.

    `may_return`: a deleted annotation may return under the same id, so each deletion needs its own id. `thing` is the
    platform's id of the annotated task or record, if deletions name it. `unread` are the parts left out of the label,
    which is complete without them; `notes` are choices that were made.
    """

    platform: str
    annotation: str | None
    project: str | None
    item: JsonFields
    annotator: str | None
    label: object
    occurred_at: datetime | None
    action: Action = Action.CREATED
    kind: AnnotatorKind = AnnotatorKind.HUMAN
    prelabel: object = None
    created_at: datetime | None = None
    lead_time_seconds: object = None
    gold: object = None
    may_return: bool = False
    thing: str | None = None
    unread: Sequence[UnreadPart] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SettledFact:
    """The annotations of some facts, what could not be read, what was left out, and the things of the annotations."""

    annotations: tuple[Annotation, ...]
    problems: tuple[str, ...] = ()
    unread: tuple[UnreadPart, ...] = ()
    things: Mapping[str, str] = field(default_factory=dict)

    def outcome(self, fetch: Sequence[FetchTarget] = ()) -> Annotations:
        """Return them as an outcome, even if there is no annotation."""
        return Annotations(self.annotations, unique(fetch), shortened(self.problems), self.unread, self.things)

    def result(self, fetch: Sequence[FetchTarget] = (), *, otherwise: str) -> DecodeResult:
        """Return the result of a delivery; `otherwise` is the reason if it contains nothing."""
        return self.outcome(fetch) if self.annotations else outcome_of((), fetch, self.problems, otherwise=otherwise)


def settle(fact: Fact, asked: DecodeContext) -> Annotation | Malformed:
    """Return the annotation of a fact, or Malformed with the problem.

    Without a platform time, the annotation takes the time of receipt, which is then not part of its id. Skips have no
    label.
    """
    missing = [name for name in ("annotation", "annotator") if getattr(fact, name) is None]
    project = asked.project or fact.project
    if missing:
        return Malformed(f"it does not say its {missing[0]}")
    if project is None:
        return Malformed("it does not say its project, and the connection has none of its own")
    found = _validated(fact, project, asked)
    if isinstance(found, Malformed):
        return found
    return found.model_copy(update={"id": _content_id(fact, found)})


def settle_all(facts: Iterable[tuple[str, Fact | Malformed]], asked: DecodeContext) -> SettledFact:
    """Convert many facts, each with the name to use in its problem."""
    found: list[Annotation] = []
    problems: list[str] = []
    unread: list[UnreadPart] = []
    things: dict[str, str] = {}
    for name, fact in facts:
        settled = fact if isinstance(fact, Malformed) else settle(fact, asked)
        if isinstance(settled, Malformed) or isinstance(fact, Malformed):
            problems.append(f"{name}: {settled.reason if isinstance(settled, Malformed) else ''}")
            continue
        found.append(settled)
        left_out = [replace(one, where=name, annotation=fact.annotation) for one in counted(fact.unread)]
        problems += [f"{name}: {note}" for note in fact.notes] + [str(one) for one in left_out if not one.quiet]
        unread += left_out
        if fact.annotation is not None and fact.thing not in (None, settled.item.id):
            things[fact.annotation] = str(fact.thing)
    return SettledFact(tuple(found), tuple(problems), tuple(unread), things)


def of_kind(label: object, kind: str | None) -> object:
    """Return a label in the form that the contract's kind wants, where its meaning is certain.

    One text becomes a list in a contract of several labels, and a number in one of numbers. Nothing marked is an empty
    list where spans or boxes were asked for. An empty list is no label where one text is wanted.
    """
    if isinstance(label, NothingMarked):
        return [] if kind in _MARKS else None
    if kind == "multilabel" and isinstance(label, str):
        return [label]
    if kind == "ordinal" and isinstance(label, str) and _NUMBER.fullmatch(label):
        return float(label) if "." in label else int(label)
    return None if kind == "categorical" and isinstance(label, list) and not label else label


def _validated(fact: Fact, project: str, asked: DecodeContext) -> Annotation | Malformed:
    kind = asked.label_kind
    raw: dict[str, object] = {
        "id": "-",
        "action": fact.action,
        "project": project,
        "item": {**fact.item, "gold": _readable_label(of_kind(fact.gold, kind))},
        "annotator": {"id": fact.annotator, "kind": fact.kind},
        "label": None if fact.action is Action.SKIPPED else of_kind(fact.label, kind),
        "prelabel": _readable_label(of_kind(fact.prelabel, kind)),
        "occurred_at": fact.occurred_at or asked.now,
        "created_at": fact.created_at,
        "lead_time_seconds": number(fact.lead_time_seconds),
        "source": {"platform": fact.platform, "project": fact.project, "annotation": fact.annotation},
    }
    try:
        return Annotation.model_validate(raw)
    except ValidationError as error:
        return _why(error)


def _why(error: ValidationError) -> Malformed:
    """Return the reason. A label gives an error for each type it might have: only the most specific is reported."""
    found = error.errors(include_url=False, include_input=False)
    own = [one for one in found if one["loc"][:1] == found[0]["loc"][:1]]
    nearest = max(own, key=lambda one: (not one["type"].endswith(_OTHER_FORM), len(one["loc"])))
    place = [str(part) for part in nearest["loc"] if not str(part).startswith(_UNION_TAGS)]
    return Malformed(f"{'.'.join(place)}: {nearest['msg']}")


def _readable_label(label: object) -> object:
    """Return a label, or None if it is malformed: a bad pre-label or gold label must not lose the annotation."""
    try:
        return _LABEL.validate_python(label)
    except ValidationError:
        return None


def _content_id(fact: Fact, found: Annotation) -> AnnotationId:
    """Return an id that is the same for a retry, a repeated delivery and a poll of the same state.

    Created and updated are one state because a poll cannot distinguish them; skipped is another.
    """
    if found.action is Action.DELETED and not fact.may_return:
        return _digest(fact.platform, found.project, fact.annotation, _DELETED)
    state = _SKIPPED if found.action is Action.SKIPPED else _LIVE
    time = None if fact.occurred_at is None else found.occurred_at.isoformat()
    label = _LABEL.dump_python(found.label, mode="json")
    return _digest(fact.platform, found.project, fact.annotation, time, state, found.item.id, found.annotator.id, label)


def _digest(*parts: object) -> AnnotationId:
    written = json.dumps(parts, sort_keys=True)
    return AnnotationId(hashlib.sha256(written.encode()).hexdigest()[:32])


def deletion(
    platform: str, annotation: str, asked: DecodeContext, *, source_project: str | None, may_return: bool = False
) -> Annotation | None:
    """Return the deletion of an annotation that is known by its id, or None if it is unknown.

    `may_return`: it may return under the same id, so each deletion needs its own id.
    """
    known = asked.known(annotation)
    if known is None:
        return None
    state = [known.occurred_at.isoformat()] if may_return and known.occurred_at is not None else []
    raw = {
        "id": _digest(platform, known.project, annotation, _DELETED, *state),
        "action": Action.DELETED,
        "project": known.project,
        "item": {"id": known.item},
        "annotator": {"id": known.annotator},
        "occurred_at": _deleted_at(known, asked.now),
        "source": {"platform": platform, "project": source_project, "annotation": annotation},
    }
    return Annotation.model_validate(raw)


def _deleted_at(known: EarlierAnnotation, now: datetime) -> datetime:
    """Return the time of a deletion: just after the state that it ends.

    The time of receipt would be wrong: the annotator may have made a newer annotation before it.
    """
    return now if known.occurred_at is None else known.occurred_at + _AFTER


def deletions(
    platform: str,
    annotations: Sequence[str],
    asked: DecodeContext,
    *,
    source_project: str | None,
    may_return: bool = False,
) -> tuple[list[Annotation], list[FetchTarget]]:
    """Return the deletions of the known annotations, and the unknown ones to fetch."""
    found = [
        (one, deletion(platform, one, asked, source_project=source_project, may_return=may_return))
        for one in annotations
    ]
    unknown = [FetchTarget("annotation", name) for name, one in found if one is None]
    return [one for _, one in found if one is not None], unknown
