"""The label contract: what a project's labels must look like, and what happens when they do not."""

import re
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from assay_schemas.alert_rule import AlertRule
from assay_schemas.annotation import Event, ProjectId
from assay_schemas.verdict import RuleAction

_Values: TypeAlias = Annotated[list[str], Field(min_length=1, max_length=10_000)]
_Positive: TypeAlias = Annotated[float, Field(gt=0)]
_Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
_HOURS_IN_TEN_YEARS = 24 * 3_653
_SECONDS_IN_A_YEAR = 31_622_400


class CategoricalLabel(Event):
    """One of a list of values."""

    kind: Literal["categorical"] = "categorical"
    values: _Values


class MultilabelLabel(Event):
    """Several of a list of values, between `min_count` and `max_count` of them."""

    kind: Literal["multilabel"]
    values: _Values
    min_count: Annotated[int, Field(ge=0)] = 0
    max_count: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _possible(self) -> "MultilabelLabel":
        most = len(self.values) if self.max_count is None else min(self.max_count, len(self.values))
        if self.min_count > most:
            raise PydanticCustomError(
                "impossible_count",
                "no label can have {low} values or more: at most {most} are possible",
                {"low": self.min_count, "most": most},
            )
        return self


class OrdinalLabel(Event):
    """A number from `low` to `high`; whole numbers only, unless `step` is None."""

    kind: Literal["ordinal"]
    low: float
    high: float
    step: _Positive | None = 1

    @model_validator(mode="after")
    def _ordered(self) -> "OrdinalLabel":
        if self.low >= self.high:
            raise PydanticCustomError("ordinal_range", "low must be below high")
        return self


class PairwiseLabel(Event):
    """Which of two is better: left, right, or (where allowed) a tie."""

    kind: Literal["pairwise"]
    ties: bool = True


class SpansLabel(Event):
    """Labelled stretches of the item's text."""

    kind: Literal["spans"]
    values: _Values
    overlap: bool = False


class BoxesLabel(Event):
    """Labelled rectangles on the item's image."""

    kind: Literal["boxes"]
    values: _Values


LabelKind: TypeAlias = Annotated[
    CategoricalLabel | MultilabelLabel | OrdinalLabel | PairwiseLabel | SpansLabel | BoxesLabel,
    Field(discriminator="kind"),
]


class Rule(Event):
    """What all rules have: an id, an action, and the words a labelling lead reads."""

    id: str
    action: RuleAction = RuleAction.REJECT
    message: str | None = None
    enabled: bool = True


class LabelKindRule(Rule):
    """The label is of the contract's kind: text, number, list of texts, spans or boxes."""

    id: Literal["label-kind"] = "label-kind"


class KnownLabelRule(Rule):
    """Every label is in the contract's vocabulary."""

    id: Literal["known-label"] = "known-label"


class LabelCountRule(Rule):
    """A multi-label has as many values as the contract allows, none twice."""

    id: Literal["label-count"] = "label-count"


class LabelRangeRule(Rule):
    """An ordinal label lies in the contract's range and on its steps."""

    id: Literal["label-range"] = "label-range"


class SpanBoundsRule(Rule):
    """Every span lies inside the item's text and is not empty."""

    id: Literal["span-bounds"] = "span-bounds"


class SpanOverlapRule(Rule):
    """No two spans overlap, unless the contract allows it."""

    id: Literal["span-overlap"] = "span-overlap"


class BoxBoundsRule(Rule):
    """Every box has a positive area and lies inside the image (where its size is known)."""

    id: Literal["box-bounds"] = "box-bounds"


_ATTRIBUTE = re.compile(r"attributes\..+", re.DOTALL)


class RequiredFieldsRule(Rule):
    """The item carries these fields: text, features, media, gold, or attributes.NAME."""

    id: Literal["required-fields"] = "required-fields"
    fields: Annotated[list[str], Field(min_length=1)]

    @model_validator(mode="after")
    def _known_fields(self) -> "RequiredFieldsRule":
        for name in self.fields:
            if name not in {"text", "features", "media", "gold"} and not _ATTRIBUTE.fullmatch(name):
                raise PydanticCustomError(
                    "unknown_item_field",
                    "'{name}' is no item field; use text, features, media, gold or attributes.NAME",
                    {"name": name},
                )
        return self


class NotInFutureRule(Rule):
    """The annotation was not made later than now, give or take the clocks' difference."""

    id: Literal["not-in-future"] = "not-in-future"
    tolerance_seconds: Annotated[float, Field(ge=0, le=_SECONDS_IN_A_YEAR)] = 300


class NotBeforeProjectRule(Rule):
    """The annotation was not made before the project began."""

    id: Literal["not-before-project"] = "not-before-project"
    began_at: AwareDatetime = datetime(2000, 1, 1, tzinfo=UTC)


class NotUpdatedBeforeCreatedRule(Rule):
    """The annotation's state is not older than the annotation."""

    id: Literal["not-updated-before-created"] = "not-updated-before-created"


class NegativeLeadTimeRule(Rule):
    """The time spent is not negative."""

    id: Literal["negative-lead-time"] = "negative-lead-time"
    action: RuleAction = RuleAction.FLAG


class TooFastRule(Rule):
    """The annotator took at least this long."""

    id: Literal["too-fast"]
    action: RuleAction = RuleAction.FLAG
    lead_time_below_seconds: _Positive


