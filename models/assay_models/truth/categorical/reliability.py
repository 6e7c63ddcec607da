"""How reliable an annotator is, and how sure one may be of that."""

from dataclasses import dataclass

from assay_models.intervals import interval
from assay_models.truth.categorical.confusion_counts import SparseCounts
from assay_models.truth.categorical.emission import PooledCounts

_POOL_VOTES = 2.0


@dataclass(frozen=True, slots=True)
class AnnotatorAccuracy:
    """An annotator's rate of being right with its 95 % credible interval, all 0-1.

    `votes`: how many it rests on, by weight; `confusion`: how often which label was said under which true class.
    """

    accuracy: float
    low: float
    high: float
    votes: float
    confusion: SparseCounts


def reliability_of(counts: SparseCounts, pool: PooledCounts) -> AnnotatorAccuracy:
    """Return what these counts say of an annotator, with two votes' worth of the pool's rate for a start.

    Without votes it is the pool's rate, with next to no certainty.
    """
    votes = sum(count for _, _, count in counts)
    right = sum(count for truth, label, count in counts if truth == label)
    hits = right + _POOL_VOTES * pool.accuracy
    misses = max(votes - right, 0.0) + _POOL_VOTES * (1 - pool.accuracy)
    low, high = interval(hits, misses)
    return AnnotatorAccuracy(hits / (hits + misses), low, high, votes, counts)
