"""What a rule reads, and whether its condition holds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.alerting.conditions import RuleReading, holds, mean, share
from assay_models.alerting.durations import minutes_of
from assay_models.alerting.minute_counts import MinuteCounts
from assay_schemas.alert_rule import AlertRule
from assay_schemas.json_data import Json


def a_rule(**changes: Json) -> AlertRule:
    return AlertRule.model_validate({"id": "r", "metric": "agreement", "at_least": 10} | changes)


def a_reading(value: float = 0.5, *, low: float | None = 0.4, high: float | None = 0.6, count: int = 50) -> RuleReading:
    return RuleReading(value, low, high, count)


@pytest.mark.parametrize(
    ("changes", "reading", "expected"),
    [
        ({"below": 0.55}, a_reading(), True),
        ({"below": 0.5}, a_reading(), False),
        ({"above": 0.45}, a_reading(), True),
        ({"above": 0.5}, a_reading(), False),
        ({"below": 0.55}, a_reading(count=9), None),
        ({"below": 0.55}, None, None),
        ({"below": 0.55, "sure": True}, a_reading(), False),
        ({"below": 0.65, "sure": True}, a_reading(), True),
        ({"above": 0.35, "sure": True}, a_reading(), True),
        ({"below": 0.65, "sure": True}, a_reading(high=None), False),
        ({"above": 0.35, "sure": True}, a_reading(low=None), False),
    ],
)
def test_a_threshold_is_passed_by_the_value_or_by_its_whole_interval(
    changes: dict[str, Any], reading: RuleReading | None, *, expected: bool
) -> None:
    assert holds(a_rule(**changes), reading) is expected


@pytest.mark.parametrize(
    ("before", "sure", "expected"),
    [
        (a_reading(0.8, low=0.75, high=0.85), False, True),
        (a_reading(0.6, low=0.55, high=0.65), False, False),
        (a_reading(0.8, low=0.75, high=0.85), True, False),
        (a_reading(0.95, low=0.9, high=1.0), True, True),
        (a_reading(0.05, low=0.0, high=0.1), True, True),
        (a_reading(0.95, low=None, high=1.0), True, False),
        (a_reading(0.95, count=3), False, None),
        (None, False, None),
    ],
)
def test_a_change_is_measured_against_the_window_before(
    before: RuleReading | None, *, sure: bool, expected: bool
) -> None:
    rule = a_rule(changes_by=0.2, sure=sure)

    assert holds(rule, a_reading(), before) is expected


def test_a_share_of_nothing_is_not_defined_and_neither_is_a_mean() -> None:
    assert share(0, 0) is None
    assert mean(3.0, 0) is None
    assert mean(3.0, 2) == RuleReading(1.5, None, None, 2)


def test_the_interval_of_a_share_is_wilsons() -> None:
    # 8 of 10, Wilson at 95 %: 0.4902 to 0.9433 (Newcombe 1998 gives the same formula)
    found = share(8, 10)

    assert found is not None
    assert (found.value, round(found.low or 0, 4), round(found.high or 0, 4)) == (0.8, 0.4902, 0.9433)


@given(st.integers(1, 10_000), st.data())
def test_an_interval_holds_its_value(total: int, data: st.DataObject) -> None:
    found = share(data.draw(st.integers(0, total)), total)

    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert -1e-12 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1 + 1e-12


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3)), max_size=60), st.randoms())
def test_a_window_has_the_same_sums_in_whatever_order_they_came(added: list[tuple[int, int]], dice: Json) -> None:
    panes, shuffled = MinuteCounts(), MinuteCounts()
    for minute, hits in added:
        panes.add(minute, hits, 3)
    other = list(added)
    dice.shuffle(other)
    for minute, hits in other:
        shuffled.add(minute, hits, 3)

    found = panes.total(40, 10)

    assert found == shuffled.total(40, 10)
    inside = [hits for minute, hits in added if 31 <= minute <= 40]
    assert found == (sum(inside), 3 * len(inside))


def test_old_minutes_are_forgotten_and_the_newest_with_data_is_known() -> None:
    panes = MinuteCounts({3: (1, 2), 5: (0, 1), 7: (0, 0), 9: (1, 1)})

    newest = panes.newest(8)
    panes.forget(5)

    assert newest == 5
    assert sorted(panes.by_minute) == [5, 7, 9]
    assert MinuteCounts().newest(9) is None


@pytest.mark.parametrize(("written", "minutes"), [("0m", 0), ("15m", 15), ("24h", 1_440), ("7d", 10_080)])
def test_durations_are_read(written: str, minutes: int) -> None:
    assert minutes_of(written) == minutes
