"""What a reviewer can decide: the labels of the contract, or the answers that were given."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import StrictFloat, StrictInt, StrictStr, TypeAdapter, ValidationError

from assay_models.consistency.classes import class_names, number_of
from assay_schemas.annotation import Box, Label, Span
from assay_schemas.contract.label_contract import LabelContract

KEYS = "1234567890abcdefghijklmopqrtvwxyz"
"""What chooses, in this order; `n`, `s` and `u` are for other things."""

_MOST_STEPS = len(KEYS)
_WRITTEN: Mapping[str, TypeAdapter[Any]] = {
    "multilabel": TypeAdapter(list[StrictStr]),
    "ordinal": TypeAdapter(StrictInt | StrictFloat),
    "spans": TypeAdapter(list[Span]),
    "boxes": TypeAdapter(list[Box]),
}
"""How the archive writes the labels that are no text, by the contract's kind."""


class Choice(NamedTuple):
    """One label that can be decided, the key for it ('' where there are more than keys), and how it is shown."""

    key: str
    label: Label
    shown: str


def choices_of(contract: LabelContract, given: Sequence[str]) -> Sequence[Choice]:
    """Return what can be decided. `given` are the answers so far, as the archive writes them.

    Where a label is a list of parts, or any number, a reviewer chooses among the answers; several labels of one item
    are chosen one by one (see `is_many`). Answers of another kind, from before the contract changed, are left out.
    """
    kind = contract.label
    if kind.kind in {"categorical", "multilabel"}:
        return _keyed([(value, value) for value in kind.values])
    names = class_names(kind)
    if names is not None and kind.kind == "pairwise":
        return _keyed([(name, name) for name in names])
    if names is not None and len(names) <= _MOST_STEPS:
        return _keyed([(number_of(name), name) for name in names])
    answers = [(typed(contract, text), text) for text in dict.fromkeys(given)]
    return _keyed([(label, text) for label, text in answers if label is not None])


def is_many(contract: LabelContract) -> bool:
    """Tell whether a label is several of the choices."""
    return contract.label.kind == "multilabel"


def typed(contract: LabelContract, text: str) -> Label | None:
    """Return a label that the archive has written as text; None where it is of another kind than the contract's."""
    written = _WRITTEN.get(contract.label.kind)
    if written is None:
        return text
    try:
        label: Label = written.validate_json(text)
    except ValidationError:
        return None
    return label


def number_typed(contract: LabelContract, text: str) -> Label:
    """Return a number that a reviewer has typed; raise ValueError with what was expected."""
    low, high = getattr(contract.label, "low", 0.0), getattr(contract.label, "high", 0.0)
    expected = f"'{text}' is no number from {low:g} to {high:g}"
    try:
        number = number_of(text.strip())
    except ValueError:
        raise ValueError(expected) from None
    if not low <= number <= high:
        raise ValueError(expected)
    return number


def _keyed(labels: Sequence[tuple[Label, str]]) -> Sequence[Choice]:
    return [
        Choice(KEYS[place] if place < len(KEYS) else "", label, shown) for place, (label, shown) in enumerate(labels)
    ]
