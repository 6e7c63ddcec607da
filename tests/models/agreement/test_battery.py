"""What holds for every coefficient."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.agreement.cohen import cohen_kappa, linear_kappa, quadratic_kappa
from assay_models.agreement.contingency import PatternTable, subtracted
from assay_models.agreement.estimate import Estimate
from assay_models.agreement.fleiss import fleiss_kappa
from assay_models.agreement.gwet import gwet_ac1, linear_ac2, quadratic_ac2
from assay_models.agreement.krippendorff import (
    interval_alpha,
    jaccard_alpha,
    masi_alpha,
    nominal_alpha,
    ordinal_alpha,
    ratio_alpha,
)
from assay_models.agreement.observed_agreement import percent_agreement
from tests.models.agreement.builders import a_table, random_rows

Reading = Callable[[PatternTable], Estimate | None]
ALPHAS: list[Reading] = [nominal_alpha, ordinal_alpha, interval_alpha, ratio_alpha, jaccard_alpha, masi_alpha]
CORRECTED: list[Reading] = [*ALPHAS, fleiss_kappa, gwet_ac1, linear_ac2, quadratic_ac2]
ALL: list[Reading] = [*CORRECTED, percent_agreement]
KAPPAS = [cohen_kappa, linear_kappa, quadratic_kappa]

every = pytest.mark.parametrize("reading", ALL)


@every
def test_an_empty_table_says_nothing(reading: Reading) -> None:
    assert reading({}) is None


@every
def test_one_voice_per_item_says_nothing(reading: Reading) -> None:
    assert reading(a_table([[1], [2], [], [1]])) is None


@pytest.mark.parametrize("reading", CORRECTED)
def test_one_value_only_says_nothing(reading: Reading) -> None:
    assert reading(a_table([[1, 1], [1, 1, 1]])) is None


@every
def test_perfect_agreement_is_one_and_yet_not_certain(reading: Reading) -> None:
    found = reading(a_table([[1, 1], [2, 2]] * 10))

    assert found is not None
    assert (found.value, found.high, found.standard_error, found.items) == (1, 1, None, 20)
    assert 0.4 < found.low < 0.9


@every
@given(st.integers(0, 10**6))
def test_the_order_of_annotators_and_items_is_irrelevant(reading: Reading, seed: int) -> None:
    rows = random_rows(seed % 50)
    shuffled = np.random.default_rng(seed).permuted(np.array(rows, dtype=object), axis=1).tolist()

    assert reading(a_table(shuffled[::-1])) == reading(a_table(rows))


@pytest.mark.parametrize("reading", [nominal_alpha, fleiss_kappa, gwet_ac1, percent_agreement])
@pytest.mark.parametrize("seed", range(5))
def test_renaming_nominal_labels_is_irrelevant(reading: Reading, seed: int) -> None:
    rows = random_rows(seed)
    names = {1.0: "z", 2.0: "m", 3.0: "a", 4.0: "q", 5.0: "b", None: None}

    plain, renamed = reading(a_table(rows)), reading(a_table([names[label] for label in row] for row in rows))

    assert plain is not None
    assert renamed is not None
    assert renamed.value == pytest.approx(plain.value)
    assert (renamed.low, renamed.high) == pytest.approx((plain.low, plain.high))


@pytest.mark.parametrize("seed", range(10))
@every
def test_the_interval_holds_the_value_and_stays_in_range(reading: Reading, seed: int) -> None:
    found = reading(a_table(random_rows(seed, missing_share=0.5)))

    assert found is not None
    assert -1 <= found.low <= found.value <= found.high <= 1


@every
def test_the_interval_narrows_with_the_root_of_the_items(reading: Reading) -> None:
    table = a_table(random_rows(3))

    few, many = reading(table), reading({pattern: 400 * count for pattern, count in table.items()})

    assert few is not None
    assert many is not None
    assert many.high - many.low < (few.high - few.low) / 15


@every
def test_the_standard_error_is_close_to_that_of_the_jackknife(reading: Reading) -> None:
    table = a_table(row for seed in (1, 4, 7, 8, 9) for row in random_rows(seed) * 3)
    whole = reading(table)
    rest = [(reading(subtracted(table, {pattern: 1})), count) for pattern, count in table.items()]
    values = np.array([one.value for one, count in rest if one is not None for _ in range(count)])
    error = np.sqrt((len(values) - 1) * values.var())

    assert whole is not None
    assert whole.standard_error == pytest.approx(error, rel=0.02)


def test_a_single_item_gives_a_wide_interval_and_no_standard_error() -> None:
    found = nominal_alpha(a_table(["aab"]))

    assert found is not None
    assert found.standard_error is None
    assert found.high - found.low > 1


@pytest.mark.parametrize("reading", [ordinal_alpha, interval_alpha, ratio_alpha, linear_ac2])
def test_what_is_no_number_counts_as_missing_where_numbers_are_asked(reading: Reading) -> None:
    with_text = a_table([[1, 2, "x"], [2, 2, "y"], [3, "z"], [1, 1]])

    assert reading(with_text) == reading(a_table([[1, 2], [2, 2], [3], [1, 1]]))


def test_numbers_below_zero_have_no_ratio() -> None:
    assert ratio_alpha(a_table([[0, 1], [1, 1], [-1, 2], [0, 0]])) == ratio_alpha(
        a_table([[0, 1], [1, 1], [2], [0, 0]])
    )


def test_told_values_make_ac1_independent_of_what_happens_to_occur() -> None:
    # Expected by chance: .75 * .25 * 2 / (q - 1) is .375 with two values, .1875 with three; observed .5
    table = a_table(["aa", "ab"])

    two, three = gwet_ac1(table), gwet_ac1(table, values="abc")

    assert two is not None
    assert three is not None
    assert two.value == pytest.approx(1 - 0.5 / 0.625)
    assert three.value == pytest.approx(1 - 0.5 / 0.8125)


def test_with_told_values_perfect_agreement_on_one_is_one() -> None:
    found = gwet_ac1(a_table(["aa", "aa"]), values="ab")

    assert found is not None
    assert found.value == 1


@pytest.mark.parametrize("reading", [linear_ac2, quadratic_ac2])
def test_ac2_takes_the_range_from_the_told_values(reading: Callable[..., Estimate | None]) -> None:
    table = a_table([[1, 1], [1, 2], [2, 2]])

    assert reading(table, values=[1, 2, 9]).value > reading(table).value  # type: ignore[union-attr]


@pytest.mark.parametrize("kappa", KAPPAS)
def test_kappa_of_nothing_or_of_one_value_says_nothing(kappa: Callable[..., Estimate | None]) -> None:
    assert kappa({}) is None
    assert kappa({(1, 1): 5}) is None


@pytest.mark.parametrize("kappa", KAPPAS[1:])
def test_weighted_kappa_leaves_out_what_is_no_number(kappa: Callable[..., Estimate | None]) -> None:
    assert kappa({(1, 2): 3, (2, 2): 5, ("x", 1): 9}) == kappa({(1, 2): 3, (2, 2): 5})


@pytest.mark.parametrize("kappa", KAPPAS)
def test_kappa_does_not_mind_who_is_first(kappa: Callable[..., Estimate | None]) -> None:
    table = {(1, 2): 3, (2, 2): 5, (3, 1): 1, (1, 1): 4}

    forth, back = kappa(table), kappa({(second, first): count for (first, second), count in table.items()})

    assert forth is not None
    assert back is not None
    assert forth.value == pytest.approx(back.value)


def test_disjoint_sets_are_as_far_apart_as_other_labels() -> None:
    letters = [("a", "a"), ("a", "b"), ("b", "b"), ("b", "c"), ("c", "a")]

    as_sets, as_labels = jaccard_alpha(a_table([[x], [y]] for x, y in letters)), nominal_alpha(a_table(letters))

    assert as_sets is not None
    assert as_labels is not None
    assert as_sets.value == pytest.approx(as_labels.value)


def test_empty_sets_agree() -> None:
    assert jaccard_alpha(a_table([[[], []], [["a"], ["a"]]])).value == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("reading", [interval_alpha, ratio_alpha, quadratic_ac2])
def test_huge_numbers_do_not_overflow(reading: Reading) -> None:
    rows = [[1, 2], [2, 2], [3, 1], [1, 1]]

    huge, plain = reading(a_table([[1e300 * a, 1e300 * b] for a, b in rows])), reading(a_table(rows))

    assert huge is not None
    assert plain is not None
    assert huge.value == pytest.approx(plain.value)
