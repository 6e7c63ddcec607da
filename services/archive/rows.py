"""From the records of a topic to rows: one function for each topic."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

import orjson
from pydantic import BaseModel, TypeAdapter

from schemas.agreement import AgreementReading
from schemas.annotation import Annotation, Item, Label
from schemas.consensus import Consensus, Correction, Reliability, ReviewRequest
from schemas.verdict import Finding, RejectedAnnotation, ValidatedAnnotation
from services.runtime.step import Record

Row: TypeAlias = dict[str, Any]
"""Values by column; what a JSON column holds is JSON text already."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_NUL_SHOWN = "\N{SYMBOL FOR NULL}"
_LARGEST = 2**63 - 1


class Unreadable(Exception):
    """A record that no row can be made of; the message says why."""


class Place(NamedTuple):
    """Which Kafka and which partition a record comes from."""

    source: int
    partition: int


class Added(NamedTuple):
    """A row that is added."""

    table: str
    row: Row


class Kept(NamedTuple):
    """A row of which there is one for each key; None: it is gone."""

    table: str
    key: tuple[str, str]
    row: Row | None


Put: TypeAlias = Added | Kept
Reader: TypeAlias = Callable[[Record, Place], Sequence[Put]]


def validated(record: Record, place: Place) -> Sequence[Put]:
    """Return the rows of a validated annotation."""
    found = _read(ValidatedAnnotation, record)
    return _judged(found, "validated", record, place)


def rejected(record: Record, place: Place) -> Sequence[Put]:
    """Return the rows of a rejected annotation."""
    found = _read(RejectedAnnotation, record)
    return _judged(found, "rejected", record, place)


def dead(record: Record, place: Place) -> Sequence[Put]:
    """Return the row of a dead letter."""
    said = {name: _text(value) for name, value in record.headers if value is not None}
    row = _position(place, record) | {
        "key": None if record.key is None else _text(record.key),
        "reason": said.get("assay-reason", "unknown"),
        "field": said.get("assay-field", ""),
        "message": said.get("__connect.errors.exception.message", ""),
        "value": record.value,
        "judged_at": arrived(record),
    }
    return [Added("dead", row)]


def consensus(record: Record, place: Place) -> Sequence[Put]:  # noqa: ARG001  # all have these
    """Return the row of an item's consensus."""
    if record.value is None:
        return _gone("consensus", record)
    found = _read(Consensus, record)
    label, kind = _label(found.label)
    row = {
        "project": found.project,
        "item": found.item,
        "label": label,
        "label_kind": kind,
        "probability": found.probability,
        "probabilities": _json(found.probabilities),
        "votes": _whole(found.votes),
        "status": found.status.value,
        "contract_version": _whole(found.contract_version),
        "as_of": _utc(found.as_of),
    }
    return [Kept("consensus", (found.project, found.item), row)]


def correction(record: Record, place: Place) -> Sequence[Put]:
    """Return the row of a correction or retraction."""
    found = _read(Correction, record)
    was, was_kind = _label(found.was)
    label, kind = _label(found.label)
    row = _position(place, record) | {
        "id": found.id,
        "project": found.project,
        "item": found.item,
        "annotator": found.annotator,
        "annotation": found.annotation,
        "was": was,
        "was_kind": was_kind,
        "label": label,
        "label_kind": kind,
        "probability": found.probability,
        "retracts": found.retracts,
        "reason": found.reason,
        "contract_version": _whole(found.contract_version),
        "as_of": _utc(found.as_of),
    }
    return [Added("corrections", row)]


def review(record: Record, place: Place) -> Sequence[Put]:  # noqa: ARG001
    """Return the row of a request for review."""
    if record.value is None:
        return _gone("reviews", record)
    found = _read(ReviewRequest, record)
    label, kind = _label(found.label)
    row = {
        "project": found.project,
        "item": found.item,
        "reason": found.reason,
        "priority": found.priority,
        "label": label,
        "label_kind": kind,
        "probability": found.probability,
        "votes": _whole(found.votes),
        "as_of": _utc(found.as_of),
    }
    return [Kept("reviews", (found.project, found.item), row)]


def reading(record: Record, place: Place) -> Sequence[Put]:
    """Return the row of a reading of agreement."""
    found = _read(AgreementReading, record)
    row = _position(place, record) | {
        "project": found.project,
        "coefficient": found.coefficient,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "items": _whole(found.items),
        "annotators": _whole(found.annotators),
        "time_window": found.window,
        "window_start": _utc(found.window_start),
        "window_end": _utc(found.window_end),
        "scope": _json(found.scope),
        "as_of": _utc(found.as_of),
    }
    return [Added("readings", row)]


