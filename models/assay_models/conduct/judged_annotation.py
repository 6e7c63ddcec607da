"""One annotation beside what is known without it: what a stream takes in."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson
from pydantic import TypeAdapter

from assay_schemas.annotation import EPOCH, AnnotationId, AnnotatorId, Event, ItemId, Label, ProjectId, microseconds

_MILLION: Final = 1_000_000
_LABELS = ("label", "consensus", "gold", "model_label", "prelabel")
_SAID: TypeAdapter[dict[str, Label | None]] = TypeAdapter(dict[str, Label | None])


class JudgedAnnotation(NamedTuple):
    """One annotation as it is judged; `occurred` is in µs since 1970.

    `consensus` is the item's label by the other votes alone, and `consensus_probability` how probable that is; both
    are None with fewer than two other votes. `others` are the labels of the annotators whose annotation of the item is
    live; the annotator's own may stand among them, and is not looked at. `text_length` counts the characters of the
    item's text; None where it has none.
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
        """When it was made, in s since 1970, to the millisecond."""
        return round(self.occurred / _MILLION, 3)


def to_json(judged: JudgedAnnotation) -> str:
    """Return it as it is kept of somebody who has made few."""
    plain: dict[str, Any] = judged._asdict()
    plain["others"] = {who: label for who, label in judged.others.items() if who != judged.annotator}
    renamed = {"occurred_at" if name == "occurred" else name: value for name, value in plain.items()}
    renamed["occurred_at"] = EPOCH + timedelta(microseconds=judged.occurred)
    return orjson.dumps(renamed, default=Event.model_dump, option=orjson.OPT_UTC_Z).decode()


def from_json(text: str) -> JudgedAnnotation:
    """Take back what `to_json` gave."""
    plain = orjson.loads(text)
    occurred = microseconds(datetime.fromisoformat(plain.pop("occurred_at")))
    plain |= _SAID.validate_python({name: plain[name] for name in _LABELS})
    plain["others"] = _SAID.validate_python(plain["others"])
    return JudgedAnnotation(**plain, occurred=occurred)
