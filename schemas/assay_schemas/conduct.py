"""Conduct events: signals about annotators, and reports on them."""

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from assay_schemas.annotation import AnnotationId, AnnotatorId, Event, ItemId, ProjectId

_Share = Annotated[float, Field(ge=0, le=1)]


class Detector(StrEnum):
    """What is looked for.

    accuracy-drop: right less often than before. guessing: labels that do not depend on the item. pattern: the same
    label, or the same few labels in turn, whatever the item. too-fast: faster than nearly all others on items of that
    length. label-shift: one label said far more often in error than before. copying: two annotators share more than
    their knowledge explains, errors above all. bot-timing: times more regular than people's. fatigue: right less often
    late in a session than early.
    """

    ACCURACY_DROP = "accuracy-drop"
    GUESSING = "guessing"
    PATTERN = "pattern"
    TOO_FAST = "too-fast"
    LABEL_SHIFT = "label-shift"
    COPYING = "copying"
    BOT_TIMING = "bot-timing"
    FATIGUE = "fatigue"


class SignalState(StrEnum):
    """raised: it has begun. withdrawn: later annotations speak against it, as strongly."""

    RAISED = "raised"
    WITHDRAWN = "withdrawn"


class TellingItem(Event):
    """One annotation that speaks for a signal. Labels are as they were compared: text, long ones shortened."""

    item: ItemId
    annotation: AnnotationId
    label: str
    consensus: str | None
    gold: str | None
    at: AwareDatetime


class Evidence(Event):
    """What a signal rests on.

    `counts` are of the annotations since the change, as far as they are remembered. `comparison` sets the annotator
    beside the pool, and beside themselves before. `items` are the most telling ones, at most ten.
    """

    counts: dict[str, float]
    comparison: dict[str, float]
    items: Annotated[list[TellingItem], Field(max_length=10)]


class Signal(Event):
    """A statistical detection about an annotator.

    `since` is when it probably began (the most likely time, and the earliest and latest that are nearly as likely).
    `e_value` is the strength of the evidence, capped at a trillion; it was raised because that reached
    1 / `false_alarm_level`, where `false_alarm_level` is how many such signals to expect per week of an annotator who
    does nothing wrong. `false_discovery_level` is the share of false ones to expect if all annotators with as much
    evidence at that moment were called out (e-BH); above 1 is written as 1. `peer`: the other of a pair.
    """

    id: str
    project: ProjectId
    annotator: AnnotatorId
    detector: Detector
    peer: AnnotatorId | None
    state: SignalState
    since: AwareDatetime
    since_low: AwareDatetime
    since_high: AwareDatetime
    at: AwareDatetime
    e_value: Annotated[float, Field(ge=0)]
    false_alarm_level: _Share
    false_discovery_level: _Share
    evidence: Evidence


class Rate(Event):
    """A share of so many cases, with its 95 % interval."""

    value: _Share
    low: _Share
    high: _Share
    count: int


class LabelUse(Event):
    """How often a label was said, and how often it was to be expected by the consensus of the same items."""

    said_share: _Share
    expected_share: _Share


class PeerAgreement(Event):
    """How often two annotators said the same of the items both saw."""

    peer: AnnotatorId
    common: int
    agreement: Rate
    same_errors: int


class Speed(Event):
    """Seconds per annotation: quantiles, right to a tenth; and characters of text read per second."""

    fastest_tenth_seconds: float
    median_seconds: float
    slowest_tenth_seconds: float
    characters_per_second: float | None


class Activity(Event):
    """When somebody works, in UTC. A session ends with half an hour's silence."""

    first_at: AwareDatetime
    last_at: AwareDatetime
    sessions: int
    session_hours: float
    by_hour: Annotated[list[int], Field(min_length=24, max_length=24)]


class TrendPoint(Event):
    """One day: annotations that could be compared, how many agreed, and how many would have by the pool's habit."""

    day: str
    compared: int
    agreed: int
    expected: float


class ConductReport(Event):
    """How one annotator works, from the time this one is remembered.

    `against_gold`, `against_consensus` and `against_model` (the consistency model's label) are None while nothing could
    be compared. `spammer_score` is 1 for labels
    that follow the items perfectly and 0 for labels that do not depend on them (Raykar & Yu 2012), over about the last
    month; None while fewer than two labels have been the right one often enough. `peers` holds the five that agree
    most and the five that agree least. `prelabels_kept` is the share of shown prelabels that stayed. `repeats_same`
    is the share of items labelled again soon that got the same label.
    """

    project: ProjectId
    annotator: AnnotatorId
    as_of: AwareDatetime
    annotations: int
    against_gold: Rate | None
    against_consensus: Rate | None
    against_model: Rate | None
    confusion: dict[str, dict[str, float]]
    labels: dict[str, LabelUse]
    peers: list[PeerAgreement]
    speed: Speed | None
    activity: Activity
    prelabels_kept: Rate | None
    repeats_same: Rate | None
    spammer_score: _Share | None
    trend: list[TrendPoint]
    standing: list[Detector]
