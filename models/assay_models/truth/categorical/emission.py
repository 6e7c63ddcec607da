"""The likelihood of a vote under each true class: the annotator's counts, shrunk towards the pool.

Dawid & Skene 1979, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm", section 3, with a
prior on each annotator's rows. A row is split in two (a Dirichlet tree: Dennis 1991, section 2): whether the vote is
right, and which label is given if it is wrong. The former is shrunk towards the mean of the pool's rate for the class
and the annotator's own rate over all classes, the latter towards the pool's errors.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay_models.truth.categorical.confusion_counts import PER_VOTE, ConfusionCounts
from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray, VoteArrays, across

_FIRST_ACCURACY = 0.7
_FIRST_VOTES = 20.0
_POOL_VOTES = 16.0
_OWN_VOTES = 2.0
_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class Strengths:
    """Strengths of the priors, in votes: on being right (`accuracy`), on the label given if wrong (`errors`)."""

    accuracy: float = 8.0
    errors: float = 64.0


@dataclass(frozen=True, slots=True)
class PooledCounts:
    """The rates of all annotators together.

    `accuracy`: share of right votes over all classes; `right`: the same per true class, (classes,); `errors`:
    distribution of the wrong labels, (label, true class); `votes`: number of votes per true class, (classes,).
    """

    accuracy: float
    right: FloatArray
    errors: FloatArray
    votes: FloatArray

    def confusion(self) -> FloatArray:
        """Return the probability of each label under each true class, (true class, label)."""
        rows = (self.errors * (1 - self.right)).T
        np.fill_diagonal(rows, self.right)
        return np.asarray(rows)


@dataclass(frozen=True, slots=True)
class Cavity:
    """The counts of each vote's annotator from all items but the vote's own; arrays (votes, classes).

    `own`: the annotator's accuracy over all classes, (votes, 1); `hit`: whether the class is the one voted for;
    `errors`: the pool's rate of this label among the errors.
    """

    right: FloatArray
    total: FloatArray
    given: FloatArray | None
    own: FloatArray
    hit: NDArray[np.bool_]
    errors: FloatArray


def pool_of(tally: ConfusionCounts) -> PooledCounts:
    """Return the pooled rates, shrunk towards an accuracy of 0.7."""
    right, total, cells = tally.pool_right / PER_VOTE, tally.pool_total / PER_VOTE, tally.pool / PER_VOTE
    classes = len(right)
    accuracy = (right.sum() + _FIRST_VOTES * _FIRST_ACCURACY) / (total.sum() + _FIRST_VOTES)
    errors = np.maximum(cells, 0) + _POOL_VOTES / max(classes - 1, 1)
    np.fill_diagonal(errors, 0)
    errors = errors / np.maximum(errors.sum(axis=0), _FLOOR)
    return PooledCounts(float(accuracy), (right + _POOL_VOTES * accuracy) / (total + _POOL_VOTES), errors, total)


def cavity_of(ballots: VoteArrays, tally: ConfusionCounts, mine: IntegerArray | None, pool: PooledCounts) -> Cavity:
    """Return the voters' counts with these items' own contribution removed.

    `mine`: the items' responsibilities, (items, classes), in millionths; give them if the tally contains these items.
    Without the removal, annotators with few votes would seem reliable, because the items follow their own votes.
    """
    right, total, given = tally.gather(ballots)
    votes = np.arange(len(ballots.row))
    hit = np.zeros(right.shape, np.bool_)
    hit[votes, ballots.label] = True
    if mine is not None:
        contribution = mine[ballots.row] * (ballots.weight / PER_VOTE)[:, None]
        total = total - contribution
        right[votes, ballots.label] -= contribution[votes, ballots.label]
        given = given - contribution if given is not None else None
    own = (across(np.add, right) + _OWN_VOTES * pool.accuracy) / (across(np.add, total) + _OWN_VOTES)
    return Cavity(right, total, given, own[:, None], hit, pool.errors[ballots.label])


def likelihood(cavity: Cavity, pool: PooledCounts, strengths: Strengths) -> FloatArray:
    """Return the probability of each vote under each true class, (votes, classes)."""
    expected = (pool.right + cavity.own) / 2
    right = (cavity.right + strengths.accuracy * expected) / (cavity.total + strengths.accuracy)
    right = np.clip(right, _FLOOR, 1 - _FLOOR)
    errors = cavity.errors
    if cavity.given is not None:
        wrong = np.maximum(cavity.total - cavity.right, 0)
        errors = (cavity.given + strengths.errors * errors) / (wrong + strengths.errors)
    return np.where(cavity.hit, right, np.maximum((1 - right) * errors, _FLOOR * _FLOOR))
