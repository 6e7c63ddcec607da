import numpy as np
import pytest

from assay_models.consistency.calibration import (
    calibration_error,
    fit_temperature,
    log_loss,
    skill_score,
    softmax,
)


def test_a_model_twice_as_sure_as_it_may_be_gets_temperature_two() -> None:
    logits = np.array([[0.0, 1.0], [0.5, 0.0], [2.0, -1.0]])
    votes = softmax(logits) * 100

    temperature = fit_temperature(2 * logits, votes)

    assert temperature == pytest.approx(2, rel=1e-3)


def test_logits_without_any_information_get_the_highest_temperature() -> None:
    assert fit_temperature(np.array([[0.0, 9.0], [0.0, 9.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])) == pytest.approx(
        20, rel=1e-3
    )


def test_calibration_error_is_the_gap_between_confidence_and_agreement() -> None:
    # Both predictions are class 0, with 0.9 and 0.6; 3 of 4 and 1 of 4 votes agree:
    # (4 * |.75 - .9| + 4 * |.25 - .6|) / 8 = 0.25
    error = calibration_error(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([[3.0, 1.0], [1.0, 3.0]]))

    assert error == pytest.approx(0.25)


def test_full_confidence_belongs_to_the_last_bin() -> None:
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])) == 0


def test_log_loss_is_the_mean_over_votes() -> None:
    loss = log_loss(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([[1.0, 0.0], [1.0, 0.0]]))

    assert loss == pytest.approx((np.log(2) + np.log(4)) / 2)


def test_saying_the_class_frequencies_has_no_skill() -> None:
    votes = np.array([[3.0, 0.0], [0.0, 1.0]])

    assert skill_score(np.full((2, 2), [0.75, 0.25]), votes) == pytest.approx(0)
    assert skill_score(np.eye(2), votes) == pytest.approx(1)


def test_huge_logits_do_not_overflow() -> None:
    assert softmax(np.array([[1e6, 0.0]])).tolist() == [[1.0, 0.0]]
