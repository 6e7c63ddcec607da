"""The E-step: class posteriors of items from their votes, with each item's own contribution to the counts removed."""

from dataclasses import dataclass

import numpy as np

from assay_models.truth.categorical.confusion_counts import ConfusionCounts
from assay_models.truth.categorical.emission import Cavity, PooledCounts, Strengths, cavity_of, likelihood, pool_of
from assay_models.truth.categorical.posterior import Logits, logits_of
from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray, VoteArrays


@dataclass(frozen=True, slots=True)
class Posteriors:
    """Result of the E-step, with its intermediate values.

    `cavity`: the voters' counts without the items themselves; `logarithms`: the log-likelihood of each vote under each
    true class, (votes, classes); `logits`: the summed log-probabilities per item.
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
    """Return the E-step of these items.

    `mine`: the items' responsibilities, (items, classes), in millionths; give them if the tally contains these items.
    `view`: a consistency model's probabilities, (items, classes), NaN where it has none.
    """
    pool = pool_of(tally)
    cavity = cavity_of(ballots, tally, mine, pool)
    logarithms = np.log(likelihood(cavity, pool, strengths))
    return Posteriors(ballots, cavity, pool, logarithms, logits_of(ballots, logarithms, mine, pool, view))
