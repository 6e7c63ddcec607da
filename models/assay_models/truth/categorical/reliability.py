"""An annotator's accuracy with its credible interval, from confusion counts."""

from dataclasses import dataclass

from assay_models.intervals import interval
from assay_models.truth.categorical.confusion_counts import SparseCounts
from assay_models.truth.categorical.emission import PooledCounts

_POOL_VOTES = 2.0


@dataclass(frozen=True, slots=True)
class AnnotatorAccuracy:
    """An annotator's accuracy with its 95 % credible interval, all 0-1.

    `votes`: the weighted number of votes it is estimated from; `confusion`: the expected counts per true class and
    given label.
    """

    accuracy: float
    low: float
    high: float
    votes: float
    confusion: SparseCounts


def reliability_of(counts: SparseCounts, pool: PooledCounts) -> AnnotatorAccuracy:
    """Return the accuracy that these counts give, with a prior of two votes at the pool's accuracy.

    Without votes it is the pool's accuracy, with a very wide interval.
    """
    votes = sum(count for _, _, count in counts)
    right = sum(count for truth, label, count in counts if truth == label)
    hits = right + _POOL_VOTES * pool.accuracy
    misses = max(votes - right, 0.0) + _POOL_VOTES * (1 - pool.accuracy)
    low, high = interval(hits, misses)
    return AnnotatorAccuracy(hits / (hits + misses), low, high, votes, counts)
