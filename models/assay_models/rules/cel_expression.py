"""Custom rules in CEL: type-checked when loaded, bounded in cost."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from cel_expr_python import cel

from assay_models.rules.check import NONE, Check, Circumstances, Objections, finding, visible
from assay_schemas.annotation import Annotation, AnnotatorKind, Box, Item, Span
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.rules import ExpressionRule
from assay_schemas.verdict import Finding, RuleAction

_LABEL_TYPES = {
    "categorical": cel.Type.STRING,
    "pairwise": cel.Type.STRING,
    "ordinal": cel.Type.DOUBLE,
    "multilabel": cel.Type.List(cel.Type.STRING),
    "spans": cel.Type.List(cel.Type.DYN),
    "boxes": cel.Type.List(cel.Type.DYN),
}
_FIELDS = {"item": tuple(Item.model_fields), "annotator": ("id", "kind")}
_STRING = re.compile(
    r"\b(?:[rR][bB]?|[bB][rR])(?:'{3}.*?'{3}|\"{3}.*?\"{3}|'[^'\n]*'|\"[^\"\n]*\")"
    r"|'{3}(?:[^\\]|\\.)*?'{3}|\"{3}(?:[^\\]|\\.)*?\"{3}"
    r"|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"",
    re.DOTALL,
)
_NOT_CODE = re.compile(rf"(?P<comment>//[^\n]*)|{_STRING.pattern}", re.DOTALL)
"""Comments and strings (raw, triple-quoted, plain), which are masked before an expression is searched."""
_LONGEST_REASON = 200
_MOST_REMEMBERED = 4_096
_FIELD = re.compile(r"(?<![\w.])(item|annotator)\s*\.\s*(\w+)")
_NO_SUCH_KEY = "NOT_FOUND"
"""The status code with which an evaluation ends that reads a key which a map does not have."""
_MIXED_NUMBERS = re.compile(r"'\(double, int\)'|'\(int, double\)'")
_LOOP = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(")


class ExpressionError(Exception):
    """A CEL expression that cannot be a rule; the message explains why to the user."""


def compile_expression(rule: ExpressionRule, contract: LabelContract) -> Check:
    """Return the check of a custom rule: it objects where its expression is true.

    The cost is bounded: CEL has no recursion, at most one loop is allowed (over at most 1,000 parts), and at most
    2,000 characters. An item without an attribute that the expression names does not meet it. Where the expression
    cannot be evaluated for another reason, the check returns a finding that only counts. Raises ExpressionError if the
    expression does not type-check, loops twice, is not boolean, or has a regular expression that is none.
    """
    masked = _masked(rule.when)
    _check_fields(masked)
    _check_patterns(rule.when, contract)
    if len(_LOOP.findall(masked)) > 1:
        raise ExpressionError("it loops more than once (all, exists, map, filter); split it into several rules")
    conditions = [_condition(part, compiled, contract) for part, compiled in _parts(rule.when, contract)]
    path = _path_of(masked)

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        reasons: list[str] = []
        for condition in conditions:
            result = condition(annotation)
            if result is False:  # as in CEL: false && error is false
                return NONE
            if result is not True:
                reasons.append(result)
        if not reasons:
            return finding(rule, path, f"the condition holds: {rule.when}")
        message = f"could not be evaluated: {reasons[0]}"
        return (Finding(rule=rule.id, action=RuleAction.COUNT, message=message, path=path),)

    return check


def _parts(source: str, contract: LabelContract) -> list[tuple[str, Any]]:
    """Compile each condition of a conjunction; the whole expression as one if it has other outermost operators."""
    whole = _compile(source, contract)
    parts = [(part, _compile_part(part, contract)) for part in split_conjunction(source)]
    return [(source, whole)] if any(compiled is None for _, compiled in parts) else parts


def _compile_part(part: str, contract: LabelContract) -> Any | None:  # noqa: ANN401  # cel has no type stubs
    try:
        return _compile(part, contract)
    except ExpressionError:
        return None  # not boolean by itself: for instance `item.gold` has a dynamic type


def split_conjunction(source: str) -> list[str]:
    """Return the operands of the outermost `&&`, or the source alone if it has another outermost operator."""
    masked = _NOT_CODE.sub(lambda found: ("\n" if found["comment"] else "_") * len(found[0]), source)
    depth, begin, parts = 0, 0, []
    for place, sign in enumerate(masked):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and (sign == "?" or masked.startswith("||", place)):
            return [source]
        if depth == 0 and masked.startswith("&&", place):
            parts.append(source[begin:place])
            begin = place + len("&&")
    return [*parts, source[begin:]]


def _condition(source: str, compiled: Any, contract: LabelContract) -> Callable[[Annotation], bool | str]:  # noqa: ANN401
    """Return a function that evaluates one condition: true, false, or the reason why it cannot be evaluated.

    Results are cached where they depend only on values that recur often.
    """
    masked = _masked(source)
    activation, cache_key = _activation_for(masked), _cache_key_of(masked, contract)

    def evaluate(annotation: Annotation) -> bool | str:
        value = compiled.eval(data=activation(annotation))
        if value.type() == cel.Type.BOOL:
            return bool(value.value())
        if str(value.value()).startswith(_NO_SUCH_KEY):
            return False
        return visible(str(value.value())[:_LONGEST_REASON])

    if cache_key is None:
        return evaluate
    answers: dict[object, bool | str] = {}

    def remember(annotation: Annotation) -> bool | str:
        if annotation.label.__class__ is list:  # the wrong kind of label here, and not hashable
            return evaluate(annotation)
        key = cache_key(annotation)
        answer = answers.get(key)
        if answer is None:
            if len(answers) >= _MOST_REMEMBERED:
                answers.clear()
            answer = answers[key] = evaluate(annotation)
        return answer

    return remember


def _cache_key_of(masked: str, contract: LabelContract) -> Callable[[Annotation], object] | None:
    """Return the cache key function of a condition, or None if it depends on more than labels and attributes."""
    fields = _FIELD.findall(masked)
    words = set(re.findall(r"(?<![\w.])[a-z_]+", masked))
    if words & {"item", "lead_time_seconds", "annotator"} or fields:
        return None
    if "label" not in words:
        return (lambda a: tuple(a.item.attributes.items())) if "attributes" in words else None
    if contract.label.kind not in {"categorical", "pairwise", "ordinal"}:
        return None
    if "attributes" in words:
        return lambda a: (a.label, *a.item.attributes.items())
    return lambda a: a.label


def _masked(source: str) -> str:
    return _NOT_CODE.sub(lambda found: " " if found["comment"] else "''", source)


def _check_patterns(source: str, contract: LabelContract) -> None:
    """Refuse a constant regular expression that cannot be one: at run time, the rule would only count."""
    for found in re.finditer(rf"\.\s*matches\s*\(\s*(?P<text>{_STRING.pattern})\s*\)", source, re.DOTALL):
        value = _compile(f"''.matches({found['text']})", contract).eval(data={})
        if value.type() != cel.Type.BOOL:
            why = str(value.value()).rpartition("INVALID_ARGUMENT: ")[2]
            at = found.start("text") + 1
            raise ExpressionError(f"{found['text']} is no regular expression (at character {at}): {why}")


def _compile(source: str, contract: LabelContract) -> Any:  # noqa: ANN401  # cel has no type stubs
    environment = cel.NewEnv(
        variables={
            "item": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
            "annotator": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
            "attributes": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
            "label": _LABEL_TYPES[contract.label.kind],
            "lead_time_seconds": cel.Type.DOUBLE,
        }
    )
    try:
        compiled = environment.compile(source)
    except RuntimeError as error:
        raise ExpressionError(_plain(str(error))) from None
    if compiled.return_type() != cel.Type.BOOL:
        raise ExpressionError(f"it is no condition: it gives {compiled.return_type().name()}, not true or false")
    return compiled


_READERS: dict[str, Callable[[Annotation], object]] = {
    "annotator": lambda a: {"id": a.annotator.id, "kind": AnnotatorKind(a.annotator.kind).value},
    "attributes": lambda a: a.item.attributes,
    "label": lambda a: _plain_label(a.label),
    "lead_time_seconds": lambda a: a.lead_time_seconds,
}
_ITEM_READERS: dict[str, Callable[[Item], object]] = {
    "id": lambda item: item.id,
    "text": lambda item: item.text,
    "features": lambda item: item.features,
    "media": lambda item: None if item.media is None else item.media.model_dump(),
    "gold": lambda item: _plain_label(item.gold),
    "attributes": lambda item: item.attributes,
}


def _activation_for(masked: str) -> Callable[[Annotation], Mapping[str, object]]:
    """Return the function that provides an expression's variables: only those it uses.

    Converting them is most of the cost. If `item` is used without a field, all its fields are provided.
    """
    words = Counter(re.findall(r"(?<![\w.])[a-z_]+", masked))
    readers = [(name, read) for name, read in _READERS.items() if words[name]]
    named = [name for variable, name in _FIELD.findall(masked) if variable == "item"]
    fields = _ITEM_READERS if words["item"] > len(named) else {name: _ITEM_READERS[name] for name in named}

    def activation(annotation: Annotation) -> Mapping[str, object]:
        variables = {name: value for name, read in readers if (value := read(annotation)) is not None}
        if fields:
            variables["item"] = {name: read(annotation.item) for name, read in fields.items()}
        return variables

    return activation


def _path_of(masked: str) -> str:
    """Return the first name in an expression, as the path of its findings."""
    first = re.search(r"(?<![\w.])(?:(?:item|annotator|attributes)\s*\.\s*\w+|label|lead_time_seconds)", masked)
    if first is None:
        return ""
    path = re.sub(r"\s", "", first[0])
    return f"item.{path}" if path.startswith("attributes") else path


def _plain_label(label: object) -> object:
    if isinstance(label, list):
        return [part.model_dump() if isinstance(part, Span | Box) else part for part in label]
    return float(label) if isinstance(label, int) else label


def _check_fields(source: str) -> None:
    for variable, name in _FIELD.findall(source):
        known = _FIELDS[variable]
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
            raise ExpressionError(f"'{variable}.{name}' does not exist; {hint}")


def _plain(message: str) -> str:
    """Return the compiler's first error without its prefixes, with its position."""
    line = message.splitlines()[0].removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: ")
    match = re.match(r"<input>:\d+:(\d+): (.*)", line)
    if match and _MIXED_NUMBERS.search(match[2]):
        return (
            "a number with decimals (lead_time_seconds, an ordinal label) is compared with a whole one; "
            f"write 2.0 instead of 2 (at character {match[1]})"
        )
    return f"{match[2]} (at character {match[1]})" if match else line
