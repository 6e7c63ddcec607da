"""Measure the accuracy of truth inference and of its peers: `python -m bench.truth [SET …] [--data FOLDER] [--quick]`.

Sets are folders with annotations.csv (item,annotator,label[,text], in order of arrival) and gold.csv (item,gold) where
gold is known. Without `--quick`, made-up crowds are measured, too, and every set in 4 and 16 partitions.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from assay_models.truth.categorical.batch_em import fit
from assay_models.truth.categorical.vote_arrays import FloatArray
from bench.report import Sheet, as_document, as_table, conditions
from bench.truth_measures import (
    Streamed,
    accuracy_of,
    bytes_per_item,
    calibration_error_of,
    corrections_of,
    microseconds_per_vote,
    stream_over,
)
from bench.truth_peers import PEERS, crowdlab, majority, peer_posterior, view_from_texts, view_of_knowing
from bench.truth_sets import RECIPES, CrowdSet, made_up, sets_in

_OURS = ("stream", "batch")
_DATA = Path("..") / "shared" / "data"
_PEERS_ON_MADE_UP = ("DS", "one-coin")
_ENOUGH = 500
_WIDTH = 150


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark, print the results, and write them to a file if one is named."""
    asked = _parser().parse_args(arguments)
    console = Console(width=_WIDTH)
    found = list(sets_in(asked.data, tuple(asked.sets)))
    for sentence in (each for each in found if isinstance(each, str)):
        console.print(sentence)
    sheets: list[Sheet] = []
    for sheet in _measured([each for each in found if isinstance(each, CrowdSet)], quick=asked.quick):
        console.print(as_table(sheet), "")
        sheets.append(sheet)
    console.print(conditions())
    if asked.markdown is not None:
        command = ("python -m bench.truth", *arguments)
        document = as_document(sheets, title="Accuracy of truth inference", command=command, now=datetime.now(UTC))
        asked.markdown.write_text(document, encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.truth", description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help="names of folders (all if none is named)")
    parser.add_argument("--data", type=Path, default=_DATA, help=f"where the sets are ({_DATA} by default)")
    parser.add_argument("--quick", action="store_true", help="no made-up crowds, one partition, less of everything")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables to this file")
    return parser


def _measured(crowds: list[CrowdSet], *, quick: bool) -> Iterator[Sheet]:
    gold = [crowd for crowd in crowds if crowd.has_gold]
    ours = {crowd.name: _ours(crowd) for crowd in crowds}
    theirs = {crowd.name: {name: peer_posterior(name, crowd) for name in PEERS} for crowd in gold}
    yield _accuracy(gold, ours, theirs)
    yield _trust(gold, ours, theirs)
    yield _agreement(crowds, ours, partitions=() if quick else (4, 16))
    yield _voice(crowds, quick=quick)
    if not quick:
        yield _simulated(seeds=3)
    yield _speed(items=10_000 if quick else 50_000)


def _ours(crowd: CrowdSet) -> tuple[Streamed, FloatArray, float]:
    streamed = stream_over(crowd)
    begun = time.perf_counter()
    return streamed, fit(crowd.ballots(), crowd.classes).posterior, time.perf_counter() - begun


def _accuracy(
    crowds: list[CrowdSet],
    ours: dict[str, tuple[Streamed, FloatArray, float]],
    theirs: dict[str, dict[str, FloatArray | None]],
) -> Sheet:
    table: list[list[float | None]] = []
    for crowd in crowds:
        streamed, batch, _ = ours[crowd.name]
        answers = [streamed.posterior, batch, majority(crowd), *theirs[crowd.name].values()]
        table.append([None if each is None else accuracy_of(each, crowd) for each in answers])
    rows = [[crowd.name, str(crowd.items), *map(_share, row)] for crowd, row in zip(crowds, table, strict=True)]
    means = [_mean([row[column] for row in table]) for column in range(len(PEERS) + 3)]
    notes = (
        "stream: one pass in order of arrival, batches of 500 votes, as many re-judged, 20 sweeps at the end",
        "majority: ties count as fractions; peers: crowd-kit, same votes, same run",
    )
    return Sheet(
        "Accuracy against gold", ("set", "items", *_OURS, "majority", *PEERS), [*rows, ["mean", "", *means]], notes
    )


def _trust(
    crowds: list[CrowdSet],
    ours: dict[str, tuple[Streamed, FloatArray, float]],
    theirs: dict[str, dict[str, FloatArray | None]],
) -> Sheet:
    rows, kept = [], []
    for crowd in crowds:
        mine, peer = ours[crowd.name][0].posterior, theirs[crowd.name]["DS"]
        values: list[float | None] = [calibration_error_of(mine, crowd), *corrections_of(mine, crowd)]
        peers: list[float | None] = [None] * 3
        if peer is not None:
            peers = [calibration_error_of(peer, crowd), *corrections_of(peer, crowd)]
        both = [both for pair in zip(values, peers, strict=True) for both in pair]
        kept.append((crowd.items, both))
        rows.append([crowd.name, *map(_share, both)])
    large = [_mean([both[column] for items, both in kept if column > 1 or items >= _ENOUGH]) for column in range(6)]
    columns = ("set", "ECE", "ECE DS", "precision", "precision DS", "recall", "recall DS")
    notes = (
        f"ECE: expected calibration error, ten bins; its mean is over sets of {_ENOUGH} items and more",
        "precision, recall: a vote is called wrong if its label is at most 5 % probable; DS: crowd-kit's Dawid-Skene",
    )
    return Sheet(
        "Calibration of probabilities, precision and recall of corrections", columns, [*rows, ["mean", *large]], notes
    )


def _agreement(
    crowds: list[CrowdSet], ours: dict[str, tuple[Streamed, FloatArray, float]], *, partitions: Sequence[int]
) -> Sheet:
    rows = []
    for crowd in crowds:
        streamed, batch, seconds = ours[crowd.name]
        alone = streamed.posterior
        cells = [crowd.name, str(len(crowd.item)), _same(alone, batch)]
        for count in partitions:
            split = stream_over(crowd, partitions=count).posterior
            gap = f" ({100 * (accuracy_of(split, crowd) - accuracy_of(alone, crowd)):+.2f})" if crowd.has_gold else ""
            cells.append(_same(alone, split) + gap)
        rows.append([*cells, f"{streamed.seconds:.2f}", f"{seconds:.2f}"])
    names = [f"{count} partitions" for count in partitions]
    columns = ("set", "votes", "stream = batch", *names, "stream s", "batch s")
    notes = ("% of items with the same most probable label; in brackets the difference in accuracy, in points",)
    return Sheet("Stream compared with batch, and with 4 and 16 partitions", columns, rows, notes)


def _voice(crowds: list[CrowdSet], *, quick: bool) -> Sheet:
    pairs = [(crowd, view_from_texts(crowd), "its texts") for crowd in crowds if crowd.texts and crowd.has_gold]
    for name in tuple(RECIPES)[:: 6 if quick else 2]:
        crowd = made_up(name, seed=1)
        pairs += [(crowd, view_of_knowing(crowd, skill, seed=2), f"skill {skill:.0f}") for skill in (1.0, 2.0)]
    rows = [_heard(crowd, view, source) for crowd, view, source in pairs]
    columns = (
        "set",
        "model",
        "alone",
        "acc",
        "acc CL",
        "AUROC",
        "AUROC CL",
        "Spearman",
        "Spearman CL",
        "difference",
        "weight",
    )
    notes = (
        "alone: the model's own accuracy; CL: cleanlab's CROWDLAB with the same out-of-fold probabilities",
        "AUROC: finding wrong votes; Spearman: quality of annotators with five votes or more",
        "difference: Spearman minus Spearman CL, with the 95 % interval of 1,000 bootstrap samples of annotators",
    )
    return Sheet("The consistency model as an additional vote", columns, rows, notes)


def _heard(crowd: CrowdSet, view: FloatArray, source: str) -> list[str]:
    consensus, quality, annotators = crowdlab(crowd, view)
    streamed = stream_over(crowd, view=view)
    wrong = crowd.label != crowd.gold[crowd.item]
    votes = np.bincount(crowd.annotator)
    true = np.bincount(crowd.annotator, ~wrong) / votes
    mine = np.array([streamed.stream.reliability(number).accuracy for number in range(crowd.annotators)])
    enough = votes >= 5
    told = streamed.posterior[crowd.item, crowd.label]
    numbers = [
        float((view.argmax(axis=1) == crowd.gold).mean()),
        accuracy_of(streamed.posterior, crowd),
        float((consensus == crowd.gold).mean()),
        float(roc_auc_score(wrong, 1 - told)),
        float(roc_auc_score(wrong, 1 - quality)),
        _rank_correlation(mine[enough], true[enough]),
        _rank_correlation(annotators[enough], true[enough]),
    ]
    difference = _difference(mine[enough], annotators[enough], true[enough])
    return [crowd.name, source, *map(_share, numbers), difference, f"{streamed.stream.learned.voice:.3g}"]


def _rank_correlation(found: FloatArray, true: FloatArray) -> float | None:
    return float(spearmanr(found, true)[0]) if len(true) > 2 else None


def _difference(mine: FloatArray, theirs: FloatArray, true: FloatArray) -> str:
    """Return by how much our ranks are nearer to the true ones, with its interval over annotators."""
    drawn = np.random.default_rng(1).integers(len(true), size=(1_000, len(true)))
    with np.errstate(invalid="ignore"):
        samples = [spearmanr(mine[one], true[one])[0] - spearmanr(theirs[one], true[one])[0] for one in drawn]
    low, high = np.nanpercentile(samples, [2.5, 97.5])
    return f"{spearmanr(mine, true)[0] - spearmanr(theirs, true)[0]:+.3f} ({low:+.3f} to {high:+.3f})"


def _simulated(*, seeds: int) -> Sheet:
    table: list[list[float | None]] = []
    for name in RECIPES:
        results = [_one_made_up(made_up(name, seed=seed)) for seed in range(seeds)]
        table.append([float(np.mean(column)) for column in zip(*results, strict=True)])
    rows = [[name, *map(_share, row)] for name, row in zip(RECIPES, table, strict=True)]
    means = [_mean([row[column] for row in table]) for column in range(len(table[0]))]
    columns = ("simulated crowd", *_OURS, "majority", *_PEERS_ON_MADE_UP, "ECE", "ECE DS")
    notes = (f"accuracy against the truth; ECE: calibration error of the stream; {seeds} seeds each",)
    return Sheet("Simulated crowds", columns, [*rows, ["mean", *means]], notes)


def _one_made_up(crowd: CrowdSet) -> list[float]:
    streamed, batch, _ = _ours(crowd)
    peers = [posterior for name in _PEERS_ON_MADE_UP if (posterior := peer_posterior(name, crowd)) is not None]
    answers = [streamed.posterior, batch, majority(crowd), *peers]
    errors = [calibration_error_of(each, crowd) for each in (streamed.posterior, peers[0])]
    return [accuracy_of(each, crowd) for each in answers] + errors


def _speed(*, items: int) -> Sheet:
    put, settle, sweep = microseconds_per_vote(items=items)
    row = [f"{items:,}", *(f"{each:.2f}" for each in (put, settle, sweep, put + settle + sweep))]
    columns = ("items", "put µs", "settle µs", "sweep µs", "total µs", "bytes per item")
    notes = ("four classes, five votes per item one by one, batches of 2,000 votes, as many items swept",)
    return Sheet("Cost per vote", columns, [[*row, f"{bytes_per_item(items=items):.0f}"]], notes)


def _same(left: FloatArray, right: FloatArray) -> str:
    return f"{100 * (left.argmax(axis=1) == right.argmax(axis=1)).mean():.2f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _mean(values: Sequence[float | None]) -> str:
    return _share(float(np.mean(known)) if (known := [each for each in values if each is not None]) else None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
