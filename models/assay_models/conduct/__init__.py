"""Conduct of annotators: detectors of guessing, drift, copying and more."""

from typing import TYPE_CHECKING

from assay_schemas.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from assay_models.conduct.judged_annotation import JudgedAnnotation
    from assay_models.conduct.stream import ConductStream

__all__ = [
    "ConductStream",
    "JudgedAnnotation",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "ConductStream": "stream",
        "JudgedAnnotation": "judged_annotation",
    },
)
