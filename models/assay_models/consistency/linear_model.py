"""The linear model: design matrix, folds, fit and weights."""

from dataclasses import dataclass
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from assay_models.consistency.onnx_export import ModelWeights
from assay_models.consistency.text_features import Vocabulary, count_terms, learn_vocabulary, rarity_of, weigh_terms
from assay_models.consistency.training_data import TrainingImpossible, TrainingSet

CLIP = 10.0
"""Standard deviations: limits the influence of one extreme feature value."""

_ITERATIONS = 300


@dataclass(frozen=True, slots=True)
class Design:
    """The inputs that do not depend on the fold: the vocabulary, the term counts and the features per item."""

    vocabulary: Vocabulary
    counts: csr_array
    features: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scaling:
    """Statistics of the training items only; labels are not used. See `ModelWeights`."""

    rarity: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Split:
    """One fold: the inputs of all items, scaled by the training items; the training items; the test items."""

    inputs: csr_array
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def design_of(data: TrainingSet) -> Design:
    """Return the vocabulary, the term counts and the features of all items.

    Raises TrainingImpossible if there is neither a term nor a feature to learn from.
    """
    vocabulary = learn_vocabulary(data.texts, classes=len(data.labels))
    if not vocabulary.words and data.features.shape[1] == 0:
        raise TrainingImpossible(
            "no word occurs in the texts of two items, and there are no features; wait for more history"
        )
    return Design(vocabulary, count_terms(data.texts, vocabulary), data.features)


def measure(design: Design, rows: NDArray[np.int64]) -> Scaling:
    """Return the rarity of terms, and the mean and standard deviation of features, among these items.

    Raises TrainingImpossible if a feature is too large to have a mean.
    """
    known = ~np.isnan(design.features[rows])
    count = np.maximum(known.sum(axis=0), 1)
    values = np.where(known, design.features[rows], 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = values.sum(axis=0) / count
        spread = np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count)
    for place in np.flatnonzero(~np.isfinite(spread)).tolist():
        raise TrainingImpossible(f"feature {place + 1} has values too large to average; scale it down")
    return Scaling(rarity_of(design.counts[rows]), mean, np.where(spread > 0, spread, 1.0))


def matrix_of(design: Design, scaling: Scaling) -> csr_array:
    """Return the inputs of the linear model for all items: terms, features, indicators of missing features."""
    missing = np.isnan(design.features)
    with np.errstate(over="ignore"):
        scaled = np.clip((design.features - scaling.mean) / scaling.deviation, -CLIP, CLIP)
    blocks = [
        weigh_terms(design.counts, scaling.rarity),
        np.where(missing, 0.0, scaled),
        missing.astype(np.float64),
    ]
    return csr_array(hstack([csr_array(block) for block in blocks], format="csr"))


def fit_linear(
    inputs: csr_array, votes: NDArray[np.float64], *, inverse_regularisation: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coefficients (inputs, classes) and biases (classes,) of a logistic regression on all votes.

    Every vote has the same weight: an item with several labels appears once per label, weighted by the number of
    votes.
    """
    rows, classes = np.nonzero(votes)
    model = LogisticRegression(C=inverse_regularisation, max_iter=_ITERATIONS)
    with catch_warnings():
        # Weak regularisation may not converge in time; the out-of-fold loss evaluates the result all the same.
        simplefilter("ignore", ConvergenceWarning)
        model.fit(inputs[rows], classes, sample_weight=votes[rows, classes])
    coefficients, bias = np.asarray(model.coef_).T, np.asarray(model.intercept_)
    if votes.shape[1] == 2:  # noqa: PLR2004  # scikit-learn keeps one column for two classes: the second's
        coefficients, bias = np.column_stack([0 * coefficients, coefficients]), np.array([0.0, bias[0]])
    return coefficients, bias


def deal_folds(votes: NDArray[np.float64], *, folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the fold of each item, stratified by class.

    Items are dealt to the folds in turn, in random order within the rarest class that each has a vote for.
    """
    rank = np.argsort(np.argsort((votes > 0).sum(axis=0), kind="stable"))
    rarest = np.where(votes > 0, rank, votes.shape[1]).min(axis=1)
    order = np.lexsort((rng.permutation(len(votes)), rarest))
    dealt = np.empty(len(votes), dtype=np.int64)
    dealt[order] = np.arange(len(votes)) % folds
    return dealt


def splits_of(design: Design, votes: NDArray[np.float64], fold_of: NDArray[np.int64]) -> tuple[Split, ...]:
    """Return one split per fold. Raises TrainingImpossible if a class has votes in one fold only."""
    splits = []
    for fold in range(int(fold_of.max()) + 1):
        train, test = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        if not votes[train].any(axis=0).all():
            raise TrainingImpossible(
                "all items of one label are in the same fold; "
                "wait for more history, or try another seed or number of folds"
            )
        splits.append(Split(matrix_of(design, measure(design, train)), train, test))
    return tuple(splits)


def weights_of(
    design: Design,
    scaling: Scaling,
    coefficients: NDArray[np.float64],
    bias: NDArray[np.float64],
    *,
    temperature: float,
) -> ModelWeights:
    """Return the linear model in the form that the graph needs."""
    terms, features = len(scaling.rarity), len(scaling.mean)
    cooled = coefficients / temperature
    return ModelWeights(
        vocabulary=design.vocabulary,
        terms=cooled[:terms],
        rarity=scaling.rarity,
        mean=scaling.mean,
        deviation=scaling.deviation,
        clip=CLIP,
        features=cooled[terms : terms + features],
        missing=cooled[terms + features :],
        bias=bias / temperature,
    )
