"""Which form of truth model a contract's labels have, and how sure it can get; without numerical libraries."""

from typing import Final

from assay_models.consistency.classes import class_names
from assay_schemas.contract.label_contract import LabelContract

FIRST_LAPSE: Final = 0.06
"""The share (0-1) of items that everybody misjudges, until gold has taught another one."""
_KINDS = {"multilabel", "spans", "boxes"}
_MOST_STEPS = 20
"""An ordinal scale with more steps than this is treated as numeric, not as classes."""


def truth_form(contract: LabelContract) -> str:
    """Return the form of a contract's truth model: counts and posteriors of one form cannot be read by another."""
    kind = contract.label.kind
    if kind == "ordinal" and len(class_names(contract.label) or range(_MOST_STEPS + 1)) > _MOST_STEPS:
        return "numbers"
    return kind if kind in _KINDS else "classes"


def most_certain(contract: LabelContract) -> float | None:
    """Return the largest probability (0-1) that an item without gold can reach; None if it has no such bound.

    Some items are misjudged by everybody, and no number of votes shows which: their share is spread evenly over the
    labels (`truth.categorical.posterior.publish`).
    """
    names = class_names(contract.label)
    if truth_form(contract) != "classes" or not names:
        return None
    return 1 - FIRST_LAPSE + FIRST_LAPSE / len(names)
