"""Equality with irrCAC, krippendorff and statsmodels on random tables."""

from collections import Counter
from collections.abc import Callable
from typing import Literal

import krippendorff
import numpy as np
import pandas as pd
import pytest
from irrCAC.raw import CAC
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.inter_rater import fleiss_kappa as fleiss_kappa_of_statsmodels

from assay_models.agreement.cohen import PairTable, cohen_kappa, linear_kappa, quadratic_kappa
from assay_models.agreement.contingency import PatternTable
from assay_models.agreement.estimate import Estimate
from assay_models.agreement.fleiss import fleiss_kappa
from assay_models.agreement.gwet import gwet_ac1, linear_ac2, quadratic_ac2
from assay_models.agreement.krippendorff import interval_alpha, nominal_alpha, ordinal_alpha, ratio_alpha
from assay_models.agreement.observed_agreement import percent_agreement
from tests.models.agreement.builders import Rows, a_table, random_rows

Reading = Callable[[PatternTable], Estimate | None]
SEEDS = range(12)


def estimate(reading: Estimate | None) -> Estimate:
    assert reading is not None
    return reading


def irr_cac(rows: Rows, method: str, weights: str = "identity") -> tuple[float, float, float]:
    """Return value, standard error and percent agreement; the categories are told, as it counts NaN as one."""
    told = sorted({label for row in rows for label in row if label is not None})
    frame = pd.DataFrame(np.array(rows, dtype=np.float64))
    found = getattr(CAC(frame, weights=weights, categories=told, digits=14), method)()["est"]
    return float(found["coefficient_value"]), float(found["se"]), float(found["pa"])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("ours", "method", "weights"),
    [
        (nominal_alpha, "krippendorff", "identity"),
        (interval_alpha, "krippendorff", "quadratic"),
        (fleiss_kappa, "fleiss", "identity"),
        (gwet_ac1, "gwet", "identity"),
        (linear_ac2, "gwet", "linear"),
        (quadratic_ac2, "gwet", "quadratic"),
    ],
)
def test_values_are_those_of_irrcac_with_missing_labels(ours: Reading, method: str, weights: str, seed: int) -> None:
    rows = random_rows(seed)

    value, _, agreement = irr_cac(rows, method, weights)

    assert estimate(ours(a_table(rows))).value == pytest.approx(value, abs=1e-9)
    if method != "krippendorff":
        assert weights != "identity" or estimate(percent_agreement(a_table(rows))).value == pytest.approx(agreement)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("ours", "method", "fewest"),
    [(nominal_alpha, "krippendorff", 0), (fleiss_kappa, "fleiss", 2), (gwet_ac1, "gwet", 2)],
)
def test_standard_errors_are_those_of_irrcac(ours: Reading, method: str, fewest: int, seed: int) -> None:
    rows = random_rows(seed, fewest=fewest)

    _, error, _ = irr_cac(rows, method)

    assert estimate(ours(a_table(rows))).standard_error == pytest.approx(error, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("ours", "level"),
    [(nominal_alpha, "nominal"), (ordinal_alpha, "ordinal"), (interval_alpha, "interval"), (ratio_alpha, "ratio")],
)
def test_alphas_are_those_of_krippendorff(
    ours: Reading, level: Literal["nominal", "ordinal", "interval", "ratio"], seed: int
) -> None:
    rows = random_rows(seed)

    theirs = krippendorff.alpha(np.array(rows, dtype=np.float64).T, level_of_measurement=level)

    assert estimate(ours(a_table(rows))).value == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_kappas_are_those_of_statsmodels(seed: int) -> None:
    rows = random_rows(seed, missing_share=0)
    votes = np.array([[row.count(value) for value in range(1, 6)] for row in rows])
    both = np.zeros((5, 5))
    for first, second, *_ in np.array(rows, dtype=np.int64).tolist():
        both[first - 1, second - 1] += 1
    pairs: PairTable = Counter((row[0] or 0, row[1] or 0) for row in rows)

    ours = [estimate(reading(pairs)) for reading in (cohen_kappa, linear_kappa, quadratic_kappa)]
    theirs = [cohens_kappa(both, wt=weights) for weights in (None, "linear", "quadratic")]

    assert [one.value for one in ours] == pytest.approx([one.kappa for one in theirs], abs=1e-9)
    small = (len(rows) / (len(rows) - 1)) ** 0.5
    assert [one.standard_error for one in ours] == pytest.approx([one.std_kappa * small for one in theirs], abs=1e-9)
    assert estimate(fleiss_kappa(a_table(rows))).value == pytest.approx(fleiss_kappa_of_statsmodels(votes), abs=1e-9)
