"""Worked examples whose values are published."""

import pytest

from assay_models.agreement.cohen import PairTable, cohen_kappa
from assay_models.agreement.contingency import Pattern
from assay_models.agreement.estimate import Estimate
from assay_models.agreement.fleiss import fleiss_kappa
from assay_models.agreement.gwet import gwet_ac1
from assay_models.agreement.krippendorff import interval_alpha, masi_alpha, nominal_alpha, ordinal_alpha, ratio_alpha
from assay_models.agreement.observed_agreement import percent_agreement
from tests.models.agreement.builders import KRIPPENDORFF_C, a_table, digits

FLEISS = """
0 0 0 0 14 / 0 2 6 4 2 / 0 0 3 5 6 / 0 3 9 2 0 / 2 2 8 1 1 / 7 7 0 0 0 / 3 2 6 3 0 / 2 5 3 2 2 / 6 5 2 1 0 / 0 2 2 3 7
"""
DIAGNOSES = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
GWET = ((13, 0, 0), (0, 20, 7), (0, 4, 56))


def value(reading: Estimate | None) -> float:
    assert reading is not None
    return reading.value


def pairs(rows: tuple[tuple[int, ...], ...]) -> PairTable:
    return {(i, j): count for i, row in enumerate(rows) for j, count in enumerate(row) if count}


def test_krippendorffs_data_c() -> None:
    table = a_table(digits(KRIPPENDORFF_C))

    assert value(nominal_alpha(table)) == pytest.approx(0.743, abs=5e-4)
    assert value(ordinal_alpha(table)) == pytest.approx(0.815, abs=5e-4)
    assert value(interval_alpha(table)) == pytest.approx(0.849, abs=5e-4)
    assert value(ratio_alpha(table)) == pytest.approx(0.797, abs=5e-4)


def test_gwets_reading_of_the_same_data() -> None:
    table = a_table(digits(KRIPPENDORFF_C))

    assert value(percent_agreement(table)) == pytest.approx(0.8182, abs=5e-5)
    assert value(gwet_ac1(table)) == pytest.approx(0.77544, abs=5e-6)
    assert value(fleiss_kappa(table)) == pytest.approx(0.76117, abs=5e-6)


@pytest.mark.parametrize(
    ("first", "second", "published"),
    [("0100000010", "1110010000", 0.095), ("aabbdcccedda", "babbbccceddd", 0.692)],
)
def test_krippendorffs_data_a_and_b(first: str, second: str, published: float) -> None:
    assert value(nominal_alpha(a_table(zip(first, second, strict=True)))) == pytest.approx(published, abs=5e-4)


def test_fleiss_fourteen_raters() -> None:
    rows = [tuple(map(int, row.split())) for row in FLEISS.split("/")]
    table: dict[Pattern, int] = {tuple((v, n) for v, n in enumerate(row) if n): 1 for row in rows}

    assert value(fleiss_kappa(table)) == pytest.approx(0.210, abs=5e-4)


def test_fleiss_psychiatric_diagnoses() -> None:
    items = [[value for value, count in enumerate(row) for _ in range(int(count))] for row in DIAGNOSES.split()]

    found = fleiss_kappa(a_table(items))

    assert value(found) == pytest.approx(0.430, abs=5e-4)


def test_cohens_two_by_two() -> None:
    # Observed (20 + 15) / 50 = .7; expected .5 * .6 + .5 * .4 = .5; (.7 - .5) / .5 = .4
    assert value(cohen_kappa(pairs(((20, 5), (10, 15))))) == pytest.approx(0.4)


def test_gwets_three_by_three() -> None:
    table = a_table(pair for pair, count in pairs(GWET).items() for _ in range(count))
    kappa, ac1 = cohen_kappa(pairs(GWET)), gwet_ac1(table)

    assert kappa is not None
    assert ac1 is not None
    assert (kappa.value, ac1.value) == pytest.approx((0.7964, 0.8493), abs=5e-5)
    # The published standard errors divide by n = 100, ours by n - 1.
    published = [(0.99**0.5) * (one.standard_error or 0) for one in (kappa, ac1)]
    assert published == pytest.approx([0.0589, 0.0432], abs=5e-5)
    assert value(fleiss_kappa(table)) == pytest.approx(0.7962, abs=5e-5)
    assert value(nominal_alpha(table)) == pytest.approx(0.7973, abs=5e-5)


def test_masi_weighs_how_sets_lie() -> None:
    # Distances: {a}{a,b}: 1 - 1/2 * 2/3 = 2/3; {a,b}{b,c}: 1 - 1/3 * 1/3 = 8/9; {a}{b,c}: 1.
    # Observed 2/3 and 8/9, mean 7/9. Expected over the pairs of four values (a, ab, ab, bc):
    # a-ab 2/3 twice, a-bc 1, ab-ab 0, ab-bc 8/9 twice: (4/3 + 1 + 16/9) / 6 = 37/54. 1 - 7/9 * 54/37 = -5/37
    table = a_table([[["a"], ["a", "b"]], [["a", "b"], ["b", "c"]]])

    assert value(masi_alpha(table)) == pytest.approx(-5 / 37)
