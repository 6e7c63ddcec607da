"""The annotation event: one annotator's label for one item, as published on the topic `annotations`."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, NewType, TypeAlias

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
)
from pydantic_core import PydanticCustomError

from assay_schemas.record_key import plain_key, record_key

MAX_ID_LENGTH = 256
MAX_TEXT_LENGTH = 500_000
MAX_PARTS = 1_000
"""Limit on the labels, spans, boxes or features of one annotation."""
MAX_WHOLE_NUMBER = 2**53
"""Beyond this absolute value, JSON parsers disagree on whole numbers."""

ProjectId = NewType("ProjectId", str)
ItemId = NewType("ItemId", str)
AnnotatorId = NewType("AnnotatorId", str)
AnnotationId = NewType("AnnotationId", str)

ALL_PROJECTS = ProjectId("")
"""Stands for every project, where a project limits something: a search, a silence, a person's order."""

_ID_TEXT = Field(min_length=1, max_length=MAX_ID_LENGTH)
_Word: TypeAlias = Annotated[StrictStr, Field(max_length=MAX_ID_LENGTH)]
_Whole: TypeAlias = Annotated[StrictInt, Field(ge=-MAX_WHOLE_NUMBER, le=MAX_WHOLE_NUMBER)]
_Pixels: TypeAlias = Annotated[StrictInt, Field(gt=0, le=MAX_WHOLE_NUMBER)]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Return a time as whole µs since 1970, which is compared ten times as fast as a datetime with a zone."""
    return (moment - EPOCH) // _MICROSECOND


def _written_time(value: object) -> object:
    """Reject bare numbers, because pydantic would guess whether they are seconds or milliseconds."""
    if isinstance(value, datetime) or (isinstance(value, str) and value[4:5] == "-"):
        return value
    raise PydanticCustomError("time_format", "a time is written like this: 2026-11-24T12:00:00Z")


_Time: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_written_time)]


class Event(BaseModel):
    """The base of all values on topics: frozen, without unknown fields, without NaN or infinity.

    The length limit on texts has a side effect: pydantic then also rejects lone surrogates, which UTF-8 cannot encode.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, str_max_length=MAX_TEXT_LENGTH, defer_build=True
    )


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

    start: _Whole
    end: _Whole
    label: _Word


class Box(Event):
    """A labelled, upright rectangle on the item's image; pixels from the top left corner."""

    x: StrictFloat
    y: StrictFloat
    width: StrictFloat
    height: StrictFloat
    label: _Word


Label: TypeAlias = (
    _Word
    | _Whole
    | StrictFloat
    | Annotated[list[_Word], Field(max_length=MAX_PARTS)]
    | Annotated[list[Span], Field(max_length=MAX_PARTS)]
    | Annotated[list[Box], Field(max_length=MAX_PARTS)]
)
"""A text, a number, or a list of texts, spans or boxes; the project's contract defines which."""


class Media(Event):
    """Where the item's image, sound or film lies, and its size in pixels where it has one."""

    uri: Annotated[str, Field(max_length=4_096)]
    width: _Pixels | None = None
    height: _Pixels | None = None


class Item(Event):
    """What is labelled."""

    id: Annotated[ItemId, _ID_TEXT]
    text: Annotated[str, Field(max_length=MAX_TEXT_LENGTH)] | None = None
    features: Annotated[list[StrictFloat], Field(max_length=MAX_PARTS)] | None = None
    media: Media | None = None
    gold: Label | None = None
    attributes: dict[str, str] = {}


class Annotator(Event):
    """Who labels."""

    id: Annotated[AnnotatorId, _ID_TEXT]
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

    id: Annotated[AnnotationId, _ID_TEXT]
    action: Action = Action.CREATED
    project: Annotated[ProjectId, _ID_TEXT]
    item: Item
    annotator: Annotator
    label: Label | None = None
    prelabel: Label | None = None
    occurred_at: _Time
    created_at: _Time | None = None
    lead_time_seconds: StrictFloat | None = None
    source: Source | None = None

    @property
    def key(self) -> bytes:
        """The Kafka key that all topics about this item share: `project:item`, see `record_key`."""
        return record_key(self.project, self.item.id)

    @property
    def partition_key(self) -> bytes:
        """The Kafka key with which the annotation itself is sent; it chooses the partition."""
        return plain_key(self.project, self.item.id)
