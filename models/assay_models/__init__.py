"""The statistics of labelling as a library. Its subpackages are its public parts; the two most used names are here.

`agreement`: coefficients with intervals. `truth`: the most probable labels and the annotators' reliability. `conduct`:
detectors of annotators who guess, drift or copy. `rules`: contracts as checks. `consistency`: a text model that scores
labels.
"""

from typing import TYPE_CHECKING

from assay_schemas.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from assay_models.agreement.label_lists import krippendorff_alpha
    from assay_models.truth.inference import infer_truth

__all__ = ["infer_truth", "krippendorff_alpha"]

__getattr__ = lazy_exports(__name__, {"infer_truth": "truth.inference", "krippendorff_alpha": "agreement.label_lists"})
