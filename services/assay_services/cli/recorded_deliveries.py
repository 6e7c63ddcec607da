"""Recorded deliveries: files with one raw body each, or JSON files with the headers beside the body."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay_services.gateway.core.decode_result import PlatformDelivery
from assay_services.gateway.core.platforms.coercion import JsonFields, Malformed, fields, parse_object


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded delivery.

    `without_headers`: the file contains only a body. `rewritten`: the body was stored as a JSON value, so the bytes
    that were signed are lost.
    """

    delivery: PlatformDelivery
    without_headers: bool = False
    rewritten: bool = False


def files_of(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files, and the files in the folders in order of their names; hidden files are left out."""
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
        else:
            yield path


def read_recorded(path: Path) -> Recorded:
    """Read one file. Raise OSError if it cannot be read."""
    raw = path.read_bytes()
    envelope = parse_object(raw)
    if isinstance(envelope, Malformed) or not _is_envelope(envelope):
        return Recorded(PlatformDelivery(raw), without_headers=True)
    headers = {name.lower(): _text(value) for name, value in fields(envelope.get("headers")).items()}
    body = envelope.get("raw_body", envelope.get("body"))
    if isinstance(body, str):
        return Recorded(PlatformDelivery(body.encode(errors="surrogatepass"), headers))
    return Recorded(PlatformDelivery(_written(body), headers), rewritten=True)


def _is_envelope(found: JsonFields) -> bool:
    """Return whether this is a recording, and not a bare body with a field named `body`."""
    return isinstance(found.get("raw_body"), str) or ("body" in found and isinstance(found.get("headers"), dict))


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _written(body: object) -> bytes:
    """Serialise a JSON value; return an empty body for what JSON cannot represent."""
    try:
        return json.dumps(body).encode()
    except (ValueError, RecursionError):
        return b""
