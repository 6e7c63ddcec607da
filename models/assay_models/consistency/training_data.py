"""The training data: votes, validated and grouped by item."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from assay_models.consistency.text_normalisation import normalise
from assay_schemas.annotation import ItemId
from assay_schemas.errors import AssayUserError


class TrainingImpossible(AssayUserError):
    """The observations are not sufficient to train a model; the message explains what to do."""


@dataclass(frozen=True, slots=True)
class TrainingVote:
    """One annotator's label for one item; `label` is a class name (see `classes`)."""

    item: ItemId
    text: str | None
    features: tuple[float, ...] | None
    label: str


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The votes per item.

    `texts` are normalised ("" without a text); `features` has the shape (items, features), NaN for items without them;
    `votes` has the shape (items, classes) and holds counts.
    """

    labels: tuple[str, ...]
    unseen_labels: tuple[str, ...]
    texts: tuple[str, ...]
    features: NDArray[np.float64]
    votes: NDArray[np.float64]
    data_sha256: str


def data_hash(observations: Iterable[TrainingVote]) -> str:
    """Return the SHA-256 of the observations in sorted order, one JSON line each, in hexadecimal."""
    lines = sorted(
        json.dumps([o.item, o.text, o.features and [*map(float, o.features)], o.label]) for o in observations
    )
    return sha256("\n".join(lines).encode()).hexdigest()


def without_rare_labels(
    observations: Sequence[TrainingVote], *, folds: int
) -> tuple[list[TrainingVote], dict[str, int]]:
    """Return the votes without those for labels that fewer items have than there are folds, and these labels.

    A label that one item has cannot be trained and tested, and does not have to stop the training of the others. The
    labels come with the number of items that have them.
    """
    items: defaultdict[str, set[ItemId]] = defaultdict(set)
    for one in observations:
        items[one.label].add(one.item)
    rare = {label: len(found) for label, found in sorted(items.items()) if len(found) < folds}
    return [one for one in observations if one.label not in rare], rare


def gather(observations: Sequence[TrainingVote], *, labels: Sequence[str], folds: int) -> TrainingSet:
    """Return the votes grouped by item, in order of item id.

    Observations are in order of time: an item's text and features are the last ones given. Raises TrainingImpossible
    if these votes cannot train and test a model in this many folds.
    """
    if folds < 2:  # noqa: PLR2004  # one fold would test a model on its training data
        raise TrainingImpossible(f"cross-validation needs at least 2 folds, not {folds}")
    known = _seen_labels(observations, labels)
    items = {item: row for row, item in enumerate(sorted({o.item for o in observations}))}
    texts = {o.item: o.text for o in observations if o.text is not None}
    words = tuple(normalise(texts.get(item, "")) for item in items)
    features = _feature_matrix(observations, items)
    if not any(words) and features.shape[1] == 0:
        raise TrainingImpossible("no item has a text or features; training needs at least one of the two")
    votes = np.zeros((len(items), len(known)))
    column = {label: index for index, label in enumerate(known)}
    for observation in observations:
        votes[items[observation.item], column[observation.label]] += 1
    _check_items_per_class(votes, known, folds)
    unseen = tuple(label for label in dict.fromkeys(labels) if label not in column)
    return TrainingSet(known, unseen, words, features, votes, data_hash(observations))


def _seen_labels(observations: Sequence[TrainingVote], labels: Sequence[str]) -> tuple[str, ...]:
    seen, requested = {o.label for o in observations}, set(labels)
    known = tuple(label for label in dict.fromkeys(labels) if label in seen)
    for observation in observations:
        if observation.label not in requested:
            raise TrainingImpossible(
                f"item '{observation.item}' has the label '{observation.label}', which is not among the model's; "
                "remove such votes, or add the label"
            )
    if len(known) < 2:  # noqa: PLR2004  # a classifier needs two classes
        raise TrainingImpossible(
            f"a model needs votes for at least 2 labels, here are {len(known)}; wait for more history"
        )
    return known


def _feature_matrix(observations: Sequence[TrainingVote], items: dict[ItemId, int]) -> NDArray[np.float64]:
    given = {o.item: o.features for o in observations if o.features}
    if not given:
        return np.empty((len(items), 0))
    (usual, _), *_ = Counter(map(len, given.values())).most_common(1)
    matrix = np.full((len(items), usual), np.nan)
    for item, values in given.items():
        if len(values) != usual:
            raise TrainingImpossible(
                f"item '{item}' has {len(values)} features where most have {usual}; all items need the same number"
            )
        if not all(map(isfinite, values)):
            raise TrainingImpossible(f"item '{item}' has a feature that is not a finite number; leave the item out")
        matrix[items[item]] = values
    return matrix


def _check_items_per_class(votes: NDArray[np.float64], labels: Sequence[str], folds: int) -> None:
    for label, count in zip(labels, (votes > 0).sum(axis=0).tolist(), strict=True):
        if count < folds:
            raise TrainingImpossible(
                f"the label '{label}' was given to {count} items, but {folds} folds need at least {folds}; "
                "wait for more history, use fewer folds, or remove this label's votes"
            )