class TooSlowRule(Rule):
    """The annotator took at most this long."""

    id: Literal["too-slow"]
    action: RuleAction = RuleAction.FLAG
    lead_time_above_seconds: _Positive


class FasterThanReadingRule(Rule):
    """The annotator took as long as a fast reader needs for the item's text."""

    id: Literal["faster-than-reading"]
    action: RuleAction = RuleAction.FLAG
    words_per_minute: _Positive = 700
    shortest_words: Annotated[int, Field(ge=1)] = 10


class AnnotatorAllowedRule(Rule):
    """The annotator is on the allow list (where there is one) and not on the deny list."""

    id: Literal["annotator-allowed"]
    allow: list[str] | None = None
    deny: list[str] = []


class PrelabelCopiedRule(Rule):
    """The label is the pre-label, unchanged."""

    id: Literal["prelabel-copied"] = "prelabel-copied"
    action: RuleAction = RuleAction.COUNT


class GoldMissedRule(Rule):
    """The label is not the known right one."""

    id: Literal["gold-missed"] = "gold-missed"
    action: RuleAction = RuleAction.FLAG


class ModelDisagreesRule(Rule):
    """The consistency model finds the label improbable."""

    id: Literal["model-disagrees"] = "model-disagrees"
    action: RuleAction = RuleAction.FLAG


class ExpressionRule(Rule):
    """A CEL expression that is true of the annotations the rule objects to."""

    id: Annotated[str, Field(min_length=1, max_length=256)]
    action: RuleAction = RuleAction.FLAG
    when: Annotated[str, Field(min_length=1, max_length=2_000)]

    @model_validator(mode="after")
    def _own_id(self) -> "ExpressionRule":
        if self.id in BUILT_IN:
            raise PydanticCustomError(
                "built_in_id", "'{id}' is a built-in rule; give your own rule another id", {"id": self.id}
            )
        return self


BUILT_IN: dict[str, type[Rule]] = {
    "label-kind": LabelKindRule,
    "known-label": KnownLabelRule,
    "label-count": LabelCountRule,
    "label-range": LabelRangeRule,
    "span-bounds": SpanBoundsRule,
    "span-overlap": SpanOverlapRule,
    "box-bounds": BoxBoundsRule,
    "required-fields": RequiredFieldsRule,
    "not-in-future": NotInFutureRule,
    "not-before-project": NotBeforeProjectRule,
    "not-updated-before-created": NotUpdatedBeforeCreatedRule,
    "negative-lead-time": NegativeLeadTimeRule,
    "too-fast": TooFastRule,
    "too-slow": TooSlowRule,
    "faster-than-reading": FasterThanReadingRule,
    "annotator-allowed": AnnotatorAllowedRule,
    "prelabel-copied": PrelabelCopiedRule,
    "gold-missed": GoldMissedRule,
    "model-disagrees": ModelDisagreesRule,
}
"""Every built-in rule. Those that need no option are on unless the contract says `enabled: false`."""


def _which_rule(value: Any) -> str:  # noqa: ANN401  # pydantic hands over raw input of any shape
    if isinstance(value, Rule):
        return "expression" if isinstance(value, ExpressionRule) else value.id
    built_in = isinstance(value, dict) and "when" not in value and isinstance(value.get("id"), str)
    return value["id"] if built_in else "expression"


def _known_rule(value: Any) -> Any:  # noqa: ANN401  # the same
    """Refuse an unknown rule here: what a discriminator raises leaves pydantic as no ValidationError."""
    rule_id = value.get("id") if isinstance(value, dict) and "when" not in value else None
    if not isinstance(rule_id, str) or rule_id in BUILT_IN:
        return value
    near = get_close_matches(rule_id, BUILT_IN, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "a rule of your own needs a CEL expression under 'when'"
    raise PydanticCustomError(
        "unknown_rule", "there is no built-in rule '{rule_id}'; {hint}", {"rule_id": rule_id, "hint": hint}
    )


AnyRule: TypeAlias = Annotated[
    Annotated[LabelKindRule, Tag("label-kind")]
    | Annotated[KnownLabelRule, Tag("known-label")]
    | Annotated[LabelCountRule, Tag("label-count")]
    | Annotated[LabelRangeRule, Tag("label-range")]
    | Annotated[SpanBoundsRule, Tag("span-bounds")]
    | Annotated[SpanOverlapRule, Tag("span-overlap")]
    | Annotated[BoxBoundsRule, Tag("box-bounds")]
    | Annotated[RequiredFieldsRule, Tag("required-fields")]
    | Annotated[NotInFutureRule, Tag("not-in-future")]
    | Annotated[NotBeforeProjectRule, Tag("not-before-project")]
    | Annotated[NotUpdatedBeforeCreatedRule, Tag("not-updated-before-created")]
    | Annotated[NegativeLeadTimeRule, Tag("negative-lead-time")]
    | Annotated[TooFastRule, Tag("too-fast")]
    | Annotated[TooSlowRule, Tag("too-slow")]
    | Annotated[FasterThanReadingRule, Tag("faster-than-reading")]
    | Annotated[AnnotatorAllowedRule, Tag("annotator-allowed")]
    | Annotated[PrelabelCopiedRule, Tag("prelabel-copied")]
    | Annotated[GoldMissedRule, Tag("gold-missed")]
    | Annotated[ModelDisagreesRule, Tag("model-disagrees")]
    | Annotated[ExpressionRule, Tag("expression")],
    Discriminator(_which_rule),
    BeforeValidator(_known_rule),
]


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
