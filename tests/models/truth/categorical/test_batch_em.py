import numpy as np
import pytest

from assay_models.truth.categorical.batch_em import fit
from assay_models.truth.categorical.posterior import Learned
from assay_models.truth.categorical.vote_arrays import ballots_of
from bench.baselines.dawid_skene import fit_maximum_likelihood
from tests.models.truth.crowds import a_crowd, accuracy

CROWD = a_crowd(seed=3)


def majority(votes: list[dict[int, int]], classes: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([[list(each.values()).count(k) for k in range(classes)] for each in votes], np.float64)


def test_the_truth_is_found_more_often_than_by_majority() -> None:
    crowd = a_crowd(items=400, accuracies=(0.95, 0.9, 0.9, 0.6, 0.5, 0.4, 0.4, 0.35))

    found = fit(ballots_of(crowd.votes), 3)

    assert accuracy(found.posterior, crowd.truth) > accuracy(majority(crowd.votes, 3), crowd.truth) + 0.02


def test_those_who_lie_are_seen_through() -> None:
    crowd = a_crowd(classes=2, per_item=6, accuracies=(0.9, 0.9, 0.85, 0.85, 0.1, 0.1, 0.5, 0.5))

    found = fit(ballots_of(crowd.votes), 2)

    assert accuracy(found.posterior, crowd.truth) > accuracy(majority(crowd.votes, 2), crowd.truth) + 0.1


def test_what_is_published_is_less_sure_than_maximum_likelihood_and_nearer_the_truth() -> None:
    crowd = a_crowd(items=400, classes=2, per_item=3, accuracies=(0.8, 0.7, 0.6) * 100, seed=2)
    ballots = ballots_of(crowd.votes)

    ours, theirs = fit(ballots, 2).posterior, fit_maximum_likelihood(ballots, 2).posterior

    gaps = [abs(each.max(axis=1).mean() - accuracy(each, crowd.truth)) for each in (ours, theirs)]
    assert ours.max(axis=1).mean() < theirs.max(axis=1).mean()
    assert gaps[0] < gaps[1]


def test_the_order_of_annotators_makes_no_difference() -> None:
    renamed = [{9 - annotator: label for annotator, label in each.items()} for each in CROWD.votes]

    found, other = fit(ballots_of(CROWD.votes), 3), fit(ballots_of(renamed), 3)

    assert other.posterior == pytest.approx(found.posterior, abs=1e-4)


def test_the_names_of_labels_make_no_difference() -> None:
    renamed = [{annotator: (label + 1) % 3 for annotator, label in each.items()} for each in CROWD.votes]

    found, other = fit(ballots_of(CROWD.votes), 3), fit(ballots_of(renamed), 3)

    assert np.roll(other.posterior, -1, axis=1) == pytest.approx(found.posterior, abs=1e-4)


def test_an_annotator_who_never_knows_changes_little() -> None:
    rng = np.random.default_rng(1)
    noisy = [{**each, 10: int(rng.integers(3))} for each in CROWD.votes]

    found, other = fit(ballots_of(CROWD.votes), 3), fit(ballots_of(noisy), 3)

    assert (found.posterior.argmax(axis=1) == other.posterior.argmax(axis=1)).mean() > 0.97


def test_no_items_have_no_truth() -> None:
    assert fit(ballots_of([]), 3).posterior.shape == (0, 3)


def test_one_voice_is_believed_as_far_as_a_strangers_is() -> None:
    found = fit(ballots_of([{0: 1}]), 2)

    assert found.posterior[0].argmax() == 1
    assert found.posterior[0, 1] < 0.8


def test_an_item_without_votes_gets_the_classes_frequencies() -> None:
    found = fit(ballots_of([{0: 1, 1: 1}] * 9 + [{}]), 2)

    assert 0.5 < found.posterior[-1, 1] < 1


def test_a_view_of_the_model_decides_what_the_votes_leave_open() -> None:
    view = np.full((2, 2), np.nan)
    view[0] = [0.1, 0.9]

    found = fit(ballots_of([{0: 0, 1: 1}, {0: 0, 1: 1}]), 2, view=view)

    assert found.posterior[0, 1] > 0.6
    assert found.posterior[1, 1] < found.posterior[0, 1] - 0.1


def test_what_is_learned_can_be_given() -> None:
    given = Learned(correlation=0.3)

    assert fit(ballots_of(CROWD.votes), 3, learned=given, most_passes=2).learned == given


def test_the_search_ends_even_where_learning_goes_on() -> None:
    assert fit(ballots_of(a_crowd(items=2_000).votes), 3, most_rounds=1).learned != Learned()


def test_the_same_votes_give_the_same_truth() -> None:
    once, again = fit(ballots_of(CROWD.votes), 3), fit(ballots_of(CROWD.votes), 3)

    assert np.array_equal(once.posterior, again.posterior)
