"""Train the consistency model: votes in, one ONNX file and its card out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import scipy
import sklearn
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.learned.calibration import calibration_error, fit_temperature, log_loss, softmax, wilson_interval
from models.learned.card import ModelCard
from models.learned.confident import Thresholds, thresholds_of
from models.learned.graph import build_graph
from models.learned.linear import Design, deal_folds, design_of, fit_linear, matrix_of, measure, splits_of, weights_of
from models.learned.observations import Observation, TrainingSet, gather
from models.learned.scorer import FORMAT, METADATA_KEY

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""The inverse regularisation strengths tried; the one with the least out-of-fold log loss is taken."""

PLANTED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A trained model: the file's bytes, and the card to put beside it."""

    onnx: bytes
    card: ModelCard


@dataclass(frozen=True, slots=True)
class _Tested:
    """What cross-validation found; the logits are out-of-fold, (items, classes), before the temperature."""

    logits: NDArray[np.float64]
    inverse_regularisation: float
    temperature: float
    planted_auroc: float | None
    planted_count: int

    @property
    def probabilities(self) -> NDArray[np.float64]:
        return softmax(self.logits / self.temperature)


def fit_model(
    observations: Sequence[Observation],
    *,
    labels: Sequence[str],
    seed: int,
    folds: int = 5,
    created_with: str = "assay",
) -> FittedModel:
    """Return a model of the label given the item's text, its features, or both, whichever there are.

    `labels` are the class names a vote may have, in the order of the model's output; those without any vote
    get no class. Observations are in order of time. The same observations and seed give the same bytes.
    All figures come from folds (at least 2) that never split an item. Raises TrainingImpossible with what to do.
    """
    data = gather(observations, labels=labels, folds=folds)
    design = design_of(data)
    tested = _cross_validate(design, data.votes, folds=folds, rng=np.random.default_rng(seed))
    thresholds = thresholds_of(tested.probabilities, data.votes)
    scaling = measure(design, np.arange(len(data.votes)))
    coefficients, bias = fit_linear(
        matrix_of(design, scaling), data.votes, inverse_regularisation=tested.inverse_regularisation
    )
    weights = weights_of(design, scaling, coefficients, bias, temperature=tested.temperature)
    card = _card(data, design, tested, thresholds, seed=seed, folds=folds, created_with=created_with)
    return FittedModel(build_graph(weights, uses_text=data.uses_text, metadata=_metadata(card)), card)


def _cross_validate(
    design: Design, votes: NDArray[np.float64], *, folds: int, rng: np.random.Generator
) -> _Tested:
    fold_of = deal_folds(votes, folds=folds, rng=rng)
    found = _out_of_fold(design, votes, fold_of, strengths=STRENGTHS)
    losses = [log_loss(softmax(logits / fit_temperature(logits, votes)), votes) for logits in found]
    best = int(np.argmin(losses))
    strength, logits = STRENGTHS[best], found[best]
    noisy, planted = plant_errors(votes, share=PLANTED_SHARE, rng=rng)
    auroc = _planted_auroc(design, noisy, planted, fold_of, strength=strength)
    return _Tested(logits, strength, fit_temperature(logits, votes), auroc, int(planted.sum()))


def _out_of_fold(
    design: Design, votes: NDArray[np.float64], fold_of: NDArray[np.int64], *, strengths: Sequence[float]
) -> list[NDArray[np.float64]]:
    """Return, per strength, the logits of each item from the model that did not see it."""
    logits = [np.zeros_like(votes) for _ in strengths]
    for inputs, train, test in splits_of(design, votes, fold_of):
        for strength, filled in zip(strengths, logits, strict=True):
            coefficients, bias = fit_linear(inputs[train], votes[train], inverse_regularisation=strength)
            filled[test] = inputs[test] @ coefficients + bias
    return logits


