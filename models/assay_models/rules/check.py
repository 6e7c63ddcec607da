"""What a check is: it takes an annotation and its circumstances, and says what it objects to."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from assay_models.consistency.label_score import Score
from assay_schemas.annotation import Annotation
from assay_schemas.contract.rules import Rule
from assay_schemas.verdict import Finding

SHOWN_CHARACTERS = 60
_HIDDEN = {"Cf", "Cc", "Co", "Cn", "Zl", "Zp"}


class Circumstances(NamedTuple):
    """What a check may know beside the annotation.

    `now`: when it arrived, `occurred`: when it was made, both in µs since 1970, and the model's view.
    """

    now: int
    occurred: int
    score: Score | None


Objections: TypeAlias = Sequence[Finding]
Check: TypeAlias = Callable[[Annotation, Circumstances], Objections]
NONE: Objections = ()


def finding(rule: Rule, path: str, message: str) -> Objections:
    """Return the rule's one objection, in the contract's own words where it has some."""
    return (Finding(rule=rule.id, action=rule.action, message=rule.message or message, path=path),)


def shown(value: object) -> str:
    """Return a value for a message: short, with invisible and direction-changing characters made visible."""
    text = value if isinstance(value, str) else str(value)
    return f"'{visible(text[:SHOWN_CHARACTERS])}'" + ("…" if len(text) > SHOWN_CHARACTERS else "")


def visible(text: str) -> str:
    """Return the text with its invisible and direction-changing characters written out by number."""
    return "".join(f"\\u{{{ord(c):x}}}" if unicodedata.category(c) in _HIDDEN else c for c in text)
