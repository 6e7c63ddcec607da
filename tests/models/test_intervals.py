import pytest

from assay_models.intervals import interval


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
