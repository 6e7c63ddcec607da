"""EM over all votes at once, to convergence: the result that the online version should reach on the same votes."""

from dataclasses import dataclass

import numpy as np

from assay_models.truth.categorical.confusion_counts import UNITS, ConfusionCounts
from assay_models.truth.categorical.e_step import Posteriors, judge
from assay_models.truth.categorical.hyperparameters import learn, weigh, weighed
from assay_models.truth.categorical.posterior import Learned, publish, update_posteriors
from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray, VoteArrays

_TOLERANCE = 1e-3
MOST_PASSES = 60
MOST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Fit:
    """Result of `fit`: `posterior` to publish and `responsibilities`, both (items, classes), 0-1."""

    posterior: FloatArray
    responsibilities: FloatArray
    learned: Learned
    tally: ConfusionCounts


def fit(
    ballots: VoteArrays,
    classes: int,
    *,
    view: FloatArray | None = None,
    learned: Learned | None = None,
    most_rounds: int = MOST_ROUNDS,
    most_passes: int = MOST_PASSES,
) -> Fit:
    """Return the posteriors of all items, estimated from all votes.

    `view` is a consistency model's probabilities, (items, classes), NaN where it has none. The hyper-parameters are
    estimated as well, unless `learned` is given. There are at most `most_rounds` estimates of them, and between two at
    most `most_passes` passes over the items.
    """
    units = _shares(ballots, classes)
    current = learned or Learned()
    for _ in range(most_rounds):
        units = _converged(ballots, units, view, current, most_passes)
        if learned is None:
            evidence = weighed(weigh(_judged(ballots, units, view, current), current))
            before, current = current, learn(current, evidence)
            if current == before:
                break
    judged = _judged(ballots, units, view, current)
    return Fit(publish(judged.logits, current), units / UNITS, current, _counted(ballots, units))


def _converged(
    ballots: VoteArrays, units: IntegerArray, view: FloatArray | None, learned: Learned, most_passes: int
) -> IntegerArray:
    for _ in range(most_passes):
        before, units = units, update_posteriors(_judged(ballots, units, view, learned).logits, learned)
        if np.abs(units - before).max(initial=0) < _TOLERANCE * UNITS:
            break
    return units


def _judged(ballots: VoteArrays, units: IntegerArray, view: FloatArray | None, learned: Learned) -> Posteriors:
    return judge(ballots, _counted(ballots, units), learned.strengths, mine=units, view=view)


def _counted(ballots: VoteArrays, units: IntegerArray) -> ConfusionCounts:
    tally = ConfusionCounts(units.shape[1])
    tally.add(ballots, units)
    return tally


def _shares(ballots: VoteArrays, classes: int) -> IntegerArray:
    given = np.zeros((len(ballots.row), classes))
    given[np.arange(len(ballots.row)), ballots.label] = ballots.share
    votes = ballots.per_item(given) + 1e-9
    return np.asarray(np.rint(votes / votes.sum(axis=1, keepdims=True) * UNITS), np.int64)
