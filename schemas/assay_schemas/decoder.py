"""From bytes to annotations: a whole batch at once, and a plain reason for what is none."""

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
    """Bytes that are no annotation. `reason` is a short code, `field` where it lies, `message` says what to do."""

    reason: str
    field: str
    message: str


Decoded: TypeAlias = Annotation | Undecodable


def decode(values: Sequence[bytes | None]) -> list[Decoded]:
    """Decode a batch: twenty at once where all is well, one by one where something is not."""
    decoded: list[Decoded] = []
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        decoded += _decode_all(part) or [_decode_one(value) for value in part]
    return decoded


def _decode_all(values: Sequence[bytes | None]) -> Sequence[Annotation] | None:
    """Decode many at once; None where any of them needs a closer look."""
    whole = [value for value in values if value is not None and len(value) <= LARGEST_VALUE_BYTES]
    joined = b"[" + b",".join(whole) + b"]"
    try:
        found = _BATCH.validate_json(joined)
    except ValidationError:
        return None
    # One value could hold two annotations ("{…},{…}"), and a key could stand twice.
    return found if len(found) == len(values) and _no_repeated_key(joined, found) else None


def _decode_one(value: bytes | None) -> Decoded:
    if value is None:
        return Undecodable("null-value", "value", "the record has no value; an annotation event is wanted")
    if len(value) > LARGEST_VALUE_BYTES:
        return Undecodable(
            "too-large", "value", f"the value has {len(value)} bytes; at most {LARGEST_VALUE_BYTES} are read"
        )
    try:
        found = _ONE.validate_json(value)
    except ValidationError as error:
        return _explain(value, error)
    if not _no_repeated_key(value, [found]):
        repeated = _repeated_key(value)
        if repeated is not None:
            return Undecodable("repeated-key", repeated, f"the key '{repeated}' stands twice in one object")
    return found


def _no_repeated_key(raw: bytes, found: Sequence[Annotation]) -> bool:
    """Tell whether surely no object has a key twice, by counting.

    Without white space each key ends in `":`, and inside strings such a pair can only add to the count. So equal
    counts mean that no key was lost; anything else needs a closer look. Pydantic keeps the last of two equal keys and
    does not say so.
    """
    return raw.translate(None, _WHITE_SPACE).count(b'":') == sum(map(_key_count, found))


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
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            repeated.extend(name for name in found if names.count(name) > 1)
        return found

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
