"""The labels a reviewer can choose: those of the contract, or those already given."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import StrictFloat, StrictInt, StrictStr, TypeAdapter, ValidationError

from assay_models.consistency.classes import class_names, number_of
from assay_schemas.annotation import Box, Label, Span
from assay_schemas.contract.label_contract import LabelContract

KEYS = "1234567890abcdefghijklmopqrtvwxyz"
"""The keys of the choices, in this order; `n`, `s` and `u` have other functions."""

_MOST_STEPS = len(KEYS)
_ADAPTERS: Mapping[str, TypeAdapter[Any]] = {
    "multilabel": TypeAdapter(list[StrictStr]),
    "ordinal": TypeAdapter(StrictInt | StrictFloat),
    "spans": TypeAdapter(list[Span]),
    "boxes": TypeAdapter(list[Box]),
}
"""How the archive serializes labels that are not text, by the contract's kind."""


class Choice(NamedTuple):
    """One label to choose, its key ('' if there are more labels than keys), and its text."""

    key: str
    label: Label
    shown: str


def choices_of(contract: LabelContract, given: Sequence[str]) -> Sequence[Choice]:
    """Return the labels to choose from. `given` are the labels so far, as the archive serializes them.

    If a label is a list of parts, or any number, a reviewer chooses among the given ones. Several labels of one item
    are chosen one by one (see `is_many`). Labels of another kind, from before the contract changed, are omitted.
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
    """Return whether a label consists of several choices."""
    return contract.label.kind == "multilabel"


def typed(contract: LabelContract, text: str) -> Label | None:
    """Return a label from its text in the archive; None if its kind differs from the contract's."""
    adapter = _ADAPTERS.get(contract.label.kind)
    if adapter is None:
        return text
    try:
        label: Label = adapter.validate_json(text)
    except ValidationError:
        return None
    return label


def number_typed(contract: LabelContract, text: str) -> Label:
    """Return the number a reviewer typed; raise ValueError if it is not on the scale."""
    low, high = getattr(contract.label, "low", 0.0), getattr(contract.label, "high", 0.0)
    expected = f"'{text}' is not a number from {low:g} to {high:g}."
    try:
        number = number_of(text.strip())
    except ValueError:
        raise ValueError(expected) from None
    if not low <= number <= high:
        raise ValueError(expected)
    return number


def _keyed(labels: Sequence[tuple[Label, str]]) -> Sequence[Choice]:
    return [
        Choice(KEYS[index] if index < len(KEYS) else "", label, shown) for index, (label, shown) in enumerate(labels)
    ]
