"""Fleiss' kappa: agreement beyond what interchangeable annotators with this label distribution reach by chance."""

import numpy as np

from assay_models.agreement.arrays import PAIR, PatternCounts, counts_of, padded
from assay_models.agreement.contingency import PatternTable
from assay_models.agreement.estimate import Disagreements, Estimate, estimate_of, slants_of


def fleiss_kappa(table: PatternTable) -> Estimate | None:
    """Return Fleiss' kappa, or None where it is undefined.

    1 is perfect agreement, 0 is chance, below 0 is worse than chance. Undefined when no item has two labels, or when
    only one value occurs. Fleiss 1971, generalised to varying numbers of annotators as in Gwet 2014, "Handbook of
    Inter-Rater Reliability", chapter 2: every item has the same weight, whatever its number of labels, and items with
    one label count only for the shares of the values.
    """
    counts = counts_of(table)
    if not counts.has_pairs or len(counts.values) < PAIR:
        return None
    return estimate_of(_parts(counts), _parts(padded(counts)))


def _parts(counts: PatternCounts) -> Disagreements:
    profiles = counts.profiles
    shares = counts.items @ profiles / counts.items.sum()
    expected = 1 - float(shares @ shares)
    return Disagreements(
        items=counts.items,
        pair_weights=(counts.sizes >= PAIR).astype(np.float64),
        distances=(counts.sizes**2 - (counts.votes**2).sum(axis=1)) / counts.pairs,
        share_weights=np.ones_like(counts.items),
        slants=slants_of(profiles, shares, 2 * shares / expected),
        expected=expected,
        floor=-1 / (counts.annotators - 1),
    )
