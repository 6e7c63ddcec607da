import csv
from pathlib import Path

import numpy as np
import pytest

from assay_models.truth.categorical.vote_arrays import VoteArrays, ballots_of
from bench.baselines.dawid_skene import fit_maximum_likelihood
from tests.models.truth.crowds import a_crowd


def test_two_who_agree_and_one_who_always_says_the_same() -> None:
    # Annotators 0 and 1 agree on all items, half of them of either class; annotator 2 always says 0. Then the classes
    # are certain, 2's rows are (1, 0), and the likelihood of each item is that of its class alone: 4 ln .5.
    found = fit_maximum_likelihood(ballots_of([{0: k, 1: k, 2: 0} for k in (0, 1, 0, 1)]), 2)

    assert found.posterior == pytest.approx(np.array([[1, 0], [0, 1], [1, 0], [0, 1]]), abs=1e-6)
    assert found.marginals == pytest.approx([0.5, 0.5], abs=1e-6)
    assert found.confusion[2] == pytest.approx(np.array([[1, 0], [1, 0]]), abs=1e-6)
    assert found.log_likelihood == pytest.approx(4 * np.log(0.5), abs=1e-4)


def test_the_search_ends_even_where_it_has_not_arrived() -> None:
    found = fit_maximum_likelihood(ballots_of(a_crowd(items=30).votes), 3, most_passes=1)

    assert found.posterior.sum(axis=1) == pytest.approx(np.ones(30))


def test_the_anaesthetists_of_1979(real_data: Path) -> None:
    # Dawid & Skene 1979, tables 2 to 4: 45 patients, five observers, the first of whom answered three times.
    table = real_data / "anesthesia" / "annotations.csv"
    if not table.is_file():
        pytest.skip("the anaesthetists' table is not here: anesthesia/annotations.csv is kept beside the repository")
    with table.open(encoding="utf-8", newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: row["item"])
    items, annotators = (sorted({row[key] for row in rows}) for key in ("item", "annotator"))
    columns = [
        [items.index(row["item"]) for row in rows],
        [annotators.index(row["annotator"]) for row in rows],
        [int(row["label"]) - 1 for row in rows],
        [1000] * len(rows),
    ]

    found = fit_maximum_likelihood(VoteArrays(len(items), *(np.array(column) for column in columns)), 4)

    rounded = found.confusion.round(2)
    second = np.array([[0.83, 0.17, 0, 0], [0.05, 0.63, 0.31, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    assert found.log_likelihood == pytest.approx(-192.8909, abs=1e-4)
    assert found.marginals.round(2) == pytest.approx([0.40, 0.42, 0.11, 0.07])
    assert any(np.allclose(observer, second) for observer in rounded)
