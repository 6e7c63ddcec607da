"""Choice of the truth model for a contract's kind of label."""

from collections.abc import Callable, Mapping

from assay_models.consistency.classes import class_names, number_of
from assay_models.truth.categorical.label_adapter import LabelAdapter
from assay_models.truth.label_form import truth_form
from assay_models.truth.multilabel.multilabel_truth import MultilabelTruth
from assay_models.truth.numeric.numeric_truth import NumericTruth
from assay_models.truth.regions.region_truth import RegionTruth
from assay_models.truth.truth_model import TruthModel
from assay_schemas.annotation import Label
from assay_schemas.contract.label_contract import LabelContract


class CategoricalTruth(LabelAdapter):
    """Truth model for labels of one class each, the classes being those of the contract. Mutable."""

    def __init__(self, contract: LabelContract) -> None:
        """Start without items, with the classes of the contract."""
        read = _number_or_text if contract.label.kind == "ordinal" else str
        super().__init__(class_names(contract.label) or (), read=read, admits_stored=False)


def _number_or_text(name: str) -> Label:
    """Return the number that a class name denotes, or the name itself where it denotes no number."""
    try:
        return number_of(name)
    except ValueError:
        return name


def make_truth(contract: LabelContract) -> TruthModel:
    """Return a new truth model for the contract's kind of label."""
    return _MODELS[truth_form(contract)](contract)


_MODELS: Mapping[str, Callable[[LabelContract], TruthModel]] = {
    "multilabel": MultilabelTruth,
    "spans": RegionTruth,
    "boxes": RegionTruth,
    "numbers": NumericTruth,
    "classes": CategoricalTruth,
}
