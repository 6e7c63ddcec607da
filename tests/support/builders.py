"""Valid objects, changed as asked: `an_annotation(label="scam")`.

Changes are raw input, as a platform or a contract file gives it, so builders also show what is refused.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from assay_models.consistency.label_score import Score
from assay_models.rules.check import Circumstances
from assay_schemas.annotation import Annotation, microseconds
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.json_data import Json

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LABELS: dict[str, dict[str, Any]] = {
    "categorical": {"kind": "categorical", "values": ["safe", "adult", "scam"]},
    "multilabel": {"kind": "multilabel", "values": ["safe", "adult", "scam"], "max_count": 2},
    "ordinal": {"kind": "ordinal", "low": 1, "high": 5},
    "pairwise": {"kind": "pairwise"},
    "spans": {"kind": "spans", "values": ["person", "place"]},
    "boxes": {"kind": "boxes", "values": ["car", "bike"]},
}
"""A label kind of each sort, as a contract file has it."""
GOOD: dict[str, Any] = {
    "categorical": "safe",
    "multilabel": ["safe", "scam"],
    "ordinal": 4,
    "pairwise": "left",
    "spans": [{"start": 0, "end": 4, "label": "person"}],
    "boxes": [{"x": 1, "y": 1, "width": 5, "height": 5, "label": "car"}],
}
"""A label of each kind that nothing is wrong with."""


def an_item(**changes: Json) -> dict[str, Json]:
    """Return a raw item: a short text without media or gold."""
    return {
        "id": "i-204",
        "text": "Anna lives in Rome and sells lamps",
        "attributes": {"market": "BR"},
    } | changes


def annotation_input(**changes: Json) -> dict[str, Json]:
    """Return the raw input of an annotation that no default rule objects to."""
    plain = {
        "id": "an-881",
        "project": "ads-safety",
        "item": an_item(),
        "annotator": {"id": "a17"},
        "label": "safe",
        "occurred_at": (NOW - timedelta(minutes=1)).isoformat(),
        "lead_time_seconds": 12.5,
    }
    return plain | changes


def an_annotation(**changes: Json) -> Annotation:
    """Return an annotation that no default rule objects to."""
    return Annotation.model_validate(annotation_input(**changes))


def contract_input(kind: str = "categorical", /, **changes: Json) -> dict[str, Json]:
    """Return the raw input of a contract with labels of this kind; `label` may change the kind's options."""
    plain = {"project": "ads-safety", "version": 7}
    return plain | changes | {"label": LABELS[kind] | changes.get("label", {})}


def a_contract(kind: str = "categorical", /, **changes: Json) -> LabelContract:
    """Return a contract without rules of its own, with labels of this kind."""
    return LabelContract.model_validate(contract_input(kind, **changes))


def a_score(**changes: Json) -> Score:
    """Return what a model says of a label that it finds improbable."""
    return Score(0.012, "scam", 0.9, below_threshold=True)._replace(**changes)


def circumstances(annotation: Annotation, *, score: Score | None = None) -> Circumstances:
    """Return what a check knows beside the annotation."""
    return Circumstances(microseconds(NOW), microseconds(annotation.occurred_at), score)
