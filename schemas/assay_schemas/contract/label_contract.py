"""The label contract: a project's labels, rules, model, consensus, agreement and alerts."""

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from assay_schemas.alert_rule import AlertRule
from assay_schemas.annotation import Event, ProjectId
from assay_schemas.contract.label_kinds import LabelKind
from assay_schemas.contract.rules import AnyRule

_Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
_HOURS_IN_TEN_YEARS = 24 * 3_653


class ModelChoice(Event):
    """Which consistency model scores this project; `flag_below` replaces its own thresholds."""

    path: Annotated[str, Field(min_length=1)]
    flag_below: _Share | None = None


class ConsensusOptions(Event):
    """How sure the consensus must be to accept an item, and to call an annotation wrong.

    `correct_votes` is how many annotations an item needs before one of them is called wrong. `review_gain`: an
    accepted item is put up for review, too, if one more annotation is expected to raise the probability of being right
    by so much. `half_life_days`: after so many days closed items say half as much of their annotators; None: they are
    never forgotten.
    """

    accept_at: _Share = 0.9
    correct_at: Annotated[float, Field(gt=0.5, le=1)] = 0.95
    correct_votes: Annotated[int, Field(ge=2)] = 3
    review_gain: Annotated[float, Field(gt=0, le=1)] = 0.04
    half_life_days: Annotated[float, Field(ge=0.1, le=10_000)] | None = None


class Coefficient(StrEnum):
    """The coefficients of agreement."""

    KRIPPENDORFF_ALPHA = "krippendorff-alpha"
    FLEISS_KAPPA = "fleiss-kappa"
    GWET_AC = "gwet-ac"
    OBSERVED = "observed"


_Window: TypeAlias = Annotated[str, Field(pattern=r"^[1-9]\d{0,3}[mhd]$")]


class AgreementOptions(Event):
    """Which coefficient of agreement is read, over which windows of event time (`15m`, `24h`, `7d`).

    `attributes` names the item attributes by whose values agreement is read, too.
    """

    coefficient: Coefficient = Coefficient.KRIPPENDORFF_ALPHA
    windows: Annotated[list[_Window], Field(min_length=1, max_length=8)] = ["15m", "1h", "24h"]
    attributes: Annotated[list[str], Field(max_length=8)] = []


class Closing(Event):
    """When an item's state is dropped: complete and quiet for a while, or untouched for long."""

    quiet_hours: Annotated[float, Field(gt=0, le=_HOURS_IN_TEN_YEARS)] = 24
    age_days: Annotated[float, Field(gt=0, le=_HOURS_IN_TEN_YEARS / 24)] = 30


class LabelContract(Event):
    """What one project's labels must look like, by version."""

    project: Annotated[ProjectId, Field(min_length=1, max_length=256)]
    version: Annotated[int, Field(ge=1)]
    label: LabelKind
    redundancy: Annotated[int, Field(ge=1)] = 3
    rules: list[AnyRule] = []
    model: ModelChoice | None = None
    consensus: ConsensusOptions = ConsensusOptions()
    agreement: AgreementOptions = AgreementOptions()
    close: Closing = Closing()
    alerts: Annotated[list[AlertRule], Field(max_length=200)] = []

    @model_validator(mode="after")
    def _unique_rules(self) -> "LabelContract":
        for rules, what in ((self.rules, "rule"), (self.alerts, "alert")):
            seen: set[str] = set()
            for rule in rules:
                if rule.id in seen:
                    raise PydanticCustomError(
                        "repeated_rule", "{what} '{id}' stands here twice", {"what": what, "id": rule.id}
                    )
                seen.add(rule.id)
        return self
