import numpy as np
import pytest

from assay_models.truth.categorical.confusion_counts import UNITS, ConfusionCounts
from assay_models.truth.categorical.emission import Strengths, cavity_of, likelihood, pool_of
from assay_models.truth.categorical.vote_arrays import ballots_of


def test_before_anything_is_known_everybody_is_right_seven_times_out_of_ten() -> None:
    pool = pool_of(ConfusionCounts(3))

    assert pool.accuracy == pytest.approx(0.7)
    assert pool.confusion() == pytest.approx(np.array([[0.7, 0.15, 0.15], [0.15, 0.7, 0.15], [0.15, 0.15, 0.7]]))


@pytest.mark.parametrize("classes", [2, 5, 20])
def test_the_probabilities_of_all_labels_add_up_to_one_under_every_class(classes: int) -> None:
    rng = np.random.default_rng(1)
    tally = ConfusionCounts(classes)
    votes = [{a: int(rng.integers(classes)) for a in range(3)} for _ in range(30)]
    tally.add(ballots_of(votes), np.rint(rng.dirichlet(np.ones(classes), 30) * UNITS).astype(np.int64))
    asked = ballots_of([{0: label} for label in range(classes)])
    pool = pool_of(tally)

    rates = likelihood(cavity_of(asked, tally, None, pool), pool, Strengths(4, 16))

    assert rates.sum(axis=0) == pytest.approx(np.ones(classes), abs=1e-5)


def test_a_rate_is_the_counts_shrunk_towards_pool_and_own_accuracy() -> None:
    # Annotator 0: truth 0, right 3 of 4. Pool: accuracy (3 + 20 * .7) / (4 + 20) = .70833; right of class 0
    # (3 + 16 * .70833) / (4 + 16) = .71667. Own: (3 + 2 * .70833) / (4 + 2) = .73611. Expected: their mean .72639.
    # With strength 8: (3 + 8 * .72639) / (4 + 8) = .73426.
    tally = ConfusionCounts(2)
    tally.add(ballots_of([{0: 0}, {0: 0}, {0: 0}, {0: 1}]), np.array([[UNITS, 0]] * 4))
    pool = pool_of(tally)

    rates = likelihood(cavity_of(ballots_of([{0: 0}]), tally, None, pool), pool, Strengths(8, 64))

    assert rates[0, 0] == pytest.approx(0.73426, abs=1e-5)


def test_an_item_does_not_testify_for_its_own_annotators() -> None:
    tally, without = ConfusionCounts(2), ConfusionCounts(2)
    rest, item = ballots_of([{0: 0, 1: 1}, {1: 1}]), ballots_of([{0: 0, 1: 0}])
    for each in (tally, without):
        each.add(rest, np.array([[900_000, 100_000], [0, UNITS]]))
    mine = np.array([[800_000, 200_000]])
    tally.add(item, mine)

    within, apart = (
        cavity_of(item, tally, mine, pool_of(tally)),
        cavity_of(item, without, None, pool_of(without)),
    )

    assert within.right == pytest.approx(apart.right)
    assert within.total == pytest.approx(apart.total)
    assert within.given == pytest.approx(apart.given)
