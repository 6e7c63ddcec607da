"""Split a request body into records and judge each one. Pure."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import NamedTuple

import orjson

from assay_schemas.annotation import Annotation
from assay_schemas.decoder import Undecodable, decode

TOPIC = "annotations"
MOST_RECORDS = 10_000
"""How many records a body of JSON may have: each costs an object in memory and a line in the answer."""
OVERHEAD_BYTES = 64
"""About how many bytes a record takes on disk in addition to its content."""


_SCANNER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")


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


class TooManyRecordsError(Exception):
    """The body has more records than one request may have."""


def split(body: bytes) -> list[bytes]:
    """Return the records of a JSON body byte for byte: the body itself, or the members of an array.

    Raise NotJsonError or TooManyRecordsError.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotJsonError(f"the body is no JSON: {error}") from None
    if isinstance(found, dict):
        return [body]
    if not isinstance(found, list):
        raise NotJsonError("the body is neither a JSON object nor an array of objects")
    if len(found) > MOST_RECORDS:
        raise TooManyRecordsError(
            f"the array has {len(found):,} records, and a request at most {MOST_RECORDS:,}; send several requests, or "
            "lines as application/x-ndjson"
        )
    try:
        return list(_members(body.decode()))
    except RecursionError:
        raise NotJsonError("a record is nested too deeply") from None


def _members(array: str) -> Iterator[bytes]:
    """Yield the members of a valid JSON array as they are written."""
    place = _SPACE.match(array, array.index("[") + 1).end()  # type: ignore[union-attr]  # it matches any text
    while array[place] != "]":
        _, end = _SCANNER.raw_decode(array, place)
        yield array[place:end].encode()
        place = _COMMA.match(array, end).end()  # type: ignore[union-attr]  # it matches any text


def open_envelopes(body: bytes) -> list[bytes]:
    """Return the annotations in a CloudEvent in its JSON form, or in an array of them.

    Raise NotJsonError or TooManyRecordsError.
    """
    records: list[bytes] = []
    for place, envelope in enumerate(split(body)):
        try:
            found = json.loads(envelope, object_pairs_hook=_without_repetition)
        except ValueError as error:
            raise NotJsonError(f"event {place}: {error}") from None
        if not isinstance(found, dict) or "specversion" not in found or not isinstance(found.get("data"), dict):
            raise NotJsonError(f"event {place}: a CloudEvent has 'specversion', and the annotation as JSON in 'data'")
        records.append(json.dumps(found["data"], ensure_ascii=False).encode(errors="surrogatepass"))
    return records


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


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
    made = hashlib.sha256(content).hexdigest()[:32]
    if "id" in found:
        return orjson.dumps({**found, "id": made})
    rest = record.lstrip()[1:]  # the bytes stay as they are: a key that stands twice is found later
    return b'{"id":"' + made.encode() + (b'",' if found else b'"') + rest