def plant_errors(
    votes: NDArray[np.float64], *, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the votes with a share of them moved to another class at random, and which of those were; both (items, classes)."""
    classes = votes.shape[1]
    counts = votes.astype(np.int64)
    rows, given = (np.repeat(axis, counts[np.nonzero(counts)]) for axis in np.nonzero(counts))
    chosen = rng.choice(len(rows), size=max(1, round(share * len(rows))), replace=False)
    wrong = (given[chosen] + rng.integers(1, classes, size=len(chosen))) % classes
    planted = np.zeros_like(votes)
    np.add.at(planted, (rows[chosen], wrong), 1)
    taken = np.zeros_like(votes)
    np.add.at(taken, (rows[chosen], given[chosen]), 1)
    return votes - taken + planted, planted


def _planted_auroc(
    design: Design,
    noisy: NDArray[np.float64],
    planted: NDArray[np.float64],
    fold_of: NDArray[np.int64],
    *,
    strength: float,
) -> float | None:
    """Return the AUROC of 1 - probability at telling planted votes from the others, the model trained on all of them."""
    (logits,) = _out_of_fold(design, noisy, fold_of, strengths=(strength,))
    suspicion = np.concatenate([1 - softmax(logits).ravel()] * 2)
    is_planted = np.repeat([1, 0], noisy.size)
    count = np.concatenate([planted.ravel(), (noisy - planted).ravel()])
    return float(roc_auc_score(is_planted, suspicion, sample_weight=count))


def _metadata(card: ModelCard) -> dict[str, str]:
    facts = {
        "format": FORMAT,
        "labels": card.labels,
        "thresholds": card.thresholds,
        "uses_text": card.uses_text,
        "feature_count": card.feature_count,
        "data_sha256": card.data_sha256,
    }
    return {METADATA_KEY: json.dumps(facts)}


def _card(
    data: TrainingSet,
    design: Design,
    tested: _Tested,
    thresholds: Thresholds,
    *,
    seed: int,
    folds: int,
    created_with: str,
) -> ModelCard:
    correct, decided, commonest = _against_majority(tested.logits, data.votes)
    low, high = wilson_interval(correct, decided) or (None, None)
    return ModelCard(
        data_sha256=data.data_sha256,
        labels=data.labels,
        unseen_labels=data.unseen_labels,
        item_count=len(data.votes),
        vote_count=int(data.votes.sum()),
        vote_counts=tuple(map(int, data.votes.sum(axis=0))),
        uses_text=data.uses_text,
        feature_count=data.features.shape[1],
        term_count=design.counts.shape[1],
        fold_count=folds,
        seed=seed,
        inverse_regularisation=tested.inverse_regularisation,
        temperature=tested.temperature,
        accuracy=correct / decided if decided else None,
        accuracy_low=low,
        accuracy_high=high,
        accuracy_item_count=decided,
        majority_share=commonest / decided if decided else None,
        log_loss=log_loss(tested.probabilities, data.votes),
        calibration_error_before=calibration_error(softmax(tested.logits), data.votes),
        calibration_error=calibration_error(tested.probabilities, data.votes),
        planted_error_auroc=tested.planted_auroc,
        planted_error_count=tested.planted_count,
        thresholds=thresholds.flagging,
        confident_thresholds=thresholds.confident,
        estimated_error_shares=thresholds.error_shares,
        flagged_shares=thresholds.flagged_shares,
        created_with=created_with,
        versions={m.__name__: m.__version__ for m in (np, onnx, scipy, sklearn)},
    )


def _against_majority(logits: NDArray[np.float64], votes: NDArray[np.float64]) -> tuple[int, int, int]:
    """Return how many items are predicted right, of how many without a tie, and how many of these have the commonest label."""
    most = votes.max(axis=1)
    decided = (votes == most[:, None]).sum(axis=1) == 1
    majority = votes[decided].argmax(axis=1)
    correct = int((logits[decided].argmax(axis=1) == majority).sum())
    return correct, int(decided.sum()), int(np.bincount(majority, minlength=1).max())
