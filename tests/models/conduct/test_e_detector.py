from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.conduct.alarm_budget import FALSE_ALARMS_PER_WEEK, LEVELS, WEEK, AlarmBudget, false_discovery_level
from assay_models.conduct.e_detector import MOST, WITHDRAW_AT, Alternative, Bet, EDetector

HOUR = 3_600.0


def test_evidence_is_a_sum_over_all_times_of_change() -> None:
    # Spent 0.1 each time; ratios 2, 3, 0.5: changes before the 1st, 2nd and 3rd annotation give
    # 0.1 * 2 * 3 * 0.5 + 0.1 * 3 * 0.5 + 0.1 * 0.5 = 0.3 + 0.15 + 0.05.
    alternative = Alternative()

    for at, ratio in enumerate((2.0, 3.0, 0.5)):
        alternative.update(ratio, 0.1, 1.0, float(at))

    assert alternative.evidence == pytest.approx(0.5)


def test_evidence_fades_and_is_capped() -> None:
    alternative = Alternative(1.0)

    alternative.update(2.0, 0.0, 0.5, 0.0)
    faded = alternative.evidence
    for at in range(100):
        alternative.update(10.0, 0.0, 1.0, float(at))

    assert faded == 1.0
    assert alternative.evidence == MOST


def test_the_most_likely_change_is_where_the_ratios_begin_to_rise() -> None:
    alternative = Alternative(at=0.0)

    for at, ratio in enumerate((0.5, 0.5, 0.5, 3.0, 3.0, 0.9, 3.0), 1):
        alternative.update(ratio, 0.1, 1.0, HOUR * at)

    assert alternative.since == 4 * HOUR
    assert alternative.rise == pytest.approx(log(3 * 3 * 0.9 * 3))
    assert (alternative.low, alternative.high) == (0.0, 7 * HOUR)


def test_a_time_that_has_become_unlikely_leaves_the_interval() -> None:
    alternative = Alternative(at=0.0)

    for at in range(1, 13):
        alternative.update(0.5, 0.1, 1.0, HOUR * at)

    assert 6 * HOUR <= alternative.low < alternative.since == 12 * HOUR


def test_an_annotation_a_little_out_of_order_widens_the_interval() -> None:
    alternative = Alternative(at=5_000.0)

    alternative.update(2.0, 0.1, 1.0, 4_000.0)
    alternative.update(2.0, 0.1, 1.0, 1_000.0)

    assert alternative.low == 4_000.0


def test_a_raised_watch_is_quiet_until_the_evidence_turns() -> None:
    watch = EDetector((0.5, 0.5))
    watch.update((4.0, 2.0), 1.0, 1.0, 0.0)
    chosen = watch.choose()
    watch.raise_as("s1")

    watch.update((0.01, 0.01), 1.0, 1.0, 1.0)
    early = watch.is_refuted
    watch.update((0.5 / WITHDRAW_AT, 0.5 / WITHDRAW_AT), 1.0, 1.0, 2.0)

    assert chosen is watch.leading is watch.alternatives[0]
    assert watch.strength == 3.0
    assert (early, watch.is_refuted) == (False, True)
    watch.begin_again(3.0)
    assert (watch.raised, watch.strength, watch.is_refuted) == (None, 0.0, False)


def test_a_sharpened_bet_is_fair_and_ends_exactly_at_what_is_demanded() -> None:
    # Usually 0.8 agree; now 0.4 would. Held: 9. A disagreement leads to 9 * 3 = 27, of which 10 are demanded.
    bet = Bet([0.5], [3.0], 0.8)
    agreed, disagreed = EDetector((1.0,), upfront=9.0), EDetector((1.0,), upfront=9.0)

    agreed.update_with_bet(bet, 0.0, 1.0, 0.0, agrees=True, demanded=10.0)
    disagreed.update_with_bet(bet, 0.0, 1.0, 0.0, agrees=False, demanded=10.0)

    assert disagreed.strength == pytest.approx(27.0)
    assert 0.8 * agreed.strength + 0.2 * 10.0 == pytest.approx(9.0)
    assert agreed.strength > 9.0 * 0.5


def test_a_bet_far_from_what_is_demanded_is_left_as_it_is() -> None:
    watch = EDetector((1.0,), upfront=1.0)

    watch.update_with_bet(Bet([0.5], [3.0], 0.8), 0.0, 1.0, 0.0, agrees=True, demanded=10.0)

    assert watch.strength == 0.5


@given(st.lists(st.floats(0, 5 * WEEK), max_size=60))
def test_no_more_is_spent_than_weeks_have_passed(gaps: list[float]) -> None:
    purse, at, spent = AlarmBudget(0.0), 0.0, 0.0

    for gap in gaps:
        at += gap
        spent += purse.allocate(at)

    assert spent <= at / WEEK + 1e-9


def test_of_a_steady_week_nearly_all_is_spent() -> None:
    purse, spent = AlarmBudget(0.0), 0.0
    for number in range(1, 4 * 3_360):
        share = purse.allocate(number * 180.0)
        spent += share if number > 3 * 3_360 else 0.0

    assert spent == pytest.approx(1.0, abs=0.02)
    assert not purse.is_in_first_week
    assert AlarmBudget.load(purse.dump()).dump() == purse.dump()


def test_a_clock_that_jumps_ahead_by_years_is_believed_for_a_month() -> None:
    purse = AlarmBudget(0.0)

    purse.allocate(1_000 * WEEK)

    assert purse.last == 30 * 24 * HOUR


def test_the_levels_add_up_to_the_promise() -> None:
    assert sum(LEVELS.values()) == pytest.approx(FALSE_ALARMS_PER_WEEK)


def test_the_level_of_discovery_is_that_of_e_bh() -> None:
    # Ten annotators with 200, 50, 40 and less than 1: at level a, k are called out if the k-th is at least 10 / (a k).
    # 50 is second: 10 / (2 * 50) = 0.1; with the third: 10 / (3 * 40) = 0.083, which is lower.
    assert false_discovery_level(200.0, [50.0, 40.0], 10) == pytest.approx(0.05)
    assert false_discovery_level(50.0, [200.0, 40.0], 10) == pytest.approx(10 / 120)
    assert false_discovery_level(0.0, [200.0], 10) == 1.0
    assert false_discovery_level(0.5, [], 10) == 1.0
