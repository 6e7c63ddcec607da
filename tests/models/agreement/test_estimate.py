import pytest
from scipy import stats

from assay_models.agreement.estimate import t_quantile


@pytest.mark.parametrize("freedom", [1, 2, 5, 6, 7, 10, 29, 99, 1_000, 10**6])
def test_the_quantile_is_right_to_four_decimals(freedom: int) -> None:
    assert t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-4)
