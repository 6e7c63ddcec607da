"""Decode `annotations.validated` into the fields that the consensus needs."""

from collections.abc import Mapping
from datetime import datetime

import orjson
from pydantic import AwareDatetime, TypeAdapter

from assay_schemas.annotation import microseconds
from assay_schemas.json_data import Json
from assay_services.consensus.core.item_state import IncomingAnnotation, Vote

_LIVE = {"created", "updated"}
_LARGEST_PRELABEL_BYTES = 16 * 1024
_ANY_TIME = TypeAdapter(AwareDatetime)


def decode(value: bytes | None) -> IncomingAnnotation | None:
    """Decode one validated annotation; return None for bytes that the validator would not have written.

    The validator has checked every field, so this checks only what would break the arithmetic.
    """
    try:
        verdict = orjson.loads(value or b"")
        said = verdict["annotation"]
        item, label = said["item"], said.get("label")
        occurred = microseconds(_time(said["occurred_at"]))
        live = said.get("action", "created") in _LIVE and label is not None
        prelabel = said.get("prelabel")
        copied = live and label == prelabel
        annotator = said["annotator"]
        vote = Vote(occurred, said["id"], label, copied, said.get("lead_time_seconds"), _carried(prelabel))
        return IncomingAnnotation(
            said["project"],
            item["id"],
            annotator["id"],
            annotator.get("kind", "human"),
            said["id"],
            vote if live else None,
            occurred,
            item.get("gold"),
            item.get("attributes") or {},
            len(item.get("text") or ""),
            _view(verdict.get("score"), label),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # rarer formats of a time, which the validator also accepts
        return _ANY_TIME.validate_python(text)


def _carried(prelabel: Json) -> Json:
    """Return a pre-label if it is small: whether it was copied is known, and an item stores all its annotators'."""
    is_large = isinstance(prelabel, list) and len(orjson.dumps(prelabel)) > _LARGEST_PRELABEL_BYTES
    return None if is_large else prelabel


def _view(score: Json, label: Json) -> Mapping[str, float]:
    if score is None or not isinstance(label, str | int | float):
        return {}
    return {str(label): score["label_probability"], str(score["predicted"]): score["predicted_probability"]}
