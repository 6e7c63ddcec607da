"""Agreement events: readings of a coefficient over a window, and the counts that partitions exchange."""

from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from assay_schemas.annotation import AnnotatorId, Event, ProjectId


class AgreementReading(Event):
    """One coefficient over one window of event time.

    `value` is None where it is not defined (nothing to pair, one label only); `low` and `high` bound it with 95 %
    confidence. `items` is how many items could be paired. `scope` says of what: `{}` is all, `{"label": …}` one
    label against the others, `{"attribute": …, "value": …}` items with it, `{"annotators": "a|b"}` a pair.
    """

    project: ProjectId
    coefficient: str
    value: float | None
    low: float | None
    high: float | None
    items: Annotated[int, Field(ge=0)]
    annotators: Annotated[int, Field(ge=0)]
    window: str
    window_start: AwareDatetime
    window_end: AwareDatetime
    scope: dict[str, str]
    as_of: AwareDatetime


class PaneCounts(Event):
    """What one partition has counted in one pane of event time: cumulative, so that a repeat overwrites.

    `patterns` has what items say (how many annotators gave which value) and how many items say it, `annotators` how
    many items each has a label in, `pairs` what two annotators said of the same item, and how often.
    """

    patterns: list[Any]
    annotators: dict[AnnotatorId, int]
    pairs: list[Any]
