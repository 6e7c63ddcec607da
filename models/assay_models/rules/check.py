"""The interface of a check: a function of an annotation and its circumstances that returns findings."""

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
    """What a check may use beside the annotation.

    `now`: when the annotation arrived; `occurred`: when it was made; both in µs since 1970. `score`: the consistency
    model's score, None without one.
    """

    now: int
    occurred: int
    score: Score | None


Objections: TypeAlias = Sequence[Finding]
Check: TypeAlias = Callable[[Annotation, Circumstances], Objections]
NONE: Objections = ()


def finding(rule: Rule, path: str, message: str) -> Objections:
    """Return one finding of the rule, with the contract's message if it has one."""
    return (Finding(rule=rule.id, action=rule.action, message=rule.message or message, path=path),)


def shown(value: object) -> str:
    """Return a value for a message: quoted, shortened, with invisible characters made visible (see `visible`)."""
    text = value if isinstance(value, str) else str(value)
    return f"'{visible(text[:SHOWN_CHARACTERS])}'" + ("…" if len(text) > SHOWN_CHARACTERS else "")


def visible(text: str) -> str:
    """Return the text with invisible and direction-changing characters replaced by their code points."""
    return "".join(f"\\u{{{ord(c):x}}}" if unicodedata.category(c) in _HIDDEN else c for c in text)
