"""The mapping from any tool's JSON to annotations: JMESPath expressions in a YAML file."""

from typing import Annotated, Literal, TypeAlias

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from assay_schemas.annotation import Action

_EVERYTHING = "@"


def _compiled(expression: str) -> str:
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        message = str(error).splitlines()[0].removeprefix("Invalid jmespath expression: ").rstrip(":")
        raise PydanticCustomError("jmespath", "this is no JMESPath expression: {why}", {"why": message}) from None
    except RecursionError:
        raise PydanticCustomError("jmespath", "this JMESPath expression is nested too deeply") from None
    return expression


Expression: TypeAlias = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_compiled)]
"""A JMESPath expression over one event."""


class _MappingPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ItemMapping(_MappingPart):
    """The expressions of the item's fields."""

    id: Expression
    text: Expression | None = None
    media: Expression | None = None
    gold: Expression | None = None
    attributes: dict[str, Expression] = {}


class SignatureMapping(_MappingPart):
    """The tool's signature scheme."""

    scheme: Literal["header", "hmac-sha256", "hmac-sha1", "standard-webhooks"]
    header: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> "SignatureMapping":
        if self.scheme.startswith("hmac") and self.header is None:
            raise PydanticCustomError("no_header", "an HMAC needs the name of its header, under 'header'")
        return self


class FieldMapping(_MappingPart):
    """The mapping of one tool.

    `events` finds the annotations in the body (default: the body itself); `only_when` selects those that count.
    `actions` translates the tool's values to created, updated, deleted and skipped.
    """

    events: Expression = _EVERYTHING
    only_when: Expression | None = None
    project: Expression | None = None
    annotation: Expression
    item: ItemMapping
    annotator: Expression
    label: Expression
    prelabel: Expression | None = None
    action: Expression | None = None
    actions: dict[str, Action] = {}
    occurred_at: Expression | None = None
    created_at: Expression | None = None
    time_unit: Literal["seconds", "milliseconds"] | None = None
    lead_time_seconds: Expression | None = None
    signature: SignatureMapping | None = None
