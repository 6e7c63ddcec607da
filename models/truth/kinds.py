"""Which truth model goes with which kind of label."""

from models.learned.classes import class_names
from models.truth.categorical import CategoricalTruth
from models.truth.judging import Truth
from models.truth.marks import MarksTruth
from models.truth.multilabel import MultilabelTruth
from models.truth.numeric import NumericTruth
from schemas.contract import LabelContract

_MOST_STEPS = 20
"""With more steps than this, a scale is a measure and its steps are no classes."""


def make_truth(contract: LabelContract) -> Truth:
    """Return the truth model for a project's labels."""
    kind = contract.label.kind
    if kind == "multilabel":
        return MultilabelTruth(contract)
    if kind in {"spans", "boxes"}:
        return MarksTruth(contract)
    if kind == "ordinal" and len(class_names(contract.label) or range(_MOST_STEPS + 1)) > _MOST_STEPS:
        return NumericTruth(contract)
    return CategoricalTruth(contract)
