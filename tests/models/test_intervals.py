import pytest

from assay_models.intervals import interval, wilson_interval


@pytest.mark.parametrize(
    ("right", "wrong", "low", "high"),
    [
        # Beta(1, 1) is uniform; Beta(2, 1) has distribution x²: roots of .025 and .975; Beta(9, 1): their ninth roots.
        (1, 1, 0.025, 0.975),
        (2, 1, 0.025**0.5, 0.975**0.5),
        (9, 1, 0.025 ** (1 / 9), 0.975 ** (1 / 9)),
        (1, 9, 1 - 0.975 ** (1 / 9), 1 - 0.025 ** (1 / 9)),
    ],
)
def test_the_interval_has_equal_tails(right: float, wrong: float, low: float, high: float) -> None:
    assert interval(right, wrong) == pytest.approx((low, high), abs=1e-9)


def test_a_million_votes_leave_a_narrow_interval() -> None:
    low, high = interval(800_000, 200_000)

    assert low == pytest.approx(0.8 - 1.96 * 0.0004, abs=1e-6)
    assert high == pytest.approx(0.8 + 1.96 * 0.0004, abs=1e-6)


def test_next_to_no_errors_among_a_million_votes_leave_next_to_no_doubt() -> None:
    low, high = interval(1_000_000, 0.003)

    assert low > 1 - 1e-6
    assert high == 1


def test_the_wilson_interval_of_half_of_ten() -> None:
    # (0.5 + z²/20 ± z·sqrt(0.025 + z²/400)) / (1 + z²/10) with z = 1.96: 0.2366 to 0.7634
    assert wilson_interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_there_is_no_interval_without_trials() -> None:
    assert wilson_interval(0, 0) is None
