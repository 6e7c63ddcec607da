"""Judged annotations, changed as asked, and streams that were told of some."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from assay_models.conduct.detectors import Features
from assay_models.conduct.judged_annotation import JudgedAnnotation
from assay_models.conduct.stream import POOL, ConductStream
from assay_schemas.annotation import microseconds
from assay_schemas.conduct import Signal
from assay_schemas.json_data import Json
from tests.support.builders import a_contract

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
LABELS = ("safe", "adult", "violence", "scam")
CONTRACT = a_contract(label={"values": list(LABELS)})


def a_judged(number: int = 0, **changes: Json) -> JudgedAnnotation:
    """Return the how many-th annotation of a17: right, three minutes after the one before."""
    plain: dict[str, Any] = {
        "project": "ads-safety",
        "item": f"i{number}",
        "annotator": "a17",
        "annotation": f"an{number}",
        "label": LABELS[number % 4],
        "occurred_at": START + timedelta(minutes=3 * number, seconds=number * number % 50),
        "lead_time_seconds": 8.0 + number * 7 % 13,
        "text_length": 120,
        "consensus": LABELS[number % 4],
        "consensus_probability": 0.96,
    }
    plain |= changes
    occurred = microseconds(plain.pop("occurred_at"))
    return JudgedAnnotation(**plain, occurred=occurred)


def a_look(**changes: Any) -> Features:  # noqa: ANN401  # any field
    """Return a look at a right annotation of an ordinary annotator."""
    plain: dict[str, Any] = {
        "at": 0.0,
        "label": "safe",
        "truth": "safe",
        "agrees": True,
        "chance": 0.25,
        "pool": 0.85,
        "expected": 0.8,
    }
    return Features(**(plain | changes))


def put_all(stream: ConductStream, judged: Iterable[JudgedAnnotation]) -> list[Signal]:
    """Put them all; return what was said."""
    return [signal for one in judged for signal in stream.put(one)]


def a_copy(stream: ConductStream) -> ConductStream:
    """Return a stream made from what the other one dumps, through JSON."""
    fresh = ConductStream(CONTRACT)
    names = [POOL, *(name for name in stream.changed() if name != POOL)]
    for name in names:
        fresh.load(name, orjson.loads(orjson.dumps(stream.dump(name))))
    return fresh
