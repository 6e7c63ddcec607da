from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.agreement.boxes import BoxCounts, BoxTable, box_agreement, box_counts_of, matches, overlaps
from assay_models.agreement.contingency import added, subtracted
from assay_schemas.annotation import Box


def a_box(x: float = 0, y: float = 0, width: float = 10, height: float = 10, label: str = "cat") -> Box:
    return Box(x=float(x), y=float(y), width=float(width), height=float(height), label=label)


WHERE = st.integers(0, 12)
BOXES = st.lists(st.builds(a_box, WHERE, WHERE, label=st.sampled_from(["cat", "dog"])), max_size=4)
ITEMS = st.lists(st.lists(BOXES, max_size=3), max_size=5)


def tabled(items: list[list[list[Box]]]) -> BoxTable:
    return Counter(map(box_counts_of, items))


def test_overlap_is_intersection_over_union() -> None:
    # 5 x 10 of 10 x 10 twice: 50 / 150
    found = overlaps([a_box(), a_box(width=0)], [a_box(x=5), a_box(x=10), a_box(width=0)])

    assert found.tolist() == [[pytest.approx(1 / 3), 0, 0], [0, 0, 0]]


def test_boxes_match_by_label_and_by_half_an_overlap() -> None:
    first = [a_box(), a_box(x=50, label="dog")]

    assert matches(first, [a_box(x=3)]) == [pytest.approx(7 / 13)]
    assert matches(first, [a_box(x=4)]) == []
    assert matches(first, [a_box(x=50, label="cat")]) == []


def test_a_box_matches_once_and_takes_the_best() -> None:
    assert matches([a_box(), a_box(x=1)], [a_box(x=1)]) == [1.0]


@given(st.lists(BOXES, max_size=3))
def test_the_order_of_annotators_and_boxes_is_irrelevant(annotations: list[list[Box]]) -> None:
    assert box_counts_of([boxes[::-1] for boxes in annotations[::-1]]) == box_counts_of(annotations)


def test_f1_and_overlap_of_three_annotators() -> None:
    # Boxes 2, 1, 1. Pairs: 1-2 match 1, 1-3 match 1, 2-3 match 1 with 7/13: F1 = 2 * 3 / (3 + 3 + 2)
    first, second, third = [a_box(), a_box(x=50)], [a_box()], [a_box(x=3)]

    found = box_agreement({box_counts_of([first, second, third]): 4})

    assert found is not None
    assert found.f1.value == pytest.approx(6 / 8)
    assert found.overlap is not None
    assert found.overlap.value == pytest.approx((1 + 7 / 13 + 7 / 13) / 3)
    assert found.f1.low < found.f1.value < found.f1.high


def test_where_nothing_matches_there_is_no_overlap() -> None:
    found = box_agreement({box_counts_of([[a_box()], [a_box(x=90)]]): 3})

    assert found is not None
    assert (found.f1.value, found.overlap) == (0, None)


def test_no_boxes_or_one_voice_say_nothing() -> None:
    assert box_agreement({}) is None
    assert box_agreement(tabled([[], [[a_box()]], [[], []]])) is None


def test_counts_may_come_as_plain_tuples() -> None:
    said = box_counts_of([[a_box()], [a_box()]])
    plain: BoxTable = {tuple(said): 1}  # type: ignore[dict-item]

    assert box_agreement(plain) == box_agreement({said: 1})
    assert said == BoxCounts(annotators=2, boxes=2, matched=1, overlap=1.0)


@given(ITEMS, ITEMS)
def test_adding_then_subtracting_any_items_gives_the_very_same_reading(
    items: list[list[list[Box]]], others: list[list[list[Box]]]
) -> None:
    table, other = tabled(items), tabled(others)

    assert box_agreement(subtracted(added(other, table), other)) == box_agreement(table)
