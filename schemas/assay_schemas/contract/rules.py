"""The rules of a contract: the built-in ones with their options, and custom expressions."""

import re
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BeforeValidator, Discriminator, Field, PositiveFloat, Tag, model_validator
from pydantic_core import PydanticCustomError

from assay_schemas.annotation import Event
from assay_schemas.json_data import Json
from assay_schemas.verdict import RuleAction

_SECONDS_IN_A_YEAR = 31_622_400


class Rule(Event):
    """The fields that all rules have; `message` replaces the built-in message."""

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
    lead_time_below_seconds: PositiveFloat


class TooSlowRule(Rule):
    """The annotator took at most this long."""

    id: Literal["too-slow"]
    action: RuleAction = RuleAction.FLAG
    lead_time_above_seconds: PositiveFloat


class FasterThanReadingRule(Rule):
    """The annotator took as long as a fast reader needs for the item's text."""

    id: Literal["faster-than-reading"]
    action: RuleAction = RuleAction.FLAG
    words_per_minute: PositiveFloat = 700
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


class KnownGoldRule(Rule):
    """The item's gold label is a label of the contract; one that is not is not used as gold."""

    id: Literal["known-gold"] = "known-gold"
    action: RuleAction = RuleAction.FLAG


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
    "known-gold": KnownGoldRule,
    "gold-missed": GoldMissedRule,
    "model-disagrees": ModelDisagreesRule,
}
"""All built-in rules. Those without required options are active unless the contract sets `enabled: false`."""


def _which_rule(value: Json) -> str:
    if isinstance(value, Rule):
        return "expression" if isinstance(value, ExpressionRule) else value.id
    built_in = isinstance(value, dict) and "when" not in value and isinstance(value.get("id"), str)
    return value["id"] if built_in else "expression"


def _known_rule(value: Any) -> Any:  # noqa: ANN401  # the same
    """Reject an unknown rule here, because an error raised in a discriminator would not become a ValidationError."""
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
    | Annotated[KnownGoldRule, Tag("known-gold")]
    | Annotated[GoldMissedRule, Tag("gold-missed")]
    | Annotated[ModelDisagreesRule, Tag("model-disagrees")]
    | Annotated[ExpressionRule, Tag("expression")],
    Discriminator(_which_rule),
    BeforeValidator(_known_rule),
]
