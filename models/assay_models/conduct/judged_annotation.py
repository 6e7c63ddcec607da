"""The input of a conduct stream: one annotation with the consensus of the other annotators."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson
from pydantic import TypeAdapter

from assay_schemas.annotation import EPOCH, AnnotationId, AnnotatorId, Event, ItemId, Label, ProjectId, microseconds

_MILLION: Final = 1_000_000
_LABELS = ("label", "consensus", "gold", "model_label", "prelabel")
_LABEL_FIELDS: TypeAdapter[dict[str, Label | None]] = TypeAdapter(dict[str, Label | None])


class JudgedAnnotation(NamedTuple):
    """One annotation with what it is compared with. `occurred` is in µs since 1970.

    `consensus` is the item's label from the other votes alone, and `consensus_probability` its probability (0-1); both
    are None with fewer than two other votes. `others` are the labels of all annotators with a live annotation of the
    item; the annotator's own entry, if present, is ignored. `text_length` is the number of characters of the item's
    text, None without text.
    """

    project: ProjectId
    item: ItemId
    annotator: AnnotatorId
    annotation: AnnotationId
    label: Label
    occurred: int
    lead_time_seconds: float | None = None
    text_length: int | None = None
    consensus: Label | None = None
    consensus_probability: float | None = None
    gold: Label | None = None
    model_label: Label | None = None
    prelabel: Label | None = None
    attributes: Mapping[str, str] = {}
    others: Mapping[AnnotatorId, Label] = {}

    @property
    def at(self) -> float:
        """When it was made, in s since 1970, rounded to milliseconds."""
        return round(self.occurred / _MILLION, 3)


def to_json(judged: JudgedAnnotation) -> str:
    """Return the annotation as JSON text, the format in which newcomers' annotations are stored."""
    plain: dict[str, Any] = judged._asdict()
    plain["others"] = {who: label for who, label in judged.others.items() if who != judged.annotator}
    renamed = {"occurred_at" if name == "occurred" else name: value for name, value in plain.items()}
    renamed["occurred_at"] = EPOCH + timedelta(microseconds=judged.occurred)
    return orjson.dumps(renamed, default=Event.model_dump, option=orjson.OPT_UTC_Z).decode()


def from_json(text: str) -> JudgedAnnotation:
    """Return the annotation that `to_json` described."""
    plain = orjson.loads(text)
    occurred = microseconds(datetime.fromisoformat(plain.pop("occurred_at")))
    plain |= _LABEL_FIELDS.validate_python({name: plain[name] for name in _LABELS})
    plain["others"] = _LABEL_FIELDS.validate_python(plain["others"])
    return JudgedAnnotation(**plain, occurred=occurred)
