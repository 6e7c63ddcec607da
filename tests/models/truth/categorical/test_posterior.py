import numpy as np
import pytest

from assay_models.truth.categorical.confusion_counts import UNITS
from assay_models.truth.categorical.emission import PooledCounts
from assay_models.truth.categorical.posterior import Learned, Logits, gain_of_a_vote, publish, update_posteriors


def logits(votes: list[float], *, size: float = 1.0, view: list[float] | None = None) -> Logits:
    prior = np.log(np.full((1, len(votes)), 1 / len(votes)))
    return Logits(prior, np.array([votes]), None if view is None else np.array([view]), np.array([size]))


def a_pool(*, right: list[float]) -> PooledCounts:
    classes = len(right)
    errors = (1 - np.eye(classes)) / (classes - 1)
    return PooledCounts(0.7, np.array(right), errors, np.ones(classes))


def test_one_vote_is_published_as_it_is_but_for_lapses() -> None:
    # ln 4 of odds: .8; of 6 % lapses each class gets .03: .94 * .8 + .03 = .782.
    told = publish(logits([np.log(4.0), 0.0]), Learned(correlation=0.5, lapse=0.06))

    assert told[0, 0] == pytest.approx(0.782)


def test_three_votes_that_repeat_each_other_count_for_less_than_three() -> None:
    # Three votes of odds 4: 64 : 1. With correlation .5 they count 3 / (1 + .5 * 2) = 1.5 votes: 8 : 1.
    told = publish(logits([3 * np.log(4.0), 0.0], size=3), Learned(correlation=0.5, lapse=0.0))

    assert told[0, 0] == pytest.approx(8 / 9)


def test_responsibilities_take_the_votes_at_their_word_and_are_whole_millionths() -> None:
    units = update_posteriors(logits([3 * np.log(4.0), 0.0], size=3), Learned(correlation=0.5))

    assert units.tolist() == [[984_615, 15_385]]
    assert units.sum() == UNITS


def test_the_models_view_counts_as_much_as_was_learned() -> None:
    with_view = logits([0.0, 0.0], view=[np.log(9.0), 0.0])

    assert publish(with_view, Learned(voice=0.5, lapse=0.0))[0, 0] == pytest.approx(0.75)
    assert publish(with_view, Learned(voice=0.0, lapse=0.0))[0, 0] == pytest.approx(0.5)
    assert update_posteriors(with_view, Learned(voice=1.0))[0, 0] == 900_000


def test_one_more_vote_gains_nothing_where_it_could_change_nothing() -> None:
    # .5 / .5 and an annotator right 4 times of 5: afterwards .8, a gain of .3. At .99 / .01 no answer changes the mind.
    gain = gain_of_a_vote(np.array([[0.5, 0.5], [0.99, 0.01]]), a_pool(right=[0.8, 0.8]))

    assert gain == pytest.approx([0.3, 0.0])


def test_the_gain_with_many_classes_is_that_of_the_full_formula() -> None:
    rng = np.random.default_rng(1)
    posterior, pool = rng.dirichlet(np.full(12, 0.1), 50), a_pool(right=[0.6] * 12)

    full = (posterior[:, :, None] * pool.confusion()).max(axis=1).sum(axis=1) - posterior.max(axis=1)

    assert gain_of_a_vote(posterior, pool) == pytest.approx(np.maximum(full, 0), abs=1e-3)
