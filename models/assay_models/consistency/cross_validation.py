"""Cross-validation: evaluates a linear model on items that it was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from assay_models.consistency.calibration import fit_temperature, log_loss, softmax
from assay_models.consistency.linear_model import Design, Split, deal_folds, fit_linear, splits_of
from assay_models.consistency.training_data import TrainingImpossible

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""The inverse regularisation strengths tried, in this order, until the out-of-fold log loss rises."""


@dataclass(frozen=True, slots=True)
class SyntheticErrors:
    """Detection of planted errors: AUROC of the model (or None) and of the class frequencies, number of errors."""

    auroc: float | None
    baseline_auroc: float
    count: int


@dataclass(frozen=True, slots=True)
class Tested:
    """The results of cross-validation; the logits are out-of-fold, (items, classes), before the temperature."""

    logits: NDArray[np.float64]
    inverse_regularisation: float
    temperature: float
    planted: SyntheticErrors

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The out-of-fold probabilities, after the temperature."""
        return softmax(self.logits / self.temperature)


def cross_validate(design: Design, votes: NDArray[np.float64], *, folds: int, rng: np.random.Generator) -> Tested:
    """Return the out-of-fold results of the best regularisation, and its detection of planted errors.

    Raises TrainingImpossible if a class has too few items to be in every training set.
    """
    fold_of = deal_folds(votes, folds=folds, rng=rng)
    logits, strength = _best_strength(splits_of(design, votes, fold_of), votes)
    noisy, moved = plant_errors(votes, share=PLANTED_SHARE, rng=rng)
    planted = _score_synthetic_errors(design, noisy, moved, fold_of, strength=strength)
    return Tested(logits, strength, fit_temperature(logits, votes), planted)


def _best_strength(splits: Sequence[Split], votes: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the out-of-fold logits with the lowest calibrated log loss, and their regularisation strength.

    With weaker regularisation the loss first falls and then rises; the search stops when it rises, because the weakest
    values take longest to fit.
    """
    tried: list[tuple[float, NDArray[np.float64], float]] = []
    for strength in STRENGTHS:
        logits = _out_of_fold(splits, votes, strength=strength)
        loss = log_loss(softmax(logits / fit_temperature(logits, votes)), votes)
        if tried and loss > tried[-1][0]:
            break
        tried.append((loss, logits, strength))
    return tried[-1][1:]


def _out_of_fold(splits: Sequence[Split], votes: NDArray[np.float64], *, strength: float) -> NDArray[np.float64]:
    """Return each item's logits from the model that was not trained on it, (items, classes)."""
    logits = np.zeros_like(votes)
    for split in splits:
        inputs, given = split.inputs[split.train], votes[split.train]
        coefficients, bias = fit_linear(inputs, given, inverse_regularisation=strength)
        logits[split.test] = split.inputs[split.test] @ coefficients + bias
    return logits


def _score_synthetic_errors(
    design: Design,
    noisy: NDArray[np.float64],
    moved: NDArray[np.float64],
    fold_of: NDArray[np.int64],
    *,
    strength: float,
) -> SyntheticErrors:
    """Train on the votes with planted errors and return how well their out-of-fold probabilities reveal them.

    The model's AUROC is None if planting removed a class from a fold's training items.
    """
    count = int(moved.sum())
    shares = np.broadcast_to(noisy.sum(axis=0) / noisy.sum(), noisy.shape)
    baseline = auroc_of(shares, noisy, moved)
    try:
        splits = splits_of(design, noisy, fold_of)
    except TrainingImpossible:
        return SyntheticErrors(None, baseline, count)
    probabilities = softmax(_out_of_fold(splits, noisy, strength=strength))
    return SyntheticErrors(auroc_of(probabilities, noisy, moved), baseline, count)


PLANTED_SHARE = 0.1


def plant_errors(
    votes: NDArray[np.float64], *, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the votes with a random share of them moved to another class, and the moved ones alone.

    All have the shape (items, classes). At least one vote is moved.
    """
    classes = votes.shape[1]
    counts = votes.astype(np.int64)
    rows, given = (np.repeat(axis, counts[np.nonzero(counts)]) for axis in np.nonzero(counts))
    chosen = rng.choice(len(rows), size=max(1, round(share * len(rows))), replace=False)
    wrong = (given[chosen] + rng.integers(1, classes, size=len(chosen))) % classes
    moved = np.zeros_like(votes)
    np.add.at(moved, (rows[chosen], wrong), 1)
    removed = np.zeros_like(votes)
    np.add.at(removed, (rows[chosen], given[chosen]), 1)
    return votes - removed + moved, moved


def auroc_of(probabilities: NDArray[np.float64], noisy: NDArray[np.float64], moved: NDArray[np.float64]) -> float:
    """Return the probability that a moved vote has a lower probability than an unmoved one; ties count half.

    All have the shape (items, classes); `noisy` counts all votes, `moved` the moved ones among them.
    """
    suspicion = np.concatenate([1 - probabilities.ravel()] * 2)
    is_moved = np.repeat([1, 0], noisy.size)
    count = np.concatenate([moved.ravel(), (noisy - moved).ravel()])
    return float(roc_auc_score(is_moved, suspicion, sample_weight=count))
