"""One look at the votes of some items with what all other items say of their annotators."""

from dataclasses import dataclass

import numpy as np

from assay_models.truth.categorical.confusion_counts import ConfusionCounts
from assay_models.truth.categorical.emission import Cavity, PooledCounts, Strengths, cavity_of, likelihood, pool_of
from assay_models.truth.categorical.posterior import Logits, logits_of
from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray, VoteArrays


@dataclass(frozen=True, slots=True)
class Posteriors:
    """Items, what is known of their voters without them, and what follows for the classes.

    `logarithms`: how probable each vote is under each true class, (votes, classes).
    """

    ballots: VoteArrays
    cavity: Cavity
    pool: PooledCounts
    logarithms: FloatArray
    logits: Logits


def judge(
    ballots: VoteArrays,
    tally: ConfusionCounts,
    strengths: Strengths,
    *,
    mine: IntegerArray | None = None,
    view: FloatArray | None = None,
) -> Posteriors:
    """Return what the votes say of the items.

    `mine`: the items' responsibilities, (items, classes), in millionths, where the tally contains them. `view`: a
    model's probabilities, (items, classes), NaN where there are none.
    """
    pool = pool_of(tally)
    cavity = cavity_of(ballots, tally, mine, pool)
    logarithms = np.log(likelihood(cavity, pool, strengths))
    return Posteriors(ballots, cavity, pool, logarithms, logits_of(ballots, logarithms, mine, pool, view))
