"""From the votes' likelihoods to responsibilities (for the counts) and to calibrated posteriors (to publish)."""

from dataclasses import dataclass, field

import numpy as np

from assay_models.truth.categorical.confusion_counts import UNITS
from assay_models.truth.categorical.emission import PooledCounts, Strengths
from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray, VoteArrays, across
from assay_models.truth.label_form import FIRST_LAPSE

_CLASS_VOTES = 4.0
_LEAST = 1e-4
_MOST_CANDIDATES = 8


@dataclass(frozen=True, slots=True)
class Learned:
    """The hyper-parameters that a model estimates beside the counts; plain data, to be stored and loaded.

    `strengths`: of the priors, in votes. `correlation` (0-1): how far one vote on an item repeats the others on that
    item. `voice` (0 and up): weight of the consistency model's log-probability. `lapse` (0-1): share of items that all
    annotators may misjudge, where the votes carry no information. `work`: votes judged so far; `due`: the value of
    `work` at which to estimate again.
    """

    strengths: Strengths = field(default_factory=Strengths)
    correlation: float = 0.2
    voice: float = 0.5
    lapse: float = FIRST_LAPSE
    work: int = 0
    due: int = 1_000


@dataclass(frozen=True, slots=True)
class Logits:
    """Summed log-probabilities per item, (items, classes), by source; `sizes`: weighted number of votes, (items,)."""

    prior: FloatArray
    votes: FloatArray
    view: FloatArray | None
    sizes: FloatArray


def logits_of(
    ballots: VoteArrays, logarithms: FloatArray, mine: IntegerArray | None, pool: PooledCounts, view: FloatArray | None
) -> Logits:
    """Return the items' logits from the votes' log-likelihoods, (votes, classes).

    The prior of a class is its share of all votes without those of the item itself. `view` is a model's probability,
    (items, classes), NaN where it has none; it contributes its log-ratio to the prior.
    """
    sizes = ballots.sizes()
    own = 0.0 if mine is None else mine * (sizes / UNITS)[:, None]
    classes = np.maximum(pool.votes - own, 0) + np.full((ballots.count, 1), _CLASS_VOTES)
    prior = np.log(classes / across(np.add, classes)[:, None])
    evidence = None if view is None else np.where(np.isnan(view), 0.0, np.log(np.maximum(view, _LEAST)) - prior)
    return Logits(prior, ballots.per_item(logarithms * ballots.share[:, None]), evidence, sizes)


def update_posteriors(logits: Logits, learned: Learned) -> IntegerArray:
    """Return the responsibilities of the classes, (items, classes), in millionths."""
    view = 0.0 if logits.view is None else learned.voice * logits.view
    return np.rint(softmax(logits.prior + logits.votes + view) * UNITS).astype(np.int64)


def publish(logits: Logits, learned: Learned) -> FloatArray:
    """Return the class probabilities to publish, (items, classes): tempered for correlated votes, with a floor.

    The summed log-likelihoods of n votes are divided by 1 + correlation (n - 1), the design effect of a cluster sample
    (Kish 1965, section 5.4). The share `lapse` is spread evenly over all classes: some items are misjudged by
    everybody, and no number of votes shows which.
    """
    tempered = temper(logits.prior, logits.votes, logits.sizes, logits.view, learned)
    without_lapse = (1 - learned.lapse) * tempered
    return np.asarray(without_lapse + learned.lapse / tempered.shape[1])


def temper(
    prior: FloatArray, votes: FloatArray, sizes: FloatArray, view: FloatArray | None, learned: Learned
) -> FloatArray:
    """Return the class probabilities with the votes discounted for correlation, without lapses."""
    effect = 1 + learned.correlation * np.maximum(sizes - 1, 0)
    added = 0.0 if view is None else learned.voice * view
    return softmax((prior + votes) / effect[:, None] + added)


def gain_of_a_vote(posterior: FloatArray, pool: PooledCounts) -> FloatArray:
    """Return the expected increase of the probability of being right from one more vote, (items,), 0-1.

    The criterion of ActiveLab (Goh & Mueller 2023, section 3), for an average annotator of the pool: the sum over
    labels of the highest joint probability, less the highest probability now. Only the eight most probable classes
    compete.
    """
    top = np.argsort(-posterior, axis=1, kind="stable")[:, :_MOST_CANDIDATES]
    likely = np.take_along_axis(posterior, top, axis=1)
    rows = pool.confusion()
    best = posterior * pool.right
    for place in range(top.shape[1]):
        best = np.maximum(best, likely[:, place, None] * rows[top[:, place]])
    return np.asarray(np.maximum(across(np.add, best) - across(np.maximum, posterior), 0.0))


def softmax(logits: FloatArray) -> FloatArray:
    """Return the softmax of each row."""
    powers = np.exp(logits - across(np.maximum, logits)[:, None])
    return np.asarray(powers / across(np.add, powers)[:, None])
