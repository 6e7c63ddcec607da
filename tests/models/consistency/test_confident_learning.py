import numpy as np
import pytest

from assay_models.consistency.confident_learning import thresholds_of


def test_the_confident_threshold_is_the_mean_probability_of_the_classs_own_votes() -> None:
    found = thresholds_of(
        np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]]), np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    )

    assert found.confident == pytest.approx(((2 * 0.9 + 0.7) / 3, 0.8))


def test_the_share_estimated_wrong_follows_the_confident_joint() -> None:
    # Thresholds: class a (4 * .9 + .1) / 5 = .74, class b (4 * .9) / 4 = .9. Given a: four count as a, and
    # the one with .1 for a and .9 for b counts as b: 1 / 5 wrong. Given b: all four count as b: none wrong.
    probabilities = np.array([[0.9, 0.1]] * 4 + [[0.1, 0.9]] + [[0.1, 0.9]] * 4)
    votes = np.array([[1.0, 0.0]] * 5 + [[0.0, 1.0]] * 4)

    found = thresholds_of(probabilities, votes)

    assert found.error_shares == pytest.approx((0.2, 0.0))


def test_about_as_many_labels_are_flagged_as_are_believed_wrong() -> None:
    own = np.linspace(0.99, 0.6, 95)
    probabilities = np.concatenate([own, [0.01, 0.02, 0.03, 0.04, 0.05], 1 - np.linspace(0.99, 0.6, 100)])
    votes = np.repeat([[1.0, 0.0], [0.0, 1.0]], 100, axis=0)

    found = thresholds_of(np.column_stack([probabilities, 1 - probabilities]), votes)

    assert 0.03 <= found.flagged_shares[0] <= 0.08
    assert found.flagging[1] == 0
    assert found.flagged_shares[1] == 0


def test_never_more_than_a_tenth_of_a_class_is_flagged() -> None:
    rng = np.random.default_rng(0)
    first = np.where(rng.random(1000) < 0.5, 0.95, 0.05) + rng.normal(0, 0.01, 1000)
    votes = np.where(rng.random((1000, 1)) < 0.75 * first[:, None] + 0.1, [[1.0, 0.0]], [[0.0, 1.0]])

    found = thresholds_of(np.column_stack([first, 1 - first]), votes)

    assert min(found.error_shares) > 0.1
    assert max(found.flagged_shares) <= 0.1


def test_a_label_that_is_likelier_than_not_is_never_flagged() -> None:
    probabilities = np.concatenate([np.full(90, 0.99), np.full(10, 0.6), np.full(100, 0.3)])
    votes = np.repeat([[1.0, 0.0], [0.0, 1.0]], 100, axis=0)

    found = thresholds_of(np.column_stack([probabilities, 1 - probabilities]), votes)

    assert max(found.flagging) <= 0.5


def test_a_model_without_skill_flags_nothing() -> None:
    probabilities = np.array([[0.51, 0.49], [0.49, 0.51]] * 20)
    votes = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]] * 10)

    found = thresholds_of(probabilities, votes)

    assert min(found.error_shares) > 0
    assert found.flagging == (0.0, 0.0)
