"""How the tests of this folder ask for a verdict."""

from assay_models.consistency.label_score import Score
from assay_models.rules.ruleset import compile_contract
from assay_schemas.annotation import Annotation
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.json_data import Json
from assay_schemas.verdict import Finding
from tests.support.builders import a_contract, circumstances


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


def with_rule(kind: str = "categorical", /, **rule: Json) -> LabelContract:
    """Return a contract with one rule of its own."""
    return a_contract(kind, rules=[rule])
