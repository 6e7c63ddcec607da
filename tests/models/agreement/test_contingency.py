import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.agreement.arrays import counts_of
from assay_models.agreement.contingency import (
    added,
    merged,
    numbers_in,
    one_versus_rest,
    pattern_of,
    restricted,
    subtracted,
    value_of,
)
from assay_models.agreement.krippendorff import nominal_alpha
from tests.models.agreement.builders import a_table

ITEMS = st.lists(st.lists(st.sampled_from("abcd"), max_size=4), max_size=12)


def test_a_pattern_counts_values_in_their_order_whoever_gave_them() -> None:
    assert pattern_of(["b", "a", "b"]) == (("a", 1), ("b", 2))
    assert pattern_of(["b", "b", "a"]) == pattern_of(["a", "b", "b"])


def test_an_item_without_labels_has_the_empty_pattern() -> None:
    assert pattern_of([]) == ()


def test_values_of_different_kinds_stand_side_by_side() -> None:
    pattern = pattern_of([["y", "x"], "b", 2, 1.5])

    assert pattern == ((1.5, 1), (2, 1), ("b", 1), (("x", "y"), 1))


def test_a_multi_label_is_the_sorted_tuple_of_its_texts() -> None:
    assert value_of(frozenset({"b", "a"})) == value_of(["b", "a", "b"]) == ("a", "b")
    assert value_of("ba") == "ba"


@given(ITEMS, ITEMS)
def test_adding_then_subtracting_any_items_gives_the_very_same_table_and_reading(
    items: list[list[str]], others: list[list[str]]
) -> None:
    table, other = a_table(items), a_table(others)

    back = subtracted(added(other, table), other)

    assert back == table
    assert nominal_alpha(back) == nominal_alpha(table)


@given(ITEMS, st.integers(1, 3))
def test_the_merge_of_partitions_is_the_whole(items: list[list[str]], partitions: int) -> None:
    parts = [a_table(items[start::partitions]) for start in range(partitions)]

    assert merged(parts) == a_table(items)


def test_no_more_can_be_taken_out_than_is_there() -> None:
    with pytest.raises(ValueError, match="cannot be taken from 1"):
        subtracted(a_table(["ab"]), {pattern_of("ab"): 2})


def test_adding_and_subtracting_leave_their_arguments_alone() -> None:
    table = a_table(["ab"])

    added(table, table)
    subtracted(table, table)

    assert table == a_table(["ab"])


def test_a_restricted_table_has_no_other_values() -> None:
    assert restricted(a_table(["abc", "aac", "cc"]), {"a", "b"}) == a_table(["ab", "aa"])


def test_one_versus_rest_asks_for_one_label() -> None:
    assert one_versus_rest(a_table(["abc", "aab", "bbc"]), "a") == a_table([[0, 0, 1], [0, 1, 1], [0, 0, 0]])


def test_a_multi_label_gives_each_of_its_labels() -> None:
    table = a_table([[["a", "b"], ["b"], []]])

    assert one_versus_rest(table, "a") == a_table([[1, 0, 0]])


def test_numbers_are_told_from_texts() -> None:
    assert numbers_in(a_table([[1, 2.5, "3"]])) == {1, 2.5}


def test_arrays_do_not_depend_on_the_order_of_the_table() -> None:
    table = a_table(["ab", "abb", "cc", "a"])

    forth, back = counts_of(table), counts_of(dict(reversed(table.items())))

    assert forth.values == back.values == ("a", "b", "c")
    assert forth.votes.tolist() == back.votes.tolist()
    assert forth.items.tolist() == back.items.tolist()


def test_arrays_of_asked_values_have_their_columns_even_if_they_do_not_occur() -> None:
    counts = counts_of(a_table(["abx", "x"]), values=["c", "a", "b"])

    assert counts.values == ("a", "b", "c")
    assert counts.votes.tolist() == [[1, 1, 0]]
