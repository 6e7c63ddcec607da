import numpy as np
import pytest

from assay_models.truth.categorical.confusion_counts import (
    OTHER,
    UNITS,
    ConfusionCounts,
    added_up,
    counts_of,
    errors_of,
    load_errors,
)
from assay_models.truth.categorical.vote_arrays import ballots_of

MANY = 20
"""More classes than are counted in full."""


def units(*rows: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.asarray(np.rint(np.array(rows) * UNITS), np.int64)


def test_a_vote_is_counted_under_each_class_as_far_as_it_is_believed() -> None:
    tally = ConfusionCounts(2)

    tally.add(ballots_of([{0: 1, 4: 0}]), units([0.25, 0.75]))

    assert counts_of(tally, 0) == ((0, 1, 0.25), (1, 1, 0.75))
    assert counts_of(tally, 4) == ((0, 0, 0.25), (1, 0, 0.75))
    assert counts_of(tally, 3) == ()
    assert counts_of(tally, 999) == ()


@pytest.mark.parametrize("classes", [3, MANY])
def test_what_was_added_can_be_taken_back_to_the_last_digit(classes: int) -> None:
    rng = np.random.default_rng(1)
    ballots = ballots_of([{a: int(rng.integers(classes)) for a in range(5)} for _ in range(50)], [{1: 0.333}] * 50)
    responsibilities = units(*rng.dirichlet(np.ones(classes), 50).tolist())
    order = rng.permutation(50)
    tally = ConfusionCounts(classes)

    tally.add(ballots, responsibilities)
    for item in order.tolist():
        one = ballots.row == item
        votes = dict(zip(ballots.annotator[one].tolist(), ballots.label[one].tolist(), strict=True))
        tally.add(ballots_of([votes], [{1: 0.333}]), responsibilities[[item]], sign=-1)

    assert not any(table.any() for table in (tally.right, tally.total, tally.pool, tally.pool_right, tally.pool_total))
    assert all(counts_of(tally, annotator) == () for annotator in range(5))


def test_with_many_classes_an_error_is_an_error_whatever_was_said() -> None:
    tally = ConfusionCounts(MANY)

    tally.add(ballots_of([{0: 5}, {0: 6}]), units(np.eye(MANY)[5].tolist(), np.eye(MANY)[5].tolist()))

    assert counts_of(tally, 0) == ((5, OTHER, 1.0), (5, 5, 1.0))
    assert tally.gather(ballots_of([{0: 5}])).given is None
    assert errors_of(tally) == ((5, 5, 1.0), (5, 6, 1.0))


@pytest.mark.parametrize("classes", [3, MANY])
def test_counts_are_restored_exactly(classes: int) -> None:
    tally, restored = ConfusionCounts(classes), ConfusionCounts(classes)
    tally.add(
        ballots_of([{0: 1, 2: 0}, {0: 2}]), units(*np.random.default_rng(1).dirichlet(np.ones(classes), 2).tolist())
    )

    for annotator in (2, 0, 1):
        restored.exchange(annotator, (), ((0, 0, 3.0),))
        restored.exchange(annotator, ((0, 0, 3.0),), counts_of(tally, annotator))
    load_errors(restored, errors_of(tally))

    for name in ("pool", "pool_right", "pool_total"):
        assert np.array_equal(getattr(restored, name), getattr(tally, name))
    assert all(counts_of(restored, a) == counts_of(tally, a) for a in range(4))


def test_counts_of_another_layout_are_understood() -> None:
    full, short = ConfusionCounts(3), ConfusionCounts(MANY)

    full.exchange(0, (), ((1, OTHER, 2.0), (1, 1, 3.0)))
    short.exchange(0, (), ((1, 0, 1.0), (1, 2, 1.0), (1, 1, 3.0)))

    assert full.total[0].tolist() == [0, 5 * 10**9, 0]
    assert counts_of(short, 0) == ((1, OTHER, 2.0), (1, 1, 3.0))


@pytest.mark.parametrize(("before", "after"), [(2, 3), (2, MANY), (MANY, MANY + 1)])
def test_more_classes_keep_what_is_counted(before: int, after: int) -> None:
    tally = ConfusionCounts(before)
    tally.add(ballots_of([{0: 0}, {0: 1}]), units(*np.eye(before)[:1].tolist() * 2))

    tally.grow(after)

    error = (0, OTHER, 1.0) if after > 16 else (0, 1, 1.0)
    assert sorted(counts_of(tally, 0)) == sorted([(0, 0, 1.0), error])
    assert tally.pool.shape == (after, after)
    assert tally.pool_total.tolist() == [2 * 10**9] + [0] * (after - 1)


@pytest.mark.parametrize("classes", [3, MANY])
def test_counts_come_less_those_of_a_part(classes: int) -> None:
    whole, part = ConfusionCounts(classes), ConfusionCounts(classes)
    whole.add(ballots_of([{0: 1, 2: 0}]), units(np.eye(classes)[1].tolist()))
    part.add(ballots_of([{0: 1}]), units(np.eye(classes)[1].tolist()))

    assert counts_of(whole, 0, besides=part) == ()
    assert counts_of(whole, 2, besides=part) == counts_of(whole, 2)
    assert counts_of(whole, 0, besides=ConfusionCounts(classes)) == counts_of(whole, 0) == ((1, 1, 1.0),)


def test_counts_add_up() -> None:
    assert added_up([((0, 1, 0.5), (1, 1, 2.0)), (), ((0, 0, 1.0), (0, 1, 0.25))]) == (
        (0, 0, 1.0),
        (0, 1, 0.75),
        (1, 1, 2.0),
    )
