"""The rules of a contract, compiled into checks."""

from typing import TYPE_CHECKING

from assay_schemas.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from assay_models.rules.ruleset import RuleProblem, RuleSet, compile_contract

__all__ = [
    "RuleProblem",
    "RuleSet",
    "compile_contract",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "RuleProblem": "ruleset",
        "RuleSet": "ruleset",
        "compile_contract": "ruleset",
    },
)
