"""Made-up crowds with a known truth, from a seed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from assay_models.truth.categorical.online_em import OnlineEM
from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray


class Crowd(NamedTuple):
    truth: list[int]
    votes: list[dict[int, int]]
    accuracies: list[float]


def a_crowd(  # a builder changes what it is asked to
    *,
    items: int = 200,
    classes: int = 3,
    per_item: int = 5,
    accuracies: Sequence[float] = (0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.8, 0.9, 0.7),
    seed: int = 1,
) -> Crowd:
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=items).tolist()
    votes: list[dict[int, int]] = []
    for label in truth:
        chosen = rng.choice(len(accuracies), size=min(per_item, len(accuracies)), replace=False).tolist()
        wrong = [(label + int(rng.integers(1, classes))) % classes for _ in chosen]
        right = [rng.random() < accuracies[annotator] for annotator in chosen]
        votes.append({a: label if hit else other for a, hit, other in zip(chosen, right, wrong, strict=True)})
    return Crowd(truth, votes, list(accuracies))


def a_settled_stream(crowd: Crowd, *, classes: int = 3, sweeps: int = 10) -> OnlineEM:
    stream = OnlineEM(classes)
    for item, votes in enumerate(crowd.votes):
        stream.put(item, votes)
    stream.settle()
    for _ in range(sweeps):
        stream.sweep(len(stream))
    return stream


def believed(stream: OnlineEM) -> dict[object, FloatArray]:
    """Return what the stream believes of all its items, by putting them nowhere: a sweep of what it has told."""
    places = stream._books.items.places  # noqa: SLF001  # the state itself is what is tested
    told = stream._books.items.published  # noqa: SLF001  # the same
    return {item: np.asarray(told[place], np.float64) for item, place in places.items()}


def accuracy(posterior: FloatArray, truth: Sequence[int] | IntegerArray) -> float:
    return float((posterior.argmax(axis=1) == np.asarray(truth)).mean())
