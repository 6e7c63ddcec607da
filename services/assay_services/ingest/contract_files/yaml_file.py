"""Read a validated value from a YAML file, and report problems by file, line and field."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from assay_schemas.errors import AssayUserError

YamlPath: TypeAlias = tuple[str | int, ...]
"""A path in a YAML file: keys and list positions from the root."""
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class YamlProblem:
    """One problem in a file. `line` counts from 1."""

    file: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return `file:line: field: message`."""
        return f"{self.file}:{self.line}: {self.field + ': ' if self.field else ''}{self.message}"


class YamlFileError(AssayUserError):
    """A file that cannot be used, with all problems."""

    def __init__(self, problems: Sequence[YamlProblem]) -> None:
        """List these problems in the message."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed YAML file with the line of every node."""

    path: Path
    root: yaml.Node

    @classmethod
    def read(cls, path: Path, *, wanted: str) -> "YamlFile":
        """Read a file whose root is a mapping; `wanted` names the expected content. Raise YamlFileError."""
        return cls(path, _parse(path, wanted))

    def checked(self, model: type[_Model], names_near: Callable[[YamlPath], Sequence[str]]) -> _Model:
        """Return the file as a model. `names_near` returns the valid fields at a path. Raise YamlFileError."""
        plain = _plain(self.path, self.root)
        try:
            return model.model_validate(plain)
        except ValidationError as error:
            problems = [self._problem(found, names_near) for found in error.errors(include_url=False)]
            raise YamlFileError(problems) from None

    def problem(self, place: YamlPath, message: str) -> YamlProblem:
        """Return a problem at a path."""
        return YamlProblem(self.path, _line(self.root, place), _dotted(place), message)

    def _problem(
        self,
        error: Any,  # noqa: ANN401  # pydantic's ErrorDetails
        names_near: Callable[[YamlPath], Sequence[str]],
    ) -> YamlProblem:
        place = _existing(self.root, error["loc"])
        message = str(error["msg"])
        if error["type"] == "extra_forbidden":
            near = get_close_matches(str(error["loc"][-1]), names_near(place), n=1)
            message = "there is no such field" + (f"; did you mean '{near[0]}'?" if near else "")
        if error["type"] == "missing":
            message = f"the field '{error['loc'][-1]}' is missing"
        return self.problem(place, message)


def _parse(path: Path, wanted: str) -> yaml.Node:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise YamlFileError([YamlProblem(path, 1, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise YamlFileError([YamlProblem(path, 1, "", f"is no UTF-8 text: byte {error.start} is wrong")]) from None
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise YamlFileError([YamlProblem(path, line, "", f"is no YAML: {error.problem}")]) from None
    except yaml.YAMLError as error:
        raise YamlFileError([YamlProblem(path, 1, "", f"is no YAML: {str(error).splitlines()[0]}")]) from None
    if not isinstance(root, yaml.MappingNode):
        raise YamlFileError([YamlProblem(path, 1, "", wanted)])
    return root


def _plain(path: Path, root: yaml.Node) -> Any:  # noqa: ANN401  # YAML of any shape
    _refuse_repeated_keys(path, root)
    constructor = yaml.SafeLoader("")
    try:
        return constructor.construct_document(root)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlFileError([YamlProblem(path, 1, "", f"cannot be read: {str(error).splitlines()[0]}")]) from None
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
                raise YamlFileError([YamlProblem(path, key.start_mark.line + 1, name, "stands twice")])
            seen.add(name)
            _refuse_repeated_keys(path, child)


def _existing(root: yaml.Node, loc: Sequence[str | int]) -> YamlPath:
    """Return the part of a path that exists in the file: pydantic's paths also contain union members."""
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


def _line(root: yaml.Node, place: YamlPath) -> int:
    """Return the line of the path's key or list entry."""
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


def _dotted(place: YamlPath) -> str:
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")
