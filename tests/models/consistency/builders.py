"""Small training data with a known answer."""

import json
from collections.abc import Sequence

import numpy as np

from assay_models.consistency.onnx_scorer import METADATA_KEY, OnnxScorer, scorer_of
from assay_models.consistency.trainer import FittedModel, fit_model
from assay_models.consistency.training_data import TrainingVote

WORDS = {
    "safe": ("thanks", "kind", "lovely"),
    "scam": ("prize", "click", "bank"),
    "spam": ("buy", "cheap", "pills"),
}
NEUTRAL = ("the", "a", "you", "this", "now", "please", "about", "day")
LABELS = tuple(WORDS)


def an_observation(
    item: str = "i1",
    label: str = "safe",
    *,
    text: str | None = "thanks",
    features: tuple[float, ...] | None = None,
) -> TrainingVote:
    return TrainingVote(item, text, features, label)


def a_history(  # each a separate thing to vary
    *,
    items: int = 90,
    labels: Sequence[str] = LABELS,
    texts: bool = True,
    features: bool = False,
    missing_every: int = 0,
    wrong_share: float = 0.05,
    seed: int = 0,
) -> list[TrainingVote]:
    """Return three votes per item, whose class is its number modulo the classes.

    The words, the features, or both tell the class; every so manyth item lacks its features.
    """
    rng = np.random.default_rng(seed)
    history = []
    for number in range(items):
        true = number % len(labels)
        telling = WORDS[LABELS[true]]
        words = [*rng.choice(NEUTRAL, 6), *rng.choice(telling, 2)]
        text = " ".join(map(str, rng.permutation(words)))
        vector = (float(rng.normal(true, 0.3)), float(rng.normal(100 * true, 60)))
        lacks = missing_every and number % missing_every == 0
        for _ in range(3):
            given = (true + (1 if rng.random() < wrong_share else 0)) % len(labels)
            history.append(
                TrainingVote(
                    f"i{number:03}",
                    text if texts else None,
                    vector if features and not lacks else None,
                    labels[given],
                )
            )
    return history


def a_model(
    history: Sequence[TrainingVote] | None = None, *, labels: Sequence[str] = LABELS, seed: int = 1
) -> FittedModel:
    return fit_model(a_history() if history is None else history, labels=labels, seed=seed, folds=3)


def a_scorer(history: Sequence[TrainingVote] | None = None, *, labels: Sequence[str] = LABELS) -> OnnxScorer:
    return scorer_of(a_model(history, labels=labels).onnx)


def a_description(**changes: object) -> dict[str, str]:
    """Return a file's description of itself: a model of three features with three classes."""
    own = {
        "format": 1,
        "labels": ["a", "b", "c"],
        "thresholds": [0, 0, 0],
        "uses_text": False,
        "feature_count": 3,
    }
    return {METADATA_KEY: json.dumps(own | changes)}
