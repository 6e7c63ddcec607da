"""What is learned of annotators who write numbers, and that the sums are exact."""

import numpy as np
import pytest

from assay_models.truth.numeric.annotator_noise import COLUMNS, FIXED, noise_of, pool_of, rescaled
from assay_models.truth.numeric.numeric_state import NumericItem, NumericState, numbers_of


def some_items(count: int = 400, *, annotators: int = 10, seed: int = 1) -> list[NumericItem]:
    """Return items on which annotator n has a bias of n hundredths, and annotator 9 is stretched by half."""
    rng = np.random.default_rng(seed)
    found = []
    for truth in rng.normal(0, 0.2, count).tolist():
        who = rng.choice(annotators, 4, replace=False)
        number = truth * np.where(who == 9, 0.5, 1.0) + who / 100 + rng.normal(0, 0.03, 4)
        found.append(NumericItem(who, number, None))
    return found


def settled(items: list[NumericItem], *, passes: int = 30) -> NumericState:
    sums = NumericState()
    sums.make_room(10)
    for _ in range(passes):
        sums.judge(items, 0.1)
    return sums


def test_biases_and_stretches_are_found_relative_to_the_median() -> None:
    sums = settled(some_items())

    noise = noise_of(sums.every[:10] / FIXED, sums.pool)

    assert noise.bias[:9] - noise.bias[4] == pytest.approx(np.arange(-4, 5) / 100, abs=0.015)
    assert noise.stretch[9] == pytest.approx(0.55, abs=0.1)
    assert noise.stretch[:9] == pytest.approx(np.ones(9), abs=0.1)


def test_what_was_taught_can_be_taken_back_to_the_last_digit() -> None:
    items = some_items()
    sums = settled(items, passes=3)

    for start in range(0, 400, 7):
        sums.teach(sums.open, items[start : start + 7], sign=-1)

    assert not sums.open.any()


def test_a_pool_without_anybody_has_neither_bias_nor_stretch() -> None:
    pool = pool_of(np.zeros((0, COLUMNS), np.int64))

    assert (pool.bias, pool.stretch) == (0, 1)
    assert pool.noise > 0
    assert len(numbers_of([]).number) == 0


def test_sums_on_another_scale_are_those_of_the_moved_numbers() -> None:
    items = some_items(50)
    sums = settled(items)
    moved = [NumericItem(each.annotator, 0.5 * each.number - 0.25, None) for each in items]
    for one, other in zip(items, moved, strict=True):
        other.mean, other.variance = 0.5 * one.mean - 0.25, 0.25 * one.variance
        other.weight, other.hit = one.weight, one.hit
    expected = NumericState()
    expected.make_room(10)

    expected.teach(expected.open, moved)

    found = np.array([rescaled(row, 0.5, -0.25) for row in sums.open[:10].tolist()])
    assert np.abs(found - expected.open[:10]).max() < 1_000  # of 1e-11


def test_votes_that_change_are_believed_as_before_until_they_are_judged() -> None:
    before = NumericItem(np.array([3, 5]), np.array([0.1, 0.2]), None)
    settled([before])
    after = NumericItem(np.array([5, 8]), np.array([0.3, 0.0]), None)

    after.inherit(before)

    assert after.mean == before.mean
    assert after.weight.tolist() == [before.weight[1], 0]
