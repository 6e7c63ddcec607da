import pytest

from models.truth.credible import interval, share_below


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


def test_no_rate_is_below_nothing_and_every_rate_below_one() -> None:
    assert share_below(0.0, 2, 3) == 0
    assert share_below(1.0, 2, 3) == 1
    assert share_below(0.5, 3, 3) == pytest.approx(0.5)


def test_a_term_that_vanishes_does_no_harm() -> None:
    assert share_below(0.5, 1, 2) == pytest.approx(0.75)
    assert share_below(1 / 3, 1, 2) == pytest.approx(1 - (2 / 3) ** 2)


def test_the_middle_of_a_very_narrow_posterior_is_found_to_a_thousandth() -> None:
    assert share_below(0.5, 1e6, 1e6) == pytest.approx(0.5, abs=1e-3)
