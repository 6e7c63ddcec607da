import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.agreement.contingency import pattern_of
from assay_models.agreement.krippendorff import nominal_alpha
from assay_models.agreement.sliding_windows import SlidingWindows
from assay_models.agreement.window_cell import CellKey, WindowCell, cell_key_of, cell_of, dump, load, minus, plus
from assay_schemas.annotation import AnnotatorId

ALL = ("all",)
ANN, BOB, CY = AnnotatorId("ann"), AnnotatorId("bob"), AnnotatorId("cy")

LABELS = st.dictionaries(st.sampled_from([ANN, BOB, CY]), st.sampled_from(["x", "y", "z"]), min_size=1)
PLACES = st.one_of(st.none(), st.builds(cell_key_of, st.integers(0, 30), LABELS))
STEPS = st.lists(
    st.tuples(st.integers(0, 5), PLACES, st.integers(0, 35), st.integers(1, 12), st.booleans()), max_size=40
)


def batch(places: list[CellKey], end: int, length: int) -> list[CellKey]:
    return [place for place in places if end - length < place.minute <= end]


@given(STEPS)
def test_any_window_is_what_the_batch_says_after_any_updates_deletions_and_late_arrivals(
    steps: list[tuple[int, CellKey | None, int, int, bool]],
) -> None:
    panes, live, floor, late = SlidingWindows(), dict[int, CellKey](), 0, 0
    for item, place, end, length, forgets in steps:
        if forgets:
            panes.forget(end // 3)
            floor = max(floor, end // 3)
        panes.move(ALL, live.get(item), place)
        late += place is not None and place.minute < floor
        live = {**live, item: place} if place else {key: there for key, there in live.items() if key != item}

        inside = batch([there for there in live.values() if there.minute >= floor], end, length)
        table = panes.table(ALL, end, length)

        assert table == Counter(there.pattern for there in inside)
        assert nominal_alpha(table) == nominal_alpha(Counter(there.pattern for there in inside))
        assert panes.annotators(ALL, end, length) == len({name for there in inside for name in there.annotators})
    assert panes.dropped == late


def test_a_window_that_has_been_read_follows_what_moves_and_slides_both_ways() -> None:
    panes, early, late = (
        SlidingWindows(),
        cell_key_of(1, {ANN: "x", BOB: "x"}),
        cell_key_of(9, {ANN: "y", BOB: "x"}),
    )
    panes.move(ALL, None, early)
    panes.move(ALL, None, early)

    before = panes.table(ALL, 4, 5)
    panes.move(ALL, early, late)
    panes.move(ALL, None, early)
    panes.move(ALL, None, early)
    panes.move(ALL, late, late)

    assert before == {early.pattern: 2}
    assert panes.table(ALL, 4, 5) == {early.pattern: 3}
    assert panes.table(ALL, 6, 5) == {}
    assert panes.table(ALL, 9, 5) == {late.pattern: 1}
    assert panes.table(ALL, 5, 5) == {early.pattern: 3}
    assert panes.annotators(ALL, 40, 5) == 0


def test_forgetting_keeps_what_is_newer_in_panes_and_windows() -> None:
    panes, old, new = SlidingWindows(), cell_key_of(1, {ANN: "x"}), cell_key_of(3, {ANN: "y"})
    panes.move(ALL, None, old)
    panes.move(ALL, None, new)

    before = panes.table(ALL, 4, 10)
    panes.forget(2)

    assert before == {old.pattern: 1, new.pattern: 1}
    assert panes.table(ALL, 4, 10) == {new.pattern: 1}
    assert panes.scopes() == {ALL}


@given(st.lists(st.builds(cell_key_of, st.integers(0, 5), LABELS)), st.integers(1, 3))
def test_the_merge_of_partitions_is_the_whole_even_through_json(places: list[CellKey], partitions: int) -> None:
    whole, merged = SlidingWindows(), SlidingWindows()
    parts = [SlidingWindows() for _ in range(partitions)]
    for number, place in enumerate(places):
        whole.move(ALL, None, place)
        parts[number % partitions].move(ALL, None, place)

    for part in parts:
        for minute in range(6):
            merged.merge(ALL, minute, load(json.loads(json.dumps(dump(part.cell(ALL, minute))))))

    for minute in range(6):
        assert merged.cell(ALL, minute) == whole.cell(ALL, minute)
    assert merged.table(ALL, 5, 6) == whole.table(ALL, 5, 6)


def test_a_partitions_newer_counts_replace_its_older_ones() -> None:
    panes, older = SlidingWindows(), cell_of(cell_key_of(3, {ANN: "x"}))
    newer = plus(older, cell_of(cell_key_of(3, {ANN: "x", BOB: "y"})))
    panes.merge(ALL, 3, older)

    panes.withdraw(ALL, 3, older)
    panes.merge(ALL, 3, newer)

    assert panes.cell(ALL, 3) == newer
    assert minus(newer, older) == cell_of(cell_key_of(3, {ANN: "x", BOB: "y"}))


def test_an_item_that_is_not_where_it_is_said_to_be_is_an_error_that_changes_nothing() -> None:
    panes = SlidingWindows()
    panes.move(ALL, None, cell_key_of(1, {ANN: "x"}))

    with pytest.raises(ValueError, match="cannot be taken"):
        panes.move(ALL, cell_key_of(1, {ANN: "y"}), None)

    assert panes.table(ALL, 1, 1) == {pattern_of("x"): 1}


def test_more_than_is_there_cannot_be_withdrawn_and_nothing_changes() -> None:
    panes, there = SlidingWindows(), cell_of(cell_key_of(1, {ANN: "x"}))
    panes.merge(ALL, 1, there)

    with pytest.raises(ValueError, match="cannot be taken from 1"):
        panes.withdraw(ALL, 1, plus(there, there))

    assert panes.cell(ALL, 1) == there


def test_scopes_do_not_mix_and_vanish_when_empty() -> None:
    panes, market = SlidingWindows(), ("attribute", "market", "BR")
    place = cell_key_of(1, {ANN: "x"})
    panes.move(ALL, None, place)
    panes.move(market, None, place)

    panes.move(market, place, None)

    assert panes.scopes() == {ALL}
    assert panes.table(market, 1, 1) == {}


def test_forgetting_frees_the_panes_and_never_goes_back() -> None:
    panes = SlidingWindows()
    panes.move(ALL, None, cell_key_of(1, {ANN: "x"}))

    panes.forget(2)
    panes.forget(0)
    panes.move(ALL, cell_key_of(1, {ANN: "x"}), cell_key_of(1, {ANN: "y"}))

    assert panes.scopes() == frozenset()
    assert panes.dropped == 1


def test_an_empty_pane_adds_nothing() -> None:
    panes = SlidingWindows()

    panes.merge(ALL, 1, WindowCell())
    panes.withdraw(ALL, 1, WindowCell())

    assert panes.scopes() == frozenset()
    assert panes.cell(ALL, 1).is_empty


def test_equal_panes_are_dumped_alike_however_they_came_about() -> None:
    one, other = cell_of(cell_key_of(1, {ANN: "x", BOB: "y"})), cell_of(cell_key_of(1, {CY: "z", ANN: "x"}))

    assert load(json.loads(json.dumps(dump(plus(one, other))))) == load(json.loads(json.dumps(dump(plus(other, one)))))


def test_what_moves_within_its_minute_must_have_been_there() -> None:
    panes = SlidingWindows()
    panes.move(ALL, None, cell_key_of(1, {ANN: "x", BOB: "x"}))

    with pytest.raises(ValueError, match="cannot be taken"):
        panes.move(ALL, cell_key_of(1, {CY: "x", BOB: "x"}), cell_key_of(1, {BOB: "x"}))

    assert panes.table(ALL, 1, 1) == {pattern_of("xx"): 1}
    assert panes.annotators(ALL, 1, 1) == 2


def test_multi_labels_and_numbers_survive_json() -> None:
    pane = cell_of(cell_key_of(1, {ANN: ["b", "a"], BOB: [], CY: ["a"]}))
    numbers = cell_of(cell_key_of(1, {ANN: 1, BOB: 2.5}))

    pairs = WindowCell(pairs={(ANN, BOB, ("a", "b"), 2.5): 3})

    assert load(json.loads(json.dumps(dump(pane)))) == pane
    assert load(json.loads(json.dumps(dump(pairs)))) == pairs
    assert load(json.loads(json.dumps(dump(numbers)))) == numbers
