"""Which truth model goes with which kind of label."""

from assay_models.consistency.classes import class_names
from assay_models.truth.categorical.categorical_truth import CategoricalTruth
from assay_models.truth.multilabel.multilabel_truth import MultilabelTruth
from assay_models.truth.numeric.numeric_truth import NumericTruth
from assay_models.truth.regions.region_truth import MarksTruth
from assay_models.truth.truth_model import Truth
from assay_schemas.contract.label_contract import LabelContract

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
