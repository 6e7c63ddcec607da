"""Agreement coefficients computed from plain lists of labels, for notebooks and scripts."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from assay_models.agreement.contingency import PatternTable, pattern_of
from assay_models.agreement.estimate import Estimate
from assay_models.agreement.krippendorff import interval_alpha, nominal_alpha, ordinal_alpha, ratio_alpha

Labels = Iterable[str | float | Collection[str]]
"""The labels of one item, one per annotator; annotators without a label are left out."""

_ALPHAS: Mapping[str, Callable[[PatternTable], Estimate | None]] = MappingProxyType(
    {"nominal": nominal_alpha, "ordinal": ordinal_alpha, "interval": interval_alpha, "ratio": ratio_alpha}
)


def pattern_table(items: Iterable[Labels]) -> PatternTable:
    """Return the number of items with each pattern of labels: the input of every coefficient of this package."""
    return Counter(pattern_of(labels) for labels in items)


def krippendorff_alpha(
    items: Iterable[Labels], *, level: Literal["nominal", "ordinal", "interval", "ratio"] = "nominal"
) -> Estimate | None:
    """Return Krippendorff's alpha with its 95 % interval, or None where it is undefined.

    `level` is the level of measurement. 1 is perfect agreement, 0 is chance, below 0 is worse than chance. Undefined
    when no item has two labels, or when only one value occurs. Krippendorff 2011, "Computing Krippendorff's
    Alpha-Reliability".
    """
    return _ALPHAS[level](pattern_table(items))
