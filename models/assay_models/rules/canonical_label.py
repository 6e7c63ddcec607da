"""The canonical form of a label: one form for labels that are the same, by the contract."""

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from assay_schemas.annotation import Box, Span
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.label_kinds import (
    CategoricalLabel,
    MultilabelLabel,
    OrdinalLabel,
    PairwiseLabel,
)

_ROUNDING = 1e-9
_DECIMALS = 12
_MOST_STEPS = 2**53

LabelReader: TypeAlias = Callable[[Any], Any]
"""Returns the canonical form of a label, or None for what is no label of the contract.

A text is in the contract's own spelling, where only its Unicode form differs. A number lies on the contract's steps,
and is whole if it can be: 0.30000000000000004 is 0.3, and 3.0 is 3. A multi-label has the contract's order. Spans and
boxes stay as they are; a part may be a model or its JSON.
"""


def label_reader(contract: LabelContract) -> LabelReader:
    """Return the reader of a contract's labels."""
    kind = contract.label
    match kind:
        case CategoricalLabel():
            return _one_of(kind.values)
        case PairwiseLabel():
            return _one_of(("left", "right", "tie") if kind.ties else ("left", "right"))
        case MultilabelLabel():
            return _several_of(kind)
        case OrdinalLabel():
            return lambda label: None if isinstance(label, bool) else on_scale(label, kind)
        case _:
            return _parts_of(frozenset(kind.values))


def gold_reader(contract: LabelContract) -> LabelReader:
    """Return the reader of gold labels, which people often write by hand.

    Beside what `label_reader` reads, one text is a multi-label of one value, and a number may be written as a text.
    """
    read = label_reader(contract)

    def gold(label: Any) -> Any:  # noqa: ANN401  # any JSON
        if isinstance(label, str) and contract.label.kind == "multilabel":
            return read([label])
        if isinstance(label, str) and contract.label.kind == "ordinal":
            return read(_number(label))
        return read(label)

    return gold


def is_same(one: object, other: object) -> bool:
    """Return whether two labels are written in the same way: 3 and 3.0 are not."""
    return one == other and (not isinstance(one, int | float) or type(one) is type(other))


def on_scale(label: object, scale: OrdinalLabel) -> int | float | None:
    """Return a number on a scale's steps, whole if it can be; None for what is not on the scale."""
    if not isinstance(label, int | float) or not math.isfinite(label) or not scale.low <= label <= scale.high:
        return None
    if scale.step is None:
        return whole_if_possible(float(label))
    steps = (label - scale.low) / scale.step
    if not math.isfinite(steps) or abs(steps) > _MOST_STEPS or abs(steps - round(steps)) >= _ROUNDING:
        return None
    return whole_if_possible(round(scale.low + round(steps) * scale.step, _DECIMALS))


def whole_if_possible(number: float) -> int | float:
    """Return a number as an int if it is a whole one: 3.0 is 3."""
    return int(number) if number.is_integer() and abs(number) < _MOST_STEPS else number


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _one_of(values: Sequence[str]) -> LabelReader:
    known = _spellings(values)
    return lambda label: known.get(label) or known.get(_composed(label)) if isinstance(label, str) else None


def _spellings(values: Sequence[str]) -> Mapping[str, str]:
    """Return the contract's labels by themselves and by their composed Unicode form."""
    return {_composed(value): value for value in values} | {value: value for value in values}


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _several_of(kind: MultilabelLabel) -> LabelReader:
    known = _spellings(kind.values)
    order = {value: place for place, value in enumerate(kind.values)}
    least, most = kind.min_count, len(kind.values) if kind.max_count is None else kind.max_count

    def read(label: Any) -> Any:  # noqa: ANN401  # any JSON
        if not isinstance(label, list) or not all(isinstance(one, str) for one in label):
            return None
        found = [known.get(one) or known.get(_composed(one)) for one in label]
        if None in found or len(set(found)) < len(found) or not least <= len(found) <= most:
            return None
        return sorted(found, key=lambda value: order[str(value)])

    return read


def _parts_of(known: frozenset[str]) -> LabelReader:
    def read(label: Any) -> Any:  # noqa: ANN401  # any JSON
        if not isinstance(label, list):
            return None
        names = [one.label if isinstance(one, Span | Box) else one.get("label") for one in label if _is_part(one)]
        return label if len(names) == len(label) and all(name in known for name in names) else None

    return read


def _is_part(one: object) -> bool:
    return isinstance(one, Span | Box | dict)