def reliability(record: Record, place: Place) -> Sequence[Put]:  # noqa: ARG001
    """Return the row of an annotator's reliability."""
    if record.value is None:
        return _gone("reliability", record)
    found = _read(Reliability, record)
    row = {
        "project": found.project,
        "annotator": found.annotator,
        "accuracy": found.accuracy,
        "accuracy_low": found.accuracy_low,
        "accuracy_high": found.accuracy_high,
        "votes": _whole(found.votes),
        "confusion": _json(found.confusion),
        "as_of": _utc(found.as_of),
    }
    return [Kept("reliability", (found.project, found.annotator), row)]


def arrived(record: Record) -> datetime:
    """Return the record's own time."""
    return _EPOCH + timedelta(milliseconds=record.timestamp)


def _judged(
    found: ValidatedAnnotation | RejectedAnnotation, verdict: str, record: Record, place: Place
) -> Sequence[Put]:
    said, score = found.annotation, found.score
    source = said.source
    predicted, _ = _label(None if score is None else score.predicted)
    row = {
        "source": place.source,
        "verdict": verdict,
        "kafka_partition": place.partition,
        "kafka_offset": record.offset,
        **_said(said),
        "judged_at": arrived(record),
        "platform": None if source is None else source.platform,
        "platform_project": None if source is None else source.project,
        "platform_annotation": None if source is None else source.annotation,
        "findings": _findings(found.findings),
        "label_probability": None if score is None else score.label_probability,
        "predicted": predicted,
        "predicted_probability": None if score is None else score.predicted_probability,
        "below_threshold": None if score is None else score.below_threshold,
        "contract_version": _whole(found.contract_version),
    }
    item = _item(said.item, row)
    return [Added("annotations", row), Kept("items", (said.project, said.item.id), item)]


def _said(said: Annotation) -> Row:
    label, kind = _label(said.label)
    prelabel, prelabel_kind = _label(said.prelabel)
    return {
        "id": said.id,
        "action": said.action.value,
        "project": said.project,
        "item": said.item.id,
        "annotator": said.annotator.id,
        "annotator_kind": said.annotator.kind.value,
        "label": label,
        "label_kind": kind,
        "prelabel": prelabel,
        "prelabel_kind": prelabel_kind,
        "occurred_at": _utc(said.occurred_at),
        "created_at": None if said.created_at is None else _utc(said.created_at),
        "lead_time_seconds": said.lead_time_seconds,
        "attributes": _json(said.item.attributes),
    }


def _item(item: Item, said: Row) -> Row:
    gold, gold_kind = _label(item.gold)
    return {
        "project": said["project"],
        "item": item.id,
        "text": item.text,
        "features": None if item.features is None else _json(item.features),
        "media": None if item.media is None else _json(item.media.model_dump()),
        "gold": gold,
        "gold_kind": gold_kind,
        "attributes": said["attributes"],
        "described": len(item.model_fields_set) > 1,
        "seen_at": said["occurred_at"],
        "seen_in": said["id"],
    }


def _findings(found: Sequence[Finding]) -> str:
    return _json([one.model_dump(mode="json") for one in found]) if found else "[]"


def _label(label: Label | None) -> tuple[str | None, str | None]:
    """Return a label as text, and of which kind it is."""
    if label is None:
        return None, None
    if isinstance(label, str):
        return label, "text"
    if isinstance(label, list):
        return _json([one.model_dump() if isinstance(one, BaseModel) else one for one in label]), "list"
    return _json(label), "number"


def _gone(table: str, record: Record) -> Sequence[Put]:
    """Return that the row of a key is gone. A key is `project:item`; both may have colons, so each split is meant."""
    parts = _text(record.key or b"").split(":")
    keys = [(":".join(parts[:place]), ":".join(parts[place:])) for place in range(1, len(parts))]
    if not keys:
        raise Unreadable("a record without a value must have a key like project:item")
    return [Kept(table, key, None) for key in keys]


_ADAPTERS: Mapping[type[BaseModel], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind)
    for kind in (
        ValidatedAnnotation,
        RejectedAnnotation,
        Consensus,
        Correction,
        ReviewRequest,
        AgreementReading,
        Reliability,
    )
}


def _read(kind: type[Any], record: Record) -> Any:  # noqa: ANN401  # what `kind` says
    """Read a value; ValueError where it is none. NUL, which PostgreSQL cannot hold, becomes its symbol."""
    value = record.value
    if value is None:
        raise Unreadable("the record has no value")
    if b"\\u0000" in value:
        value = _NUL.sub(rb"\1\\u2400", value)
    return _ADAPTERS[kind].validate_json(value)


def _position(place: Place, record: Record) -> Row:
    return {"source": place.source, "kafka_partition": place.partition, "kafka_offset": record.offset}


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace").replace("\0", _NUL_SHOWN)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _whole(number: int) -> int:
    if abs(number) > _LARGEST:
        raise Unreadable(f"{number} is too large a number")
    return number
