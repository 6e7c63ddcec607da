"""Truth inference: the most probable label of each item, and how reliable each annotator is."""

from typing import TYPE_CHECKING

from assay_schemas.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from assay_models.truth.factory import make_truth
    from assay_models.truth.inference import InferredTruth, infer_truth
    from assay_models.truth.truth_model import Accuracy, GivenLabel, ItemFacts, ItemJudgement, TruthModel

__all__ = [
    "Accuracy",
    "GivenLabel",
    "InferredTruth",
    "ItemFacts",
    "ItemJudgement",
    "TruthModel",
    "infer_truth",
    "make_truth",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "Accuracy": "truth_model",
        "GivenLabel": "truth_model",
        "InferredTruth": "inference",
        "ItemFacts": "truth_model",
        "ItemJudgement": "truth_model",
        "TruthModel": "truth_model",
        "infer_truth": "inference",
        "make_truth": "factory",
    },
)
