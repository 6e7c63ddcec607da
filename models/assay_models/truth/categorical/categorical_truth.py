"""The truth of labels that are one of a list: categories, sides of a pair, steps of a scale."""

from assay_models.consistency.classes import class_names, number_of
from assay_models.truth.categorical.label_adapter import NamedStream
from assay_schemas.annotation import Label
from assay_schemas.contract.label_contract import LabelContract


class CategoricalTruth(NamedStream):
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
