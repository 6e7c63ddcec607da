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
_MOST_NODES = 100_000
_READ_AS = {
    "bool": "true or false", "int": "a number", "float": "a number", "timestamp": "a date", "null": "nothing",
}  # fmt: skip
"""What YAML makes of texts without quotes, by its tag."""
_OF_ANOTHER_KIND = {
    ("ordinal", "values"): ": it has numbers from `low` to `high`; for words, use kind: categorical",
    ("categorical", "low"): ": it has `values`; for numbers, use kind: ordinal",
    ("categorical", "max_count"): ": it is one of its `values`; for several, use kind: multilabel",
    ("pairwise", "values"): ": it is left, right or (with `ties`) tie",
}
"""What to do about a field that belongs to another kind of label."""
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
        message = _unquoted(self.root, place) if error["type"] == "string_type" else None
        message = message or str(error["msg"])
        if error["type"] == "extra_forbidden":
            near = get_close_matches(str(error["loc"][-1]), names_near(place), n=1)
            message = _no_such_field(error["loc"], near)
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
    except RecursionError:
        raise YamlFileError([YamlProblem(path, 1, "", "is nested too deeply")]) from None
    if not isinstance(root, yaml.MappingNode):
        raise YamlFileError([YamlProblem(path, 1, "", wanted)])
    _refuse_unfolding(path, root)
    return root


def _refuse_unfolding(path: Path, root: yaml.Node) -> None:
    """Refuse aliases that refer to themselves or unfold to very many values."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> int:
        if id(node) in open_nodes:
            line = node.start_mark.line + 1
            raise YamlFileError([YamlProblem(path, line, "", "an alias refers to what contains it; write it out")])
        if id(node) not in sizes:
            open_nodes.add(id(node))
            sizes[id(node)] = 1 + sum(map(size, _children(node)))
            open_nodes.discard(id(node))
        if sizes[id(node)] > _MOST_NODES:
            line = node.start_mark.line + 1
            why = f"aliases unfold to more than {_MOST_NODES:,} values; write out what is needed"
            raise YamlFileError([YamlProblem(path, line, "", why)])
        return sizes[id(node)]

    size(root)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return []


def _no_such_field(loc: Sequence[str | int], near: Sequence[str]) -> str:
    """Return the reason for an unknown field; a field of another kind of label is explained."""
    name = str(loc[-1])
    if name in near:  # it exists, in another kind
        return f"kind '{loc[-2]}' has no '{name}'" + _OF_ANOTHER_KIND.get((str(loc[-2]), name), "")
    return "there is no such field" + (f"; did you mean '{near[0]}'?" if near else "")


def _unquoted(root: yaml.Node, place: YamlPath) -> str | None:
    """Return what is wrong with a text that YAML reads as something else, or None if it is not such a text."""
    node: yaml.Node | None = root
    for step in place:
        node = _child(node, step)
    if not isinstance(node, yaml.ScalarNode):
        return None
    kind = _READ_AS.get(node.tag.rpartition(":")[2])
    return None if kind is None else f"YAML reads {node.value} as {kind}; write it in quotes: '{node.value}'"


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
