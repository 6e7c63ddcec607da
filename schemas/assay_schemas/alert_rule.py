"""Alert rules: the entries under `alerts` in a contract."""

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from assay_schemas.annotation import Event
from assay_schemas.conduct import Detector

EACH = "*"
"""As a label, an attribute value or an annotator: one alert for each of them."""

Duration: TypeAlias = Annotated[str, Field(pattern=r"^(0m|[1-9]\d{0,3}[mhd])$")]
_Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=256)]


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Metric(StrEnum):
    """What a rule looks at.

    agreement: a reading of agreement. rejection-share: the share of annotations that were rejected. label-share: the
    share that has a label. model-disagreement: the share, of those the model could score, whose label it finds
    improbable. finding-rate: the share with a finding of one rule. lag: seconds from an annotation's own time to its
    verdict, on average. review-share: the share of what was said of complete items that called them disputed. signal: a
    statistical detection about an annotator.
    """

    AGREEMENT = "agreement"
    REJECTION_SHARE = "rejection-share"
    LABEL_SHARE = "label-share"
    MODEL_DISAGREEMENT = "model-disagreement"
    FINDING_RATE = "finding-rate"
    LAG = "lag"
    REVIEW_SHARE = "review-share"
    SIGNAL = "signal"


class AlertScope(Event):
    """Of what, and over which window. `*` for label, value or annotator makes one alert for each of them."""

    label: _Name | None = None
    attribute: _Name | None = None
    value: _Name | None = None
    annotator: _Name | None = None
    rule: _Name | None = None
    detector: Detector | None = None
    window: Annotated[str, Field(pattern=r"^[1-9]\d{0,3}[mhd]$")] | None = None


class AlertRule(Event):
    """One rule.

    It needs one condition: `below`, `above`, `changes_by` (against the window before) or `absent` (nothing for so
    long); a signal needs none, and `above` is then the least e-value. `for`: how long the condition must hold. A
    reading that rests on fewer than `at_least` items or annotations says nothing. `sure`: the 95 % interval, not the
    value alone, must lie beyond the threshold. `inhibited_by`: while an alert of one of these rules fires, nobody is
    told of this one.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    id: _Name
    metric: Metric
    where: AlertScope = AlertScope()
    below: float | None = None
    above: float | None = None
    changes_by: Annotated[float, Field(gt=0)] | None = None
    absent: Annotated[str, Field(pattern=r"^[1-9]\d{0,3}[mhd]$")] | None = None
    lasting: Duration = Field(default="0m", alias="for")
    keep_firing_for: Duration = "0m"
    severity: Severity = Severity.WARNING
    labels: dict[_Name, _Name] = {}
    runbook: Annotated[str, Field(max_length=2_000, pattern=r"^https?://")] | None = None
    message: Annotated[str, Field(max_length=1_000)] | None = None
    at_least: Annotated[int, Field(ge=1)] = 20
    sure: bool = False
    inhibited_by: list[_Name] = []
    enabled: bool = True

    @model_validator(mode="after")
    def _one_condition(self) -> "AlertRule":
        given = [name for name in ("below", "above", "changes_by", "absent") if getattr(self, name) is not None]
        allowed = {0, 1} if self.metric is Metric.SIGNAL else {1}
        if len(given) not in allowed or (self.metric is Metric.SIGNAL and given not in ([], ["above"])):
            raise PydanticCustomError(
                "alert_condition",
                "a signal needs no condition but `above`, its least e-value"
                if self.metric is Metric.SIGNAL
                else "a rule needs exactly one of below, above, changes_by and absent",
            )
        return self
