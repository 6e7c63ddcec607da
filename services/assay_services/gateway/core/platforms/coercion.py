"""Read untrusted JSON values. No function here raises on any input."""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from assay_models.rules.check import visible
from assay_schemas.annotation import MAX_ID_LENGTH, MAX_WHOLE_NUMBER

JsonFields: TypeAlias = Mapping[str, object]
_NONE: JsonFields = {}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNKNOWN = "\ufffd"
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_SECRET = re.compile(r"token|passw|secret|api_?key|credential|authoriz|signature", re.IGNORECASE)
_MOST_ATTRIBUTES = 64
_LONGEST_URI = 4_096
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a value could not be read."""

    reason: str


class _RepeatedKeyError(ValueError):
    """A key that occurs twice: parsers disagree on which one counts."""


def parse(raw: bytes | str) -> Any | Malformed:  # noqa: ANN401  # JSON of any shape
    """Parse JSON. NaN and infinity pass, because some platforms write them; they are rejected where they matter."""
    try:
        return json.loads(raw if isinstance(raw, str) else raw.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        return Malformed(f"the body is no UTF-8 text: byte {error.start} is wrong")
    except _RepeatedKeyError as error:
        return Malformed(str(error))
    except json.JSONDecodeError as error:
        return Malformed(f"the body is no JSON: {error.msg}, line {error.lineno}, character {error.colno}")
    except RecursionError:
        return Malformed("the body is no JSON that can be read: it is nested too deeply")
    except ValueError:
        return Malformed("the body is no JSON that can be read: a number in it has thousands of digits")


def parse_object(raw: bytes | str) -> JsonFields | Malformed:
    """Parse a JSON object."""
    body = parse(raw)
    if isinstance(body, Malformed | dict):
        return body
    return Malformed(f"the body is {kind_of(body)}; a JSON object is wanted")


def parse_rows(raw: bytes) -> list[object] | Malformed:
    """Parse a JSON list, one JSON object, or JSON Lines; an empty body has no rows."""
    whole = parse(raw)
    if not isinstance(whole, Malformed):
        return whole if isinstance(whole, list) else [whole]
    lines = [line for line in raw.splitlines() if line.strip()]
    if len(lines) == 1:
        return whole
    return [parse(line) for line in lines]


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated = next(name for name, count in counts.items() if count > 1)
        raise _RepeatedKeyError(f"the body is ambiguous: the key {quoted(repeated)} stands twice in one object")
    return found


def kind_of(value: object) -> str:
    """Return the type of a JSON value in words."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def quoted(value: object) -> str:
    """Return a value quoted for a reason: short, and without invisible characters."""
    return f"'{visible(_LONE_SURROGATES.sub(_UNKNOWN, value[:_SHOWN]))}'" if isinstance(value, str) else kind_of(value)


def fields(value: object) -> JsonFields:
    """Return an object's fields; an empty dict if the value is not an object."""
    return value if isinstance(value, dict) else _NONE


def listing(value: object) -> Sequence[object]:
    """Return a list's members; an empty list if the value is not a list."""
    return value if isinstance(value, list) else ()


def at(value: object, path: str) -> object:
    """Return the value at a dotted path, or None."""
    for step in path.split("."):
        value = fields(value).get(step)
    return value


def identifier(value: object) -> str | None:
    """Return an id as text; platforms use texts or whole numbers. None for anything else."""
    if isinstance(value, str) and _is_short_text(value):
        return value
    return None if whole(value) is None else str(value)


def text_or_empty(value: object) -> str:
    """Return a text, or '' for anything else: for lookups, where the value must be hashable."""
    return value if isinstance(value, str) else ""


def text(value: object) -> str | None:
    """Return a text that UTF-8 can encode: lone surrogates become U+FFFD. None if the value is not a text."""
    return _LONE_SURROGATES.sub(_UNKNOWN, value) if isinstance(value, str) else None


def number(value: object) -> float | None:
    """Return a finite number, or None."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def whole(value: object) -> int | None:
    """Return an integer, or None."""
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_WHOLE_NUMBER
    return value if is_whole and isinstance(value, int) else None


def moment(value: object) -> datetime | None:
    """Parse a time; without a zone it is UTC, as on all these platforms. None if it is malformed."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment_of_seconds(value: object) -> datetime | None:
    """Return a time given in seconds since 1970, or None."""
    seconds = number(value)
    try:
        return None if seconds is None else _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds between two times, or None if one is missing."""
    return None if start is None or end is None else (end - start).total_seconds()


def attributes(*sources: JsonFields, chosen: Sequence[str] | None, used: Sequence[str | None] = ()) -> dict[str, str]:
    """Return the short values of some fields as attributes; of equal names, the later source wins.

    Excluded are fields used elsewhere, fields that Assay wrote back (`assay…`), and fields named like a secret.
    """
    found: dict[str, str] = {}
    for name, value in (pair for source in sources for pair in source.items()):
        if name in used or name.startswith("assay") or _SECRET.search(name) or not _is_short_text(name):
            continue
        short = _short(value)
        if short is not None and (chosen is None or name in chosen):
            found[name] = short
    return dict(list(found.items())[:_MOST_ATTRIBUTES])


def _short(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _is_short_text(value) else None
    return str(value) if number(value) is not None and len(str(value)) <= MAX_ID_LENGTH else None


def _is_short_text(value: str) -> bool:
    return 0 < len(value) <= MAX_ID_LENGTH and not _LONE_SURROGATES.search(value)


def media(uri: object, *, width: object = None, height: object = None) -> JsonFields | None:
    """Return the address of an item's image without any password or signature, and its size."""
    if not isinstance(uri, str) or not uri or _LONE_SURROGATES.search(uri) or uri.startswith("data:"):
        return None
    public = _public(uri)
    if public is None or len(public) > _LONGEST_URI:
        return None
    sizes = {"width": whole(width), "height": whole(height)}
    return {"uri": public} | {name: size if size is not None and size > 0 else None for name, size in sizes.items()}


def _public(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    signed = any(_SECRET.search(pair.partition("=")[0]) for pair in parts.query.split("&"))
    if "@" not in parts.netloc and not signed:
        return uri
    kept = "&".join(pair for pair in parts.query.split("&") if not _SECRET.search(pair.partition("=")[0]))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=kept))
