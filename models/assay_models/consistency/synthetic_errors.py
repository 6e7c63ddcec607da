"""Label errors planted on purpose: the only ones of which one knows where they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

PLANTED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Planted:
    """How well planted errors are found: by the model (or None), by class frequencies alone, of how many."""

    auroc: float | None
    baseline_auroc: float
    count: int


def plant_errors(
    votes: NDArray[np.float64], *, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the votes with a share of them moved to another class at random, and the moved ones alone.

    All have the shape (items, classes). At least one vote is moved.
    """
    classes = votes.shape[1]
    counts = votes.astype(np.int64)
    rows, given = (np.repeat(axis, counts[np.nonzero(counts)]) for axis in np.nonzero(counts))
    chosen = rng.choice(len(rows), size=max(1, round(share * len(rows))), replace=False)
    wrong = (given[chosen] + rng.integers(1, classes, size=len(chosen))) % classes
    moved = np.zeros_like(votes)
    np.add.at(moved, (rows[chosen], wrong), 1)
    taken = np.zeros_like(votes)
    np.add.at(taken, (rows[chosen], given[chosen]), 1)
    return votes - taken + moved, moved


def auroc_of(probabilities: NDArray[np.float64], noisy: NDArray[np.float64], moved: NDArray[np.float64]) -> float:
    """Return the chance that a moved vote is less probable than one left alone; ties count half.

    All have the shape (items, classes); `noisy` counts all votes, `moved` those of them that were moved.
    """
    suspicion = np.concatenate([1 - probabilities.ravel()] * 2)
    is_moved = np.repeat([1, 0], noisy.size)
    count = np.concatenate([moved.ravel(), (noisy - moved).ravel()])
    return float(roc_auc_score(is_moved, suspicion, sample_weight=count))
