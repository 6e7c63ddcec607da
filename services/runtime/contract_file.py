"""Read a label contract from its YAML file; what is wrong with it is said by file, line and field."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from models.rules.ruleset import RuleProblem, compile_contract
from schemas.contract import BUILT_IN, ExpressionRule, LabelContract

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a contract file. `line` counts from 1."""

    file: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return `file:line: field: message`."""
        return f"{self.file}:{self.line}: {self.field + ': ' if self.field else ''}{self.message}"


class ContractError(Exception):
    """A contract file that cannot be used; every problem is listed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Take what is wrong."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def load_contract(path: Path) -> LabelContract:
    """Read, check and compile a contract. Raise ContractError with everything that is wrong."""
    root = _parse(path)
    try:
        contract = LabelContract.model_validate(_plain(path, root))
    except ValidationError as error:
        raise ContractError([_problem(path, root, found) for found in error.errors(include_url=False)]) from None
    try:
        compile_contract(contract)
    except RuleProblem as error:
        place: _Path = ("rules", error.index, error.field)
        raise ContractError([Problem(path, _line(root, place), _dotted(place), str(error))]) from None
    return contract


def _parse(path: Path) -> yaml.Node:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise ContractError([Problem(path, 1, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise ContractError([Problem(path, 1, "", f"is no UTF-8 text: byte {error.start} is wrong")]) from None
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise ContractError([Problem(path, line, "", f"is no YAML: {error.problem}")]) from None
    except yaml.YAMLError as error:
        raise ContractError([Problem(path, 1, "", f"is no YAML: {str(error).splitlines()[0]}")]) from None
    if not isinstance(root, yaml.MappingNode):
        raise ContractError([Problem(path, 1, "", "a contract is a mapping: project, version, label, …")])
    return root


def _plain(path: Path, root: yaml.Node) -> Any:  # noqa: ANN401  # YAML of any shape
    _refuse_repeated_keys(path, root)
    constructor = yaml.SafeLoader("")
    try:
        return constructor.construct_document(root)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ContractError([Problem(path, 1, "", f"cannot be read: {str(error).splitlines()[0]}")]) from None
    finally:
        constructor.dispose()


def _refuse_repeated_keys(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_repeated_keys(path, child)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, child in node.value:
            name = str(key.value)
            if name in seen:
                raise ContractError([Problem(path, key.start_mark.line + 1, name, "stands twice")])
            seen.add(name)
            _refuse_repeated_keys(path, child)


def _problem(path: Path, root: yaml.Node, error: Any) -> Problem:  # noqa: ANN401  # pydantic's ErrorDetails
    place = _existing(root, error["loc"])
    message = str(error["msg"])
    if error["type"] == "extra_forbidden":
        unknown = str(error["loc"][-1])
        near = get_close_matches(unknown, _names_near(place), n=1)
        message = "there is no such field" + (f"; did you mean '{near[0]}'?" if near else "")
    if error["type"] == "missing":
        message = f"the field '{error['loc'][-1]}' is missing"
    return Problem(path, _line(root, place), _dotted(place), message)


def _existing(root: yaml.Node, loc: Sequence[str | int]) -> _Path:
    """Return the part of the place that stands in the file: pydantic names union members too."""
    place: list[str | int] = []
    node: yaml.Node | None = root
    for step in loc:
        child = _child(node, step)
        if child is not None:
            place.append(step)
            node = child
    return tuple(place)


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def _line(root: yaml.Node, place: _Path) -> int:
    """Return the line of the place's key, or of the list entry that it is."""
    node, line = root, root.start_mark.line
    for step in place:
        if isinstance(node, yaml.MappingNode):
            line = next((key.start_mark.line for key, _ in node.value if key.value == step), line)
        child = _child(node, step)
        if child is None:
            break
        if isinstance(node, yaml.SequenceNode):
            line = child.start_mark.line
        node = child
    return line + 1


def _dotted(place: _Path) -> str:
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def _names_near(place: _Path) -> list[str]:
    """Return the fields that may stand where an unknown one does."""
    if place[:1] == ("rules",):
        models: list[type[BaseModel]] = [*BUILT_IN.values(), ExpressionRule]
    elif len(place) > 1:
        annotation = LabelContract.model_fields[str(place[0])].annotation
        models = [m for m in _models(annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
    else:
        models = [LabelContract]
    return sorted({name for model in models for name in model.model_fields})


def _models(annotation: Any) -> list[Any]:  # noqa: ANN401  # a type of any form
    inner = getattr(annotation, "__args__", ())
    return [annotation, *(deep for one in inner for deep in _models(one))]
