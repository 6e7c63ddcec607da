"""Recorded deliveries: files with a raw body each, or JSON that has the headers beside the body."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay_services.gateway.core.decode_result import PlatformDelivery
from assay_services.gateway.core.platforms.coercion import JsonFields, Malformed, fields, parse_object


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded delivery.

    `without_headers`: the file is nothing but a body. `rewritten`: its body was kept as a JSON value, so the bytes
    that were signed are lost.
    """

    delivery: PlatformDelivery
    without_headers: bool = False
    rewritten: bool = False


def files_of(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files, and those in the folders among them by name; hidden ones are left out."""
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
        else:
            yield path


def read_recorded(path: Path) -> Recorded:
    """Read one file. Raise OSError where it cannot be read as a file."""
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
    """Tell a recording from a bare body, which may have a field `body` of its own."""
    return isinstance(found.get("raw_body"), str) or ("body" in found and isinstance(found.get("headers"), dict))


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _written(body: object) -> bytes:
    """Write a JSON value; what cannot be written as JSON is as good as no body."""
    try:
        return json.dumps(body).encode()
    except (ValueError, RecursionError):
        return b""
