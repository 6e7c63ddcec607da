"""Which truth model goes with which kind of label."""

from models.truth.categorical import CategoricalTruth
from models.truth.judging import Truth
from schemas.contract import LabelContract


def make_truth(contract: LabelContract) -> Truth:
    """Return the truth model for a project's labels."""
    return CategoricalTruth(contract)
