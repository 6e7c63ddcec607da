"""Records as the archive reads them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from assay_schemas.json_data import Json
from assay_schemas.topics import VALIDATED
from assay_services.archive.core.plan import Fetched
from tests.support.builders import NOW, annotation_input

NOW_MS = int(NOW.timestamp() * 1_000)

ALERT_VALUE: dict[str, Any] = {
    "id": "f1",
    "transition": "f1-1",
    "project": "ads-safety",
    "rule": "conduct",
    "state": "acknowledged",
    "was": "firing",
    "at": "2026-11-24T12:00:00Z",
    "since": "2026-11-24T11:00:00Z",
    "severity": "critical",
    "value": 812.5,
    "threshold": None,
    "labels": {"annotator": "a17", "peer": "a18"},
    "summary": "a17: copying with a18",
    "runbook": None,
    "by": "lea",
    "why": "looking",
    "silenced_by": [],
    "inhibited_by": [],
    "flapping": False,
    "evidence": {"counts": {}},
}


class Came(NamedTuple):
    """One record."""

    offset: int
    value: bytes | None
    key: bytes | None = b"ads-safety:i-204"
    timestamp: int = NOW_MS
    headers: Sequence[tuple[str, bytes | None]] = ()


def verdict_value(**changes: Json) -> bytes:
    """Return a verdict without findings; changes are the annotation's."""
    annotation = annotation_input(**changes)
    return orjson.dumps({"annotation": annotation, "findings": [], "score": None, "contract_version": 7})


def fetched(*records: Came, topic: str = VALIDATED.name, partition: int = 0, position: int | None = None) -> Fetched:
    """Return records as they were fetched, from the first one's offset unless told otherwise."""
    return Fetched(topic, partition, records[0].offset if position is None else position, records)
