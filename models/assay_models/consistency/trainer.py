"""Training of the consistency model: from votes to an ONNX file and its model card."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import scipy
import sklearn
from numpy.typing import NDArray

from assay_models.consistency.calibration import calibration_error, log_loss, skill_score, softmax
from assay_models.consistency.confident_learning import thresholds_of
from assay_models.consistency.cross_validation import Tested, cross_validate
from assay_models.consistency.linear_model import Design, design_of, fit_linear, matrix_of, measure, weights_of
from assay_models.consistency.model_card import ClassFacts, DataFacts, Figures, FitFacts, ModelCard
from assay_models.consistency.onnx_export import build_graph
from assay_models.consistency.onnx_scorer import FORMAT, METADATA_KEY
from assay_models.consistency.training_data import TrainingSet, TrainingVote, gather
from assay_models.intervals import wilson_interval


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A trained model: the bytes of the ONNX file, and its model card."""

    onnx: bytes
    card: ModelCard


def fit_model(
    observations: Sequence[TrainingVote],
    *,
    labels: Sequence[str],
    seed: int,
    folds: int = 5,
    created_with: str = "assay",
) -> FittedModel:
    """Return a model that predicts the label from the item's text, its features, or both, as available.

    `labels` are the class names a vote may have, in the order of the model's output; those without votes get no class.
    Observations are in order of time. The same observations and seed give the same bytes. All figures are from folds
    that never split an item. Raises TrainingImpossible with an explanation of what to do.
    """
    data = gather(observations, labels=labels, folds=folds)
    design = design_of(data)
    tested = cross_validate(design, data.votes, folds=folds, rng=np.random.default_rng(seed))
    scaling = measure(design, np.arange(len(data.votes)))
    inputs = matrix_of(design, scaling)
    coefficients, bias = fit_linear(inputs, data.votes, inverse_regularisation=tested.inverse_regularisation)
    weights = weights_of(design, scaling, coefficients, bias, temperature=tested.temperature)
    card = ModelCard(
        data=_data_facts(data),
        classes=_class_facts(data, tested),
        fit=_fit_facts(design, tested, folds=folds, seed=seed),
        figures=_figures(tested, data.votes),
        created_with=created_with,
        versions={module.__name__: module.__version__ for module in (np, onnx, scipy, sklearn)},
    )
    return FittedModel(build_graph(weights, metadata=_metadata(card)), card)


def _metadata(card: ModelCard) -> dict[str, str]:
    facts = {
        "format": FORMAT,
        "labels": [each.label for each in card.classes],
        "thresholds": [each.threshold for each in card.classes],
        "uses_text": card.fit.uses_text,
        "feature_count": card.fit.feature_count,
        "data_sha256": card.data.sha256,
    }
    return {METADATA_KEY: json.dumps(facts)}


def _data_facts(data: TrainingSet) -> DataFacts:
    return DataFacts(
        sha256=data.data_sha256,
        item_count=len(data.votes),
        vote_count=int(data.votes.sum()),
        unseen_labels=data.unseen_labels,
    )


def _class_facts(data: TrainingSet, tested: Tested) -> tuple[ClassFacts, ...]:
    thresholds = thresholds_of(tested.probabilities, data.votes)
    return tuple(
        ClassFacts(
            label=label,
            vote_count=int(data.votes[:, j].sum()),
            threshold=thresholds.flagging[j],
            confident_threshold=thresholds.confident[j],
            estimated_error_share=thresholds.error_shares[j],
            flagged_share=thresholds.flagged_shares[j],
        )
        for j, label in enumerate(data.labels)
    )


def _fit_facts(design: Design, tested: Tested, *, folds: int, seed: int) -> FitFacts:
    return FitFacts(
        uses_text=bool(design.vocabulary.words),
        feature_count=design.features.shape[1],
        term_count=design.counts.shape[1],
        inverse_regularisation=tested.inverse_regularisation,
        temperature=tested.temperature,
        fold_count=folds,
        seed=seed,
    )


def _figures(tested: Tested, votes: NDArray[np.float64]) -> Figures:
    correct, decided, commonest = _against_majority(tested.logits, votes)
    low, high = wilson_interval(correct, decided) or (None, None)
    return Figures(
        accuracy=correct / decided if decided else None,
        accuracy_low=low,
        accuracy_high=high,
        accuracy_item_count=decided,
        majority_share=commonest / decided if decided else None,
        log_loss=log_loss(tested.probabilities, votes),
        skill_score=skill_score(tested.probabilities, votes),
        calibration_error_before=calibration_error(softmax(tested.logits), votes),
        calibration_error=calibration_error(tested.probabilities, votes),
        planted_error_auroc=tested.planted.auroc,
        planted_error_baseline_auroc=tested.planted.baseline_auroc,
        planted_error_count=tested.planted.count,
    )


def _against_majority(logits: NDArray[np.float64], votes: NDArray[np.float64]) -> tuple[int, int, int]:
    """Return, over the items without a tie: the number predicted right, of all, and with the most frequent label."""
    most = votes.max(axis=1)
    decided = (votes == most[:, None]).sum(axis=1) == 1
    majority = votes[decided].argmax(axis=1)
    correct = int((logits[decided].argmax(axis=1) == majority).sum())
    return correct, int(decided.sum()), int(np.bincount(majority, minlength=1).max())
