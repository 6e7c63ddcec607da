"""Confident learning: estimates of the label error rate per class, and the resulting flagging thresholds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay_models.consistency.calibration import skill_score

MAX_FLAGGED_SHARE = 0.1
"""Limit on the flagged share of a class: people cannot check more, however many labels are wrong."""

MAX_THRESHOLD = 0.5
"""A label with a probability of at least 0.5 is the likeliest one and is never flagged."""

MIN_SKILL = 0.05
"""Below this skill score the model is hardly better than the class frequencies and flags nothing."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Per class, all 0-1; see `thresholds_of`."""

    confident: tuple[float, ...]
    error_shares: tuple[float, ...]
    flagging: tuple[float, ...]
    flagged_shares: tuple[float, ...]


def thresholds_of(probabilities: NDArray[np.float64], votes: NDArray[np.float64]) -> Thresholds:
    """Return the thresholds of each class from out-of-fold probabilities and votes, both (items, classes).

    Northcutt, Jiang & Chuang 2021, "Confident Learning", section 3.1. The confident threshold of a class is the mean
    probability of the class among its own votes. In the confident joint, a vote counts towards the likeliest class
    that reaches its threshold; the share of a class's votes that count towards another class estimates its error rate.
    The flagging threshold of a class is the quantile of its votes' own probability at that share (at most
    `MAX_FLAGGED_SHARE`), limited to `MAX_THRESHOLD`: about as many labels are flagged as are estimated to be wrong,
    the least probable first. It is 0, which flags nothing, if no vote of the class is estimated to be wrong or the
    model's skill is below `MIN_SKILL`. Every class needs at least one vote.
    """
    totals = votes.sum(axis=0)
    confident = (votes * probabilities).sum(axis=0) / totals
    errors = _error_shares(probabilities, votes, confident)
    shares = np.minimum(errors, MAX_FLAGGED_SHARE if skill_score(probabilities, votes) >= MIN_SKILL else 0.0)
    quantiles = [_quantile(*column) for column in zip(probabilities.T, votes.T, shares.tolist(), strict=True)]
    flagging = np.where(shares > 0, np.minimum(quantiles, MAX_THRESHOLD), 0.0)
    flagged = (votes * (probabilities < flagging)).sum(axis=0) / totals
    return Thresholds(*(tuple(values.tolist()) for values in (confident, errors, flagging, flagged)))


def _error_shares(
    probabilities: NDArray[np.float64], votes: NDArray[np.float64], confident: NDArray[np.float64]
) -> NDArray[np.float64]:
    reached = probabilities >= confident
    likeliest = np.where(reached, probabilities, -1.0).argmax(axis=1)
    sure = reached.any(axis=1)
    classes = votes.shape[1]
    joint = np.zeros((classes, classes))  # given label by likeliest class
    np.add.at(joint.T, likeliest[sure], votes[sure])
    counted = joint.sum(axis=1)
    return np.where(counted > 0, 1 - joint.diagonal() / np.maximum(counted, 1), 0.0)


def _quantile(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """Return the largest value with at most `share` of the weight strictly below it."""
    order = np.argsort(values, kind="stable")
    order = order[weights[order] > 0]
    below = np.cumsum(weights[order]) - weights[order]
    last = int(np.searchsorted(below, share * weights.sum(), side="right")) - 1
    return float(values[order[last]])
