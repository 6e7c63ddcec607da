"""Decode the topics that alert rules use."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import orjson
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from assay_models.alerting.selectors import RuleInput
from assay_schemas.agreement import AgreementReading
from assay_schemas.annotation import AnnotatorId, ProjectId, microseconds
from assay_schemas.conduct import Signal
from assay_schemas.consensus import Status
from assay_schemas.json_data import Json
from assay_services.engine.core.core_api import Record

_ANY_TIME = TypeAdapter(AwareDatetime)
_LIVE = {"created", "updated"}
_OPEN = {Status.OPEN.value, Status.EMPTY.value}
_MS = 1_000
SLACK_MS = 300_000
"""How far an event's time may be after its record's time; a later time is cut off there."""


class Timed(NamedTuple):
    """One annotation or consensus event, with its project and its event time (ms since 1970)."""

    project: ProjectId
    at: int
    what: RuleInput


def judged(record: Record, *, rejected: bool) -> Timed | None:
    """Decode one validated or rejected annotation; return None for bytes that the validator would not have written.

    Only annotations with a label count: a deleted or skipped one returns None too.
    """
    try:
        verdict = orjson.loads(record.value or b"")
        said = verdict["annotation"]
        label = said.get("label")
        if said.get("action", "created") not in _LIVE or label is None:
            return None
        occurred = microseconds(_time(said["occurred_at"])) // _MS
        at = min(occurred, record.timestamp + SLACK_MS)
        score = verdict.get("score")
        seen = RuleInput(
            AnnotatorId(str(said["annotator"]["id"])),
            _labels(label),
            said["item"].get("attributes") or {},
            rejected,
            frozenset(str(found["rule"]) for found in verdict["findings"]),
            None if score is None else bool(score["below_threshold"]),
            max(0.0, (record.timestamp - occurred) / _MS),
        )
        return Timed(ProjectId(str(said["project"])), at, seen)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def decided(record: Record) -> tuple[ProjectId, int, bool] | None:
    """Decode a consensus event to project, time (ms) and whether it is disputed; None unless the item is complete."""
    try:
        said = orjson.loads(record.value or b"")
        if said["status"] in _OPEN:
            return None
        at = microseconds(_time(said["as_of"])) // _MS
        project, disputed = ProjectId(str(said["project"])), said["status"] == Status.DISPUTED.value
        return project, min(at, record.timestamp + SLACK_MS), disputed
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def agreement(record: Record) -> AgreementReading | None:
    """Decode one reading of agreement, or return None."""
    try:
        return AgreementReading.model_validate_json(record.value or b"")
    except ValidationError:
        return None


def signal(record: Record) -> Signal | None:
    """Decode one signal of the conduct service, or return None."""
    try:
        return Signal.model_validate_json(record.value or b"")
    except ValidationError:
        return None


def _labels(label: Json) -> frozenset[str]:
    if isinstance(label, list):
        return frozenset(str(one["label"] if isinstance(one, Mapping) else one) for one in label)
    return frozenset([str(label)])


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # rarer formats of a time, which the validator also accepts
        return _ANY_TIME.validate_python(text)
