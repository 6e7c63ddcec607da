"""What crowd-kit and cleanlab make of the same votes."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.multiannotator import get_label_quality_multiannotator
from crowdkit.aggregation import GLAD, MACE, DawidSkene, OneCoinDawidSkene
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from assay_models.truth.categorical.vote_arrays import FloatArray
from bench.truth_sets import CrowdSet

PEERS: Mapping[str, Callable[[], Any]] = {
    "DS": lambda: DawidSkene(n_iter=100),
    "one-coin": lambda: OneCoinDawidSkene(n_iter=100),
    "MACE": lambda: MACE(random_state=0),
    "GLAD": lambda: GLAD(silent=True),
}
"""crowd-kit 1.4.2, as it comes; MACE's dice are seeded."""

_LARGEST = 200_000


def peer_posterior(name: str, crowd: CrowdSet) -> FloatArray | None:
    """Return a peer's probabilities, (items, classes); None if there are more votes than it finishes in minutes."""
    if len(crowd.item) > _LARGEST:
        return None
    votes = pd.DataFrame({"task": crowd.item, "worker": crowd.annotator, "label": crowd.label})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PEERS[name]()
        model.fit(votes)
    found = np.zeros((crowd.items, crowd.classes))
    for label in model.probas_.columns:
        found[model.probas_.index.to_numpy(), int(label)] = model.probas_[label].to_numpy()
    return found


def majority(crowd: CrowdSet) -> FloatArray:
    """Return the shares of the votes, (items, classes)."""
    shares = np.zeros((crowd.items, crowd.classes))
    np.add.at(shares, (crowd.item, crowd.label), 1)
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1))


def crowdlab(crowd: CrowdSet, view: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return CROWDLAB's consensus labels, its quality of each vote, and of each annotator."""
    table = np.full((crowd.items, crowd.annotators), np.nan)
    table[crowd.item, crowd.annotator] = crowd.label
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = get_label_quality_multiannotator(pd.DataFrame(table), view, verbose=False)
    consensus = found["label_quality"]["consensus_label"].to_numpy()
    votes = found["detailed_label_quality"].to_numpy()[crowd.item, crowd.annotator]
    stats = found["annotator_stats"]["annotator_quality"]
    return consensus, votes.astype(np.float64), stats.reindex(range(crowd.annotators)).to_numpy(np.float64)


def view_from_texts(crowd: CrowdSet) -> FloatArray:
    """Return out-of-fold probabilities of a logistic regression on words and pairs, trained on the majority."""
    terms = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(crowd.texts)
    labels = majority(crowd).argmax(axis=1)
    found = cross_val_predict(LogisticRegression(max_iter=1_000), terms, labels, cv=5, method="predict_proba")
    view = np.zeros((crowd.items, crowd.classes))
    view[:, np.unique(labels)] = found
    return view


def view_of_knowing(crowd: CrowdSet, skill: float, *, seed: int) -> FloatArray:
    """Return probabilities of a made-up model that sees the truth through noise; calibrated for equal classes."""
    seen = (
        np.random.default_rng(seed).normal(size=(crowd.items, crowd.classes))
        + skill * np.eye(crowd.classes)[crowd.gold]
    )
    powers = np.exp(skill * (seen - seen.max(axis=1, keepdims=True)))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
