"""Decoding of bytes to annotations, in batches, with a reason for each value that is not an annotation."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from assay_schemas.annotation import Annotation

LARGEST_VALUE_BYTES = 1024 * 1024
_AT_ONCE = 20

_BATCH = TypeAdapter(list[Annotation])
_ONE = TypeAdapter(Annotation)
_WHITE_SPACE = b" \t\n\r"
_UNION_TAGS = ("constrained-str", "int", "float", "list[", "function-")


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Bytes that are not an annotation.

    `reason` is a short code, `field` the path of the error, `message` explains it to the user.
    """

    reason: str
    field: str
    message: str


Decoded: TypeAlias = Annotation | Undecodable


def decode(values: Sequence[bytes | None]) -> list[Decoded]:
    """Return the decoded values in order; validates twenty at once, and one by one where any of them fails."""
    decoded: list[Decoded] = []
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        decoded += _decode_all(part) or [_decode_one(value) for value in part]
    return decoded


def _decode_all(values: Sequence[bytes | None]) -> Sequence[Annotation] | None:
    """Return the annotations in these values, decoded at once; None if any of them needs to be decoded alone."""
    complete = [value for value in values if value is not None and len(value) <= LARGEST_VALUE_BYTES]
    joined = b"[" + b",".join(complete) + b"]"
    try:
        annotations = _BATCH.validate_json(joined)
    except ValidationError:
        return None
    # One value could hold two annotations ("{…},{…}"), and a key could occur twice.
    return annotations if len(annotations) == len(values) and _no_repeated_key(joined, annotations) else None


def _decode_one(value: bytes | None) -> Decoded:
    if value is None:
        return Undecodable("null-value", "value", "the record has no value; an annotation event is wanted")
    if len(value) > LARGEST_VALUE_BYTES:
        return Undecodable(
            "too-large", "value", f"the value has {len(value)} bytes; at most {LARGEST_VALUE_BYTES} are read"
        )
    try:
        annotation = _ONE.validate_json(value)
    except ValidationError as error:
        return _explain(value, error)
    if not _no_repeated_key(value, [annotation]):
        repeated = _repeated_key(value)
        if repeated is not None:
            return Undecodable("repeated-key", repeated, f"the key '{repeated}' stands twice in one object")
    return annotation


def _no_repeated_key(raw: bytes, annotations: Sequence[Annotation]) -> bool:
    """Return whether it is certain that no object has a key twice, by counting the keys.

    Without white space each key ends in `":`, and strings that contain it only increase the count. Equal counts
    therefore prove that no key was dropped; different counts need a closer look. Pydantic silently keeps the last of
    two equal keys.
    """
    return raw.translate(None, _WHITE_SPACE).count(b'":') == sum(map(_key_count, annotations))


def _key_count(annotation: Annotation) -> int:
    item, source = annotation.item, annotation.source
    count = len(annotation.__pydantic_fields_set__) + len(item.__pydantic_fields_set__) + len(item.attributes)
    count += len(annotation.annotator.__pydantic_fields_set__)
    if source is not None:
        count += len(source.__pydantic_fields_set__)
    if item.media is not None:
        count += len(item.media.__pydantic_fields_set__)
    for label in (annotation.label, annotation.prelabel, item.gold):
        if isinstance(label, list):
            count += sum(len(part.__pydantic_fields_set__) for part in label if not isinstance(part, str))
    return count


def _repeated_key(raw: bytes) -> str | None:
    repeated: list[str] = []

    def see(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = dict(pairs)
        if len(keys) < len(pairs):
            names = [name for name, _ in pairs]
            repeated.extend(name for name in keys if names.count(name) > 1)
        return keys

    json.loads(raw, object_pairs_hook=see)
    return repeated[0] if repeated else None


def _explain(value: bytes, error: ValidationError) -> Undecodable:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"] if not str(part).startswith(_UNION_TAGS)) or "value"
    if first["type"] != "json_invalid":
        return Undecodable(f"invalid-{first['type'].replace('_', '-')}", field, f"{field}: {first['msg']}")
    try:
        value.decode()
    except UnicodeDecodeError as broken:
        return Undecodable("not-utf-8", "value", f"the value is no UTF-8 text: byte {broken.start} is wrong")
    return Undecodable("not-json", "value", f"the value is no JSON: {first['msg'].removeprefix('Invalid JSON: ')}")
