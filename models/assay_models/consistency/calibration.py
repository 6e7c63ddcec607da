"""Calibration of probabilities: temperature, calibration error, log loss, and the interval of a share."""

import numpy as np
from numpy.typing import NDArray

_GRID = np.geomspace(0.05, 20, 41)
_REFINEMENTS = 3


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the softmax of each row of logits, (rows, classes)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def log_loss(probabilities: NDArray[np.float64], votes: NDArray[np.float64]) -> float:
    """Return the mean of -ln(probability of the label given) over votes, in nats; both (items, classes)."""
    return float(-(votes * np.log(np.maximum(probabilities, 1e-15))).sum() / votes.sum())


def skill_score(probabilities: NDArray[np.float64], votes: NDArray[np.float64]) -> float:
    """Return the relative reduction of the log loss against the class frequencies; arguments (items, classes).

    1 is perfect, 0 is no better than the frequencies, below 0 is worse. Needs votes for at least two classes.
    """
    shares = np.broadcast_to(votes.sum(axis=0) / votes.sum(), votes.shape)
    return 1 - log_loss(probabilities, votes) / log_loss(shares, votes)


def fit_temperature(logits: NDArray[np.float64], votes: NDArray[np.float64]) -> float:
    """Return the divisor of the logits (0.05-20) that maximises the likelihood of the votes.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2: one parameter, which cannot change any
    prediction. The loss is convex in its inverse; a grid, refined three times, finds the minimum to within 0.01 %.
    """
    grid = _GRID
    for _ in range(_REFINEMENTS):
        losses = [log_loss(softmax(logits / t), votes) for t in grid]
        best = int(np.argmin(losses))
        grid = np.geomspace(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], len(grid))
    return float(grid[len(grid) // 2])


def calibration_error(probabilities: NDArray[np.float64], votes: NDArray[np.float64], *, bins: int = 15) -> float:
    """Return the expected calibration error (0-1) of the predicted label over votes; both (items, classes).

    Guo et al. 2017, section 2: in equal-width bins of confidence, the mean distance between confidence and
    the share of votes that agree with the prediction, weighted by the bins' votes.
    """
    confidence = probabilities.max(axis=1)
    predicted = probabilities.argmax(axis=1)
    weight = votes.sum(axis=1)
    agreeing = votes[np.arange(len(votes)), predicted]
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, weights=agreeing - weight * confidence, minlength=bins)
    return float(np.abs(gaps).sum() / weight.sum())
