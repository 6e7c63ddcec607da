"""Real crowds: as good as the best that is known, in one pass, however many partitions."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from assay_models.truth.categorical.batch_em import fit
from assay_models.truth.categorical.confusion_counts import added_up
from assay_models.truth.categorical.hyperparameters import NOTHING
from assay_models.truth.categorical.online_em import OnlineEM
from assay_models.truth.categorical.vote_arrays import FloatArray, ballots_of
from tests.models.truth.crowds import accuracy

SETS = {"bluebird": 0.879, "dog": 0.833, "rte": 0.918, "music": 0.790}
"""The least accuracy: one point under the best of seven peers on each set."""


class RealCrowd(NamedTuple):
    votes: list[tuple[int, int, int]]
    gold: list[int]
    classes: int
    annotators: int


@pytest.fixture(params=SETS)
def named(request: pytest.FixtureRequest, real_data: Path) -> tuple[str, RealCrowd]:
    name = str(request.param)
    if not (real_data / name / "gold.csv").is_file():
        pytest.skip(f"this real set is not here: {name} is kept beside the repository, not in it")
    with (real_data / name / "annotations.csv").open(encoding="utf-8", newline="") as lines:
        rows = [(row["item"], row["annotator"], row["label"]) for row in csv.DictReader(lines)]
    with (real_data / name / "gold.csv").open(encoding="utf-8", newline="") as lines:
        gold = {row["item"]: row["gold"] for row in csv.DictReader(lines)}
    items, annotators, labels = ({each: n for n, each in enumerate(dict.fromkeys(c))} for c in zip(*rows, strict=True))
    labels |= {label: n + len(labels) for n, label in enumerate(sorted(set(gold.values()) - labels.keys()))}
    votes = [(items[item], annotators[annotator], labels[label]) for item, annotator, label in rows]
    return name, RealCrowd(votes, [labels[gold[item]] for item in items], len(labels), len(annotators))


def test_one_pass_over_real_votes_ends_where_all_at_once_do_and_that_is_good(named: tuple[str, RealCrowd]) -> None:
    name, crowd = named
    every: list[dict[int, int]] = [{} for _ in crowd.gold]
    for item, annotator, label in crowd.votes:
        every[item][annotator] = label

    at_once = accuracy(fit(ballots_of(every), crowd.classes).posterior, crowd.gold)
    streamed = accuracy(stream_all(crowd, partitions=1), crowd.gold)

    assert round(streamed, 3) >= SETS[name]
    assert streamed == pytest.approx(at_once, abs=0.003)


def test_partitions_make_no_difference_to_real_votes(named: tuple[str, RealCrowd]) -> None:
    _, crowd = named

    alone, four = (accuracy(stream_all(crowd, partitions=n), crowd.gold) for n in (1, 4))

    assert four == pytest.approx(alone, abs=0.005)


def stream_all(crowd: RealCrowd, *, partitions: int) -> FloatArray:
    """Return what is told in the end after one pass in batches of 500, and ten sweeps."""
    streams = [OnlineEM(crowd.classes) for _ in range(partitions)]
    known: dict[int, dict[int, int]] = {}
    told = np.zeros((len(crowd.gold), crowd.classes))
    for start in range(0, len(crowd.votes), 500):
        for item, annotator, label in crowd.votes[start : start + 500]:
            known.setdefault(item, {})[annotator] = label
            streams[item % partitions].put(item, known[item])
        settled = [stream.settle() for stream in streams]
        exchange(streams, sorted({annotator for _, annotator, _ in crowd.votes[start : start + 500]}))
        settled += [stream.sweep(500 // partitions) for stream in streams]
        for each in settled:
            told[np.array(each.items, np.int64)] = each.posterior
    for _ in range(10):
        for stream in streams:
            moved = stream.sweep(len(stream))
            told[np.array(moved.items, np.int64)] = moved.posterior
        exchange(streams, range(crowd.annotators))
    return told


def exchange(streams: list[OnlineEM], annotators: Iterable[int]) -> None:
    if len(streams) == 1:
        return
    for stream in streams:
        others = [other for other in streams if other is not stream]
        for annotator in annotators:
            stream.set_others(annotator, added_up([other.sums(annotator) for other in others]))
        evidence = NOTHING
        for other in others:
            evidence = evidence.plus(other.evidence)
        stream.set_others_evidence(evidence)
