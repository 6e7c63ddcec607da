"""Which truth model goes with which kind of label."""

from assay_models.consistency.classes import class_names, number_of
from assay_models.truth.categorical.label_adapter import LabelAdapter
from assay_models.truth.multilabel.multilabel_truth import MultilabelTruth
from assay_models.truth.numeric.numeric_truth import NumericTruth
from assay_models.truth.regions.region_truth import RegionTruth
from assay_models.truth.truth_model import TruthModel
from assay_schemas.annotation import Label
from assay_schemas.contract.label_contract import LabelContract


class CategoricalTruth(LabelAdapter):
    """One class per label of the contract. It changes in place."""

    def __init__(self, contract: LabelContract) -> None:
        """Begin with the contract's labels."""
        read = _number_or_text if contract.label.kind == "ordinal" else str
        super().__init__(class_names(contract.label) or (), read=read)

    def adopt(self, contract: LabelContract) -> None:
        """Take a newer contract: labels that are new come to those that are known, none is taken away."""
        self.admit(class_names(contract.label) or ())


def _number_or_text(name: str) -> Label:
    """Return the number of this name; the name where a label was given that is no number."""
    try:
        return number_of(name)
    except ValueError:
        return name


_MOST_STEPS = 20
"""With more steps than this, a scale is a measure and its steps are no classes."""


def make_truth(contract: LabelContract) -> TruthModel:
    """Return the truth model for a project's labels."""
    kind = contract.label.kind
    if kind == "multilabel":
        return MultilabelTruth(contract)
    if kind in {"spans", "boxes"}:
        return RegionTruth(contract)
    if kind == "ordinal" and len(class_names(contract.label) or range(_MOST_STEPS + 1)) > _MOST_STEPS:
        return NumericTruth(contract)
    return CategoricalTruth(contract)
