"""The consistency model: trains a text classifier on votes and scores labels with it."""

from typing import TYPE_CHECKING

from assay_schemas.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from assay_models.consistency.onnx_scorer import OnnxScorer, load_scorer
    from assay_models.consistency.trainer import fit_model

__all__ = [
    "OnnxScorer",
    "fit_model",
    "load_scorer",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "OnnxScorer": "onnx_scorer",
        "fit_model": "trainer",
        "load_scorer": "onnx_scorer",
    },
)
