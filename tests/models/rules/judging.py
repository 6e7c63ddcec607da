"""How the tests of this folder ask for a verdict."""

from typing import Any

from models.learned.score import Score
from models.rules.ruleset import compile_contract
from schemas.annotation import Annotation
from schemas.contract import LabelContract
from schemas.verdict import Finding
from tests.builders import a_contract, circumstances


def findings(
    annotation: Annotation, contract: LabelContract | None = None, *, score: Score | None = None
) -> list[Finding]:
    """Return what the contract's rules (else the default ones) find."""
    rules = compile_contract(a_contract() if contract is None else contract)
    return rules.check(annotation, circumstances(annotation, score=score))


def places(
    annotation: Annotation, contract: LabelContract | None = None, *, score: Score | None = None
) -> list[tuple[str, str]]:
    """Return which rules object, and to which field."""
    return [(found.rule, found.path) for found in findings(annotation, contract, score=score)]


def with_rule(kind: str = "categorical", /, **rule: Any) -> LabelContract:  # noqa: ANN401  # raw input
    """Return a contract with one rule of its own."""
    return a_contract(kind, rules=[rule])
