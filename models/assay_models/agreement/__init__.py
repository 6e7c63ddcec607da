"""Agreement of annotators: coefficients with 95 % intervals."""

from typing import TYPE_CHECKING

from assay_schemas.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from assay_models.agreement.boxes import box_agreement
    from assay_models.agreement.cohen import cohen_kappa
    from assay_models.agreement.contingency import PatternTable
    from assay_models.agreement.estimate import Estimate
    from assay_models.agreement.fleiss import fleiss_kappa
    from assay_models.agreement.gwet import gwet_ac1
    from assay_models.agreement.krippendorff import (
        interval_alpha,
        jaccard_alpha,
        masi_alpha,
        nominal_alpha,
        ordinal_alpha,
        ratio_alpha,
    )
    from assay_models.agreement.label_lists import krippendorff_alpha, pattern_table
    from assay_models.agreement.observed_agreement import percent_agreement
    from assay_models.agreement.spans import unitizing_alpha

__all__ = [
    "Estimate",
    "PatternTable",
    "box_agreement",
    "cohen_kappa",
    "fleiss_kappa",
    "gwet_ac1",
    "interval_alpha",
    "jaccard_alpha",
    "krippendorff_alpha",
    "masi_alpha",
    "nominal_alpha",
    "ordinal_alpha",
    "pattern_table",
    "percent_agreement",
    "ratio_alpha",
    "unitizing_alpha",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "Estimate": "estimate",
        "PatternTable": "contingency",
        "box_agreement": "boxes",
        "cohen_kappa": "cohen",
        "fleiss_kappa": "fleiss",
        "gwet_ac1": "gwet",
        "interval_alpha": "krippendorff",
        "jaccard_alpha": "krippendorff",
        "krippendorff_alpha": "label_lists",
        "masi_alpha": "krippendorff",
        "nominal_alpha": "krippendorff",
        "ordinal_alpha": "krippendorff",
        "pattern_table": "label_lists",
        "percent_agreement": "observed_agreement",
        "ratio_alpha": "krippendorff",
        "unitizing_alpha": "spans",
    },
)
