"""One look at the votes of some items with what all other items say of their annotators."""

from dataclasses import dataclass

import numpy as np

from assay_models.truth.categorical.confusion_counts import Tally
from assay_models.truth.categorical.emission import Cavity, Pool, Strengths, cavity_of, likelihood, pool_of
from assay_models.truth.categorical.posterior import Logits, logits_of
from assay_models.truth.categorical.vote_arrays import Ballots, Floats, Integers


@dataclass(frozen=True, slots=True)
class Judged:
    """Items, what is known of their voters without them, and what follows for the classes.

    `logarithms`: how probable each vote is under each true class, (votes, classes).
    """

    ballots: Ballots
    cavity: Cavity
    pool: Pool
    logarithms: Floats
    logits: Logits


def judge(
    ballots: Ballots,
    tally: Tally,
    strengths: Strengths,
    *,
    mine: Integers | None = None,
    view: Floats | None = None,
) -> Judged:
    """Return what the votes say of the items.

    `mine`: the items' responsibilities, (items, classes), in millionths, where the tally contains them. `view`: a
    model's probabilities, (items, classes), NaN where there are none.
    """
    pool = pool_of(tally)
    cavity = cavity_of(ballots, tally, mine, pool)
    logarithms = np.log(likelihood(cavity, pool, strengths))
    return Judged(ballots, cavity, pool, logarithms, logits_of(ballots, logarithms, mine, pool, view))
