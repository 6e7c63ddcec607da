"""Our stream over a set, and what its answers are worth."""

import sys
import time
import tracemalloc
from dataclasses import dataclass

import numpy as np

from assay_models.truth.categorical.confusion_counts import added_up
from assay_models.truth.categorical.hyperparameters import NOTHING
from assay_models.truth.categorical.online_em import OnlineEM
from assay_models.truth.categorical.vote_arrays import FloatArray
from bench.truth_sets import CrowdSet

BATCH = 500
SWEEPS = 20


@dataclass(frozen=True, slots=True)
class Streamed:
    """What one pass ended with: probabilities (items, classes), the first partition's stream, seconds of its work."""

    posterior: FloatArray
    stream: OnlineEM
    seconds: float


def stream_over(crowd: CrowdSet, *, partitions: int = 1, view: FloatArray | None = None) -> Streamed:
    """Put the votes in order of arrival, in batches of 500, sweeping as many items as votes came; then 20 sweeps."""
    streams = [OnlineEM(crowd.classes) for _ in range(partitions)]
    place = np.arange(crowd.items) * 2_654_435_761 % 2**32 % partitions
    known: list[dict[int, int]] = [{} for _ in range(crowd.items)]
    told = np.zeros((crowd.items, crowd.classes))
    begun = time.perf_counter()
    for start in range(0, len(crowd.item), BATCH):
        batch = slice(start, start + BATCH)
        for item, annotator, label in zip(*_columns(crowd, batch), strict=True):
            known[item][annotator] = label
            streams[place[item]].put(item, known[item], view=None if view is None else view[item].tolist())
        settled = [stream.settle() for stream in streams]
        _exchange(streams, np.unique(crowd.annotator[batch]).tolist())
        settled += [stream.sweep(max(1, BATCH // partitions)) for stream in streams]
        for each in settled:
            told[np.array(each.items, np.int64)] = each.posterior
    for _ in range(SWEEPS):
        for stream in streams:
            moved = stream.sweep(len(stream))
            told[np.array(moved.items, np.int64)] = moved.posterior
        _exchange(streams, list(range(crowd.annotators)))
    return Streamed(told, streams[0], time.perf_counter() - begun)


def accuracy_of(posterior: FloatArray, crowd: CrowdSet) -> float:
    """Return the share of gold items whose most probable label is right; of labels that tie, each counts its share."""
    known = crowd.gold >= 0
    rows = posterior[known]
    ties = np.isclose(rows, rows.max(axis=1, keepdims=True), rtol=1e-9)
    return float((ties[np.arange(len(rows)), crowd.gold[known]] / ties.sum(axis=1)).mean())


def calibration_error_of(posterior: FloatArray, crowd: CrowdSet) -> float:
    """Return the expected calibration error of the most probable label over gold items, in ten equal bins."""
    known = crowd.gold >= 0
    confidence, hit = posterior[known].max(axis=1), posterior[known].argmax(axis=1) == crowd.gold[known]
    bins = np.minimum((confidence * 10).astype(np.int64), 9)
    return float(np.abs(np.bincount(bins, hit - confidence, minlength=10)).sum() / len(hit))


def corrections_of(posterior: FloatArray, crowd: CrowdSet, *, at: float = 0.95) -> tuple[float | None, float | None]:
    """Return precision and recall of calling a vote wrong where its label is at most 1 - at probable; None of none."""
    known = crowd.gold[crowd.item] >= 0
    called = (1 - posterior[crowd.item, crowd.label] >= at)[known]
    wrong = (crowd.label != crowd.gold[crowd.item])[known]
    found = float((called & wrong).sum())
    return found / called.sum() if called.any() else None, found / wrong.sum() if wrong.any() else None


def microseconds_per_vote(*, items: int) -> tuple[float, float, float]:
    """Return what put, settle and sweep cost per vote: four classes, five votes an item, batches of 2,000 votes."""
    names = [f"item-{number}" for number in range(items)]
    order, annotator, label = _arrivals(items)
    stream, known, spent = OnlineEM(4), [dict[int, int]() for _ in names], [0.0, 0.0, 0.0]
    for start in range(0, len(order), 2_000):
        batch = slice(start, start + 2_000)
        moments = [time.perf_counter()]
        for item, who, said in zip(order[batch], annotator[batch], label[batch], strict=True):
            known[item][who] = said
            stream.put(names[item], known[item])
        moments.append(time.perf_counter())
        settled = stream.settle()
        moments.append(time.perf_counter())
        stream.sweep(len(settled.items))
        moments.append(time.perf_counter())
        spent = [total + after - before for total, before, after in zip(spent, moments, moments[1:], strict=False)]
    put, settle, sweep = (total / len(order) * 1e6 for total in spent)
    return put, settle, sweep


def bytes_per_item(*, items: int) -> float:
    """Return the memory of an open item with five votes, beside its name and votes, which the caller keeps."""
    names = [f"item-{number}" for number in range(items)]
    rng = np.random.default_rng(1)
    labels, annotators = rng.integers(4, size=(items, 5)).tolist(), rng.integers(1_000, size=(items, 5)).tolist()
    votes = [dict(zip(*pair, strict=True)) for pair in zip(annotators, labels, strict=True)]
    tracemalloc.start()
    stream = OnlineEM(4)
    for start in range(0, items, 2_000):
        for name, each in zip(names[start : start + 2_000], votes[start : start + 2_000], strict=True):
            stream.put(name, each)
        stream.settle()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (held + sys.getsizeof(stream)) / items


def _arrivals(items: int) -> tuple[list[int], list[int], list[int]]:
    rng = np.random.default_rng(1)
    order = np.repeat(np.arange(items), 5)
    order = order[np.argsort(order + rng.random(len(order)) * 400)]
    truth, rates = rng.integers(4, size=items), rng.uniform(0.6, 0.95, 200)
    annotator = rng.integers(200, size=len(order))
    label = np.where(rng.random(len(order)) < rates[annotator], truth[order], rng.integers(4, size=len(order)))
    return order.tolist(), annotator.tolist(), label.tolist()


def _columns(crowd: CrowdSet, batch: slice) -> tuple[list[int], list[int], list[int]]:
    return crowd.item[batch].tolist(), crowd.annotator[batch].tolist(), crowd.label[batch].tolist()


def _exchange(streams: list[OnlineEM], annotators: list[int]) -> None:
    if len(streams) == 1:
        return
    sums = [[stream.sums(annotator) for annotator in annotators] for stream in streams]
    for number, stream in enumerate(streams):
        others = [each for other, each in enumerate(sums) if other != number]
        for annotator, *counts in zip(annotators, *others, strict=True):
            stream.set_others(annotator, added_up(counts))
        evidence = NOTHING
        for other in streams:
            evidence = evidence if other is stream else evidence.plus(other.evidence)
        stream.set_others_evidence(evidence)
