"""One annotator's label for one item, as it travels on the topic `annotations`."""

from enum import StrEnum
from typing import Annotated, NewType, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr

MAX_ID_LENGTH = 256
MAX_TEXT_LENGTH = 500_000
MAX_PARTS = 1_000
"""The most labels, spans, boxes or features that one annotation may carry."""

ProjectId = NewType("ProjectId", str)
ItemId = NewType("ItemId", str)
AnnotatorId = NewType("AnnotatorId", str)
AnnotationId = NewType("AnnotationId", str)

_IdText: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]
_Word: TypeAlias = Annotated[StrictStr, Field(max_length=MAX_ID_LENGTH)]


class Event(BaseModel):
    """What every value on a topic is: frozen, without unknown fields, without NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Action(StrEnum):
    """What the annotator did."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    SKIPPED = "skipped"


class AnnotatorKind(StrEnum):
    """Who labelled: a person, a model, or a person whose word settles disputes."""

    HUMAN = "human"
    MODEL = "model"
    ADJUDICATOR = "adjudicator"


class Span(Event):
    """A labelled stretch of the item's text; offsets in code points, `end` exclusive."""

    start: StrictInt
    end: StrictInt
    label: _Word


class Box(Event):
    """A labelled, upright rectangle on the item's image; pixels from the top left corner."""

    x: float
    y: float
    width: float
    height: float
    label: _Word


Label: TypeAlias = (
    _Word
    | StrictInt
    | StrictFloat
    | Annotated[list[_Word], Field(max_length=MAX_PARTS)]
    | Annotated[list[Span], Field(max_length=MAX_PARTS)]
    | Annotated[list[Box], Field(max_length=MAX_PARTS)]
)
"""Text, a number, texts, spans or boxes; the project's contract says which."""


class Media(Event):
    """Where the item's image, sound or film lies, and its size in pixels where it has one."""

    uri: Annotated[str, Field(max_length=4_096)]
    width: Annotated[int, Field(gt=0)] | None = None
    height: Annotated[int, Field(gt=0)] | None = None


class Item(Event):
    """What is labelled."""

    id: Annotated[ItemId, _IdText]
    text: Annotated[str, Field(max_length=MAX_TEXT_LENGTH)] | None = None
    features: Annotated[list[float], Field(max_length=MAX_PARTS)] | None = None
    media: Media | None = None
    gold: Label | None = None
    attributes: dict[str, str] = {}


class Annotator(Event):
    """Who labels."""

    id: Annotated[AnnotatorId, _IdText]
    kind: AnnotatorKind = AnnotatorKind.HUMAN


class Source(Event):
    """Where the annotation comes from."""

    platform: str
    project: str | None = None
    annotation: str | None = None


class Annotation(Event):
    """One annotator's label for one item at one moment.

    `occurred_at` is when the platform says this state was made: the newest wins, whatever the
    order of arrival. `label` is None only where there is nothing to say (skipped, deleted).
    """

    id: Annotated[AnnotationId, _IdText]
    action: Action = Action.CREATED
    project: Annotated[ProjectId, _IdText]
    item: Item
    annotator: Annotator
    label: Label | None = None
    prelabel: Label | None = None
    occurred_at: AwareDatetime
    created_at: AwareDatetime | None = None
    lead_time_seconds: float | None = None
    source: Source | None = None

    @property
    def key(self) -> bytes:
        """Return the Kafka key that all topics about this item share: `project:item`."""
        return f"{self.project}:{self.item.id}".encode()
