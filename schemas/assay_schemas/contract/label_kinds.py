"""The kinds of label that a contract can define."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, PositiveFloat, model_validator
from pydantic_core import PydanticCustomError

from assay_schemas.annotation import Event
from assay_schemas.lookalikes import look, spelled_out

_FEWEST = 2
"""A choice needs so many labels: with one, every annotation says the same."""


def _distinct(values: list[str]) -> list[str]:
    """Refuse a label that stands twice, or two that look the same but are different texts."""
    seen: dict[str, str] = {}
    for value in values:
        other = seen.get(look(value))
        seen[look(value)] = value
        if other is None:
            continue
        if other == value:
            raise PydanticCustomError("repeated_label", "the label '{label}' stands here twice", {"label": value})
        raise PydanticCustomError(
            "same_look",
            "two labels look the same: {one} and {other}; keep one of them",
            {"one": spelled_out(other), "other": spelled_out(value)},
        )
    return values


def _a_choice(values: list[str]) -> list[str]:
    if len(values) < _FEWEST:
        raise PydanticCustomError(
            "no_choice", "there must be two labels or more to choose from; add the label for everything else"
        )
    return values


_Values: TypeAlias = Annotated[list[str], Field(min_length=1, max_length=10_000), AfterValidator(_distinct)]


class CategoricalLabel(Event):
    """One of a list of values."""

    kind: Literal["categorical"] = "categorical"
    values: Annotated[_Values, AfterValidator(_a_choice)]


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
    step: PositiveFloat | None = 1

    @model_validator(mode="after")
    def _ordered(self) -> "OrdinalLabel":
        if self.low >= self.high:
            raise PydanticCustomError("ordinal_range", "low must be below high")
        if self.step is not None and self.step > self.high - self.low:
            raise PydanticCustomError(
                "one_step",
                "a scale from {low} to {high} in steps of {step} has one value; there must be two or more",
                {"low": f"{self.low:g}", "high": f"{self.high:g}", "step": f"{self.step:g}"},
            )
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
