"""Alert events: state transitions, and the observations and orders that alert rules are evaluated on."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from assay_schemas.alert_rule import Severity
from assay_schemas.annotation import Event, ProjectId


class AlertState(StrEnum):
    """How far an alert has come.

    pending: its condition holds, but not long enough yet. firing: people are told. acknowledged: somebody has said that
    they look at it. resolved: the condition has ceased to hold.
    """

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Alert(Event):
    """One transition of an alert.

    `id` is the alert's: the same for the same project, rule and labels, whenever it comes. `transition` is this
    record's. `was` is the state before, None where there was none; a firing alert that says `firing` again has ceased
    to be silenced or inhibited. `at` is event time, `since` when the condition began to hold. `value` is what was read
    last (None: nothing could be), `threshold` what it was compared with. `labels` tell alerts of one rule apart, and
    carry what the rule adds. `by` and `why` are of whoever acknowledged it. `silenced_by` has the ids of silences,
    `inhibited_by` the rules whose alerts make this one redundant; where either is not empty, nobody is told.
    `flapping`: it came and went so often that it resolves only after an hour's quiet.
    """

    id: str
    transition: str
    project: ProjectId
    rule: str
    state: AlertState
    was: AlertState | None
    at: AwareDatetime
    since: AwareDatetime
    severity: Severity
    value: float | None
    threshold: float | None
    labels: dict[str, str]
    summary: str
    runbook: str | None
    by: str | None
    why: str | None
    silenced_by: list[str]
    inhibited_by: list[str]
    flapping: bool
    evidence: dict[str, Any]


class Tally(Event):
    """How many annotations of one minute (since 1970) a rule counts, and of how many; or seconds, and of how many."""

    rule: str
    labels: dict[str, str]
    minute: int
    hits: float
    total: Annotated[int, Field(ge=0)]


class Gauge(Event):
    """One reading that a rule looks at, `at` ms of event time."""

    rule: str
    labels: dict[str, str]
    at: int
    value: float | None
    low: float | None
    high: float | None
    count: int


class Occurrence(Event):
    """That something has begun (`holds`) or ended, `at` ms of event time: a signal."""

    rule: str
    labels: dict[str, str]
    at: int
    holds: bool
    value: float
    evidence: dict[str, Any]


class OrderKind(StrEnum):
    """What a person asks for."""

    ACKNOWLEDGE = "acknowledge"
    SILENCE = "silence"
    UNSILENCE = "unsilence"


class Order(Event):
    """What a person asks for. `subject` is the alert's or the silence's id.

    A silence has `matchers` (all must match a label, `rule` or `severity`) and ends at `until` (ms).
    """

    kind: OrderKind
    subject: str
    by: str
    why: str
    matchers: dict[str, str] = {}
    until: int = 0


class Observation(Event):
    """What the rules of one project are to be judged by: everything that one batch of a source came to.

    `source` says which topic and partition, `newest` (ms of event time) how far that has come; 0 where it says nothing
    of time. An order about all projects has an empty `project`.
    """

    project: ProjectId
    source: str
    newest: int = 0
    tallies: list[Tally] = []
    gauges: list[Gauge] = []
    occurrences: list[Occurrence] = []
    orders: list[Order] = []
