"""Dawid & Skene's model as they published it: maximum likelihood, without priors. A yardstick, not what we believe."""

from dataclasses import dataclass

import numpy as np

from assay_models.truth.categorical.posterior import softmax
from assay_models.truth.categorical.vote_arrays import FloatArray, VoteArrays

_TOLERANCE = 1e-10
MOST_PASSES = 1_000
_LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class MaximumLikelihood:
    """A fit: `posterior` (items, classes), `marginals` (classes,), `confusion` (annotators, true class, label).

    `log_likelihood` is that of all votes, in nats. Rows of the confusion without votes are 0.
    """

    posterior: FloatArray
    marginals: FloatArray
    confusion: FloatArray
    log_likelihood: float


def fit_maximum_likelihood(ballots: VoteArrays, classes: int, *, most_passes: int = MOST_PASSES) -> MaximumLikelihood:
    """Return the maximum-likelihood fit that expectation-maximisation finds from the shares of the votes.

    Dawid & Skene 1979, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm", equations
    2.3 to 2.5. An annotator may have answered an item more than once. Every item needs a vote.
    """
    said = np.eye(classes)[ballots.label] * ballots.share[:, None]
    posterior = ballots.per_item(said) / ballots.sizes()[:, None]
    found = _step(ballots, posterior)
    for _ in range(most_passes):
        before, found = found, _step(ballots, found.posterior)
        if found.log_likelihood - before.log_likelihood < _TOLERANCE:
            break
    return found


def _step(ballots: VoteArrays, posterior: FloatArray) -> MaximumLikelihood:
    marginals, confusion = posterior.mean(axis=0), _confusion(ballots, posterior)
    logarithms = np.log(np.maximum(confusion[ballots.annotator, :, ballots.label], _LEAST))
    logits = ballots.per_item(logarithms * ballots.share[:, None]) + np.log(np.maximum(marginals, _LEAST))
    highest = logits.max(axis=1)
    total = (highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))).sum()
    return MaximumLikelihood(softmax(logits), marginals, confusion, float(total))


def _confusion(ballots: VoteArrays, posterior: FloatArray) -> FloatArray:
    classes = posterior.shape[1]
    amounts = posterior[ballots.row] * ballots.share[:, None]
    annotators = int(ballots.annotator.max(initial=-1)) + 1
    counts = np.zeros((annotators, classes, classes))
    np.add.at(counts, (ballots.annotator[:, None], np.arange(classes), ballots.label[:, None]), amounts)
    return np.asarray(counts / np.maximum(counts.sum(axis=2, keepdims=True), _LEAST))
