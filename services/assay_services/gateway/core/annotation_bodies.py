"""Split a request body into records and judge each one. Pure."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import NamedTuple

import orjson

from assay_schemas.annotation import Annotation
from assay_schemas.decoder import Undecodable, decode

TOPIC = "annotations"
OVERHEAD_BYTES = 64
"""About how many bytes a record takes on disk in addition to its content."""


class OutgoingRecord(NamedTuple):
    """One record to publish: topic without prefix, key, value, headers as JSON text."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: str = "[]"

    @property
    def size(self) -> int:
        """Return its approximate size in bytes."""
        return len(self.key or b"") + len(self.value or b"") + len(self.headers) + OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Accepted:
    """A valid annotation, and the record to publish."""

    place: int
    annotation: Annotation
    row: OutgoingRecord


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """An invalid record: the field and the reason."""

    place: int
    field: str
    reason: str


BodyResult = Accepted | RefusedRecord


class NotJsonError(Exception):
    """The body is neither a JSON object nor an array of objects."""


def split(body: bytes) -> list[bytes]:
    """Return the records of a JSON body: the body itself, or the members of an array. Raise NotJsonError."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotJsonError(f"the body is no JSON: {error}") from None
    if isinstance(found, dict):
        return [body]
    if isinstance(found, list):
        return [orjson.dumps(one) for one in found]
    raise NotJsonError("the body is neither a JSON object nor an array of objects")


def judge(records: Sequence[bytes]) -> Iterator[BodyResult]:
    """Validate each record and yield the results; `place` counts from 0."""
    completed = [_with_id(record) for record in records]
    for place, (record, found) in enumerate(zip(completed, decode(completed), strict=True)):
        if isinstance(found, Undecodable):
            yield RefusedRecord(place, found.field, found.message)
        else:
            yield Accepted(place, found, OutgoingRecord(TOPIC, found.partition_key, record, headers_of(found)))


def rows_of(annotations: Iterable[Annotation]) -> list[OutgoingRecord]:
    """Return the records of a platform's annotations."""
    return [
        OutgoingRecord(TOPIC, one.partition_key, one.model_dump_json().encode(), headers_of(one)) for one in annotations
    ]


def headers_of(annotation: Annotation) -> str:
    """Return the CloudEvents headers as JSON text; the id is the annotation's own."""
    occurred = annotation.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    platform = "api" if annotation.source is None else annotation.source.platform
    pairs = [
        ("ce_specversion", "1.0"),
        ("ce_id", annotation.id),
        ("ce_type", f"assay.annotation.{annotation.action}"),
        ("ce_source", f"assay/gateway/{platform}"),
        ("ce_time", occurred),
        ("content-type", "application/json"),
    ]
    return orjson.dumps(pairs).decode()


def _with_id(record: bytes) -> bytes:
    """Add an id derived from the content to a record without one: sending it again changes nothing."""
    try:
        found = orjson.loads(record)
    except orjson.JSONDecodeError:
        return record
    if not isinstance(found, dict) or found.get("id") is not None:
        return record
    content = orjson.dumps(found, option=orjson.OPT_SORT_KEYS)
    return orjson.dumps({**found, "id": hashlib.sha256(content).hexdigest()[:32]})
