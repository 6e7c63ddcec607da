from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.agreement.contingency import added, pattern_of, subtracted
from assay_models.agreement.krippendorff import nominal_alpha
from assay_models.agreement.spans import SpanTable, covering_alpha, stretches_of, unitizing_alpha
from assay_schemas.annotation import Span
from tests.models.agreement.builders import a_table


def a_span(start: int, end: int, label: str = "name") -> Span:
    return Span(start=start, end=end, label=label)


SPANS = st.lists(st.builds(a_span, st.integers(0, 9), st.integers(0, 12), st.sampled_from("ab")), max_size=3)
ITEMS = st.lists(st.lists(SPANS, max_size=3), max_size=6)


def tabled(items: list[list[list[Span]]]) -> SpanTable:
    return Counter(stretches_of(annotations, length=10) for annotations in items)


def test_an_item_says_how_many_code_points_show_which_pattern() -> None:
    said = stretches_of([[a_span(2, 5)], [a_span(3, 5)]], length=10)

    assert dict(said) == {
        pattern_of([(), ()]): 7,
        pattern_of([("name",), ()]): 1,
        pattern_of([("name",), ("name",)]): 2,
    }


def test_what_lies_outside_the_text_is_cut_off() -> None:
    assert stretches_of([[a_span(-3, 99)]], length=4) == ((pattern_of([("name",)]), 4),)


@given(ITEMS)
def test_alpha_is_that_of_the_code_points(items: list[list[list[Span]]]) -> None:
    points = a_table(
        [[span.label for span in spans if span.start <= place < span.end] for spans in annotations]
        for annotations in items
        for place in range(10)
    )

    found, plain = unitizing_alpha(tabled(items)), nominal_alpha(points)

    assert (found is None) == (plain is None)
    assert found is None or plain is None or found.value == pytest.approx(plain.value, abs=1e-9)


def test_a_boundary_that_is_off_costs_what_it_is_off() -> None:
    def off_by(characters: int) -> float:
        found = unitizing_alpha(tabled([[[a_span(1, 5)], [a_span(1, 5 + characters)]]]))
        assert found is not None
        return found.value

    assert 1 == off_by(0) > off_by(1) > off_by(2) > off_by(4) > 0


def test_covering_alpha_does_not_see_labels() -> None:
    table = tabled([[[a_span(1, 5, "a")], [a_span(1, 5, "b")]]] * 3)

    covered, labelled = covering_alpha(table), unitizing_alpha(table)

    assert covered is not None
    assert labelled is not None
    assert covered.value == 1 > labelled.value


def test_the_interval_counts_items_not_code_points() -> None:
    short = unitizing_alpha({stretches_of([[a_span(1, 5)], [a_span(1, 4)]], length=10): 20})
    long = unitizing_alpha({stretches_of([[a_span(10, 50)], [a_span(10, 40)]], length=100): 20})

    assert short is not None
    assert long is not None
    assert short.items == long.items == 20
    assert (long.low, long.high) == pytest.approx((short.low, short.high), abs=0.01)


@given(ITEMS, ITEMS)
def test_adding_then_subtracting_any_items_gives_the_very_same_reading(
    items: list[list[list[Span]]], others: list[list[list[Span]]]
) -> None:
    table, other = tabled(items), tabled(others)

    assert unitizing_alpha(subtracted(added(other, table), other)) == unitizing_alpha(table)


def test_nothing_said_or_one_voice_or_no_span_at_all_says_nothing() -> None:
    assert unitizing_alpha({}) is None
    assert unitizing_alpha(tabled([[], [[a_span(1, 2)]]])) is None
    assert unitizing_alpha(tabled([[[], []]])) is None
    assert unitizing_alpha({stretches_of([[], []], length=0): 1}) is None
