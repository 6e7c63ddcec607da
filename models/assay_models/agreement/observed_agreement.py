"""Percent agreement: how often two annotators give an item the same label."""

import numpy as np

from assay_models.agreement.arrays import PAIR, PatternCounts, counts_of, padded
from assay_models.agreement.contingency import PatternTable
from assay_models.agreement.estimate import Disagreements, Estimate, estimate_of


def percent_agreement(table: PatternTable) -> Estimate | None:
    """Return the share (0-1) of an item's pairs of labels that agree, averaged over items, or None without pairs.

    It is not corrected for chance. Every item has the same weight, whatever its number of labels.
    """
    counts = counts_of(table, least=PAIR)
    return estimate_of(_parts(counts), _parts(padded(counts))) if counts.has_pairs else None


def _parts(counts: PatternCounts) -> Disagreements:
    ones = np.ones_like(counts.items)
    return Disagreements(
        items=counts.items,
        pair_weights=ones,
        distances=(counts.sizes**2 - (counts.votes**2).sum(axis=1)) / counts.pairs,
        share_weights=ones,
        slants=np.zeros_like(ones),
        expected=1.0,
        floor=0.0,
    )
