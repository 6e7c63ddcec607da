"""Build the records that services publish: JSON with CloudEvents headers, and ISO 8601 times."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from assay_services.engine.core.core_api import Headers, Output

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION, _CONTENT = ("ce_specversion", b"1.0"), ("content-type", b"application/json")


def event(
    topic: str, key: bytes, value: Mapping[str, Any], *, kind: str, source: str, event_id: str | None = None
) -> Output:
    """Return a record with CloudEvents headers. Its id is a hash of its content, so the same fact has the same id.

    `event_id` overrides it where the value's own `id` names something that is published more than once.
    """
    raw = orjson.dumps(value, option=orjson.OPT_UTC_Z)
    made = event_id or value.get("id") or blake2b(raw, digest_size=12).hexdigest()
    time = str(value["as_of"] if "as_of" in value else value["at"])
    what, who = _named(kind, source)
    headers: Headers = [_VERSION, ("ce_id", str(made).encode()), what, who, ("ce_time", time.encode()), _CONTENT]
    return Output(topic, key, raw, headers)


@lru_cache(maxsize=64)
def _named(kind: str, source: str) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Return the headers `ce_type` and `ce_source`."""
    return ("ce_type", b"assay." + kind.encode()), ("ce_source", b"assay/" + source.encode())


@lru_cache(maxsize=64)  # all events of a batch have the same time
def iso(now: int) -> str:
    """Return ms since 1970 as an ISO 8601 time in UTC."""
    moment = _EPOCH + timedelta(milliseconds=now)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
