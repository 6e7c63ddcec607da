"""Read a label contract from its YAML file, and report problems by file, line and field."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from assay_models.alerting.validation import alert_problems
from assay_models.rules.ruleset import RuleProblem, compile_contract
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.rules import BUILT_IN, ExpressionRule
from assay_services.ingest.contract_files.yaml_file import YamlFile, YamlFileError, YamlPath


class ContractError(YamlFileError):
    """A contract file that cannot be used, with all problems."""


def load_contract(path: Path) -> LabelContract:
    """Read, check and compile a contract. Raise ContractError with all problems."""
    try:
        file = YamlFile.read(path, wanted="a contract is a mapping: project, version, label, …")
        contract = file.checked(LabelContract, _names_near)
    except YamlFileError as error:
        raise ContractError(error.problems) from None
    try:
        compile_contract(contract)
    except RuleProblem as error:
        raise ContractError([file.problem(("rules", error.index, error.field), str(error))]) from None
    problems = [file.problem(("alerts", one.place, *one.field), one.message) for one in alert_problems(contract)]
    if problems:
        raise ContractError(problems)
    return contract


def _names_near(place: YamlPath) -> list[str]:
    """Return the valid field names at the place of an unknown one."""
    if place[:1] == ("rules",):
        models: list[type[BaseModel]] = [*BUILT_IN.values(), ExpressionRule]
    elif len(place) > 1:
        annotation = LabelContract.model_fields[str(place[0])].annotation
        models = [m for m in _models(annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
    else:
        models = [LabelContract]
    return sorted({field.alias or name for model in models for name, field in model.model_fields.items()})


def _models(annotation: Any) -> list[Any]:  # noqa: ANN401  # a type of any form
    inner = getattr(annotation, "__args__", ())
    return [annotation, *(deep for one in inner for deep in _models(one))]
