"""Pairs of annotators, counted by the hour."""

from collections import Counter
from collections.abc import Mapping
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.agreement.annotator_pairs import MOST_WAITING, AnnotatorPairs, ItemVotes
from assay_models.agreement.cohen import (
    PairTable,
    PairTables,
    cohen_kappa,
    cohen_kappas,
    linear_kappa,
    linear_kappas,
    quadratic_kappa,
    quadratic_kappas,
)
from assay_models.agreement.contingency import Value, rank
from assay_models.agreement.window_cell import PairVote, WindowCell
from assay_schemas.annotation import AnnotatorId

HOUR = 60
ANN, BOB, CY = AnnotatorId("ann"), AnnotatorId("bob"), AnnotatorId("cy")
VALUES: list[Value] = ["x", "y", 1, 2.5, ("p", "q"), ()]

SAID = st.dictionaries(st.sampled_from([ANN, BOB, CY, AnnotatorId("di")]), st.sampled_from(VALUES), min_size=1)
VOTES = st.builds(lambda hour, said: votes_of(hour * HOUR, said), st.integers(0, 6), SAID)
STEPS = st.lists(
    st.tuples(st.integers(0, 5), st.none() | VOTES, st.integers(0, 500), st.integers(30, 300), st.booleans()),
    max_size=30,
)


def votes_of(hour: int, said: Mapping[AnnotatorId, Value]) -> ItemVotes:
    return ItemVotes(hour, tuple(sorted(said)), tuple(said[who] for who in sorted(said)))


def pairs_of(votes: ItemVotes) -> list[PairVote]:
    each = zip(votes.annotators, votes.values, strict=True)
    return [(a, b, one, other) for (a, one), (b, other) in combinations(each, 2)]


def read(pairs: AnnotatorPairs, end: int, length: int, *, least: int = 1) -> dict[PairVote, int]:
    """Return what a window holds, pair by pair."""
    found = pairs.tables(end, length, least=least)
    tables = found.tables
    cells = zip(tables.pairs, tables.firsts, tables.seconds, tables.items, strict=True)
    return {(*found.names[pair], tables.values[one], tables.values[other]): int(n) for pair, one, other, n in cells}


@pytest.mark.parametrize("most_waiting", [0, MOST_WAITING])
def test_any_window_is_what_the_batch_says_after_any_moves(most_waiting: int) -> None:
    @given(STEPS)
    def holds(steps: list[tuple[int, ItemVotes | None, int, int, bool]]) -> None:
        pairs, live, floor = AnnotatorPairs(most_waiting=most_waiting), dict[int, ItemVotes](), 0
        for item, votes, end, length, forgets in steps:
            if forgets:
                pairs.forget(end // 3)
                floor = max(floor, end // 3)
            pairs.move(live.get(item), votes)
            live = {**live, item: votes} if votes else {key: there for key, there in live.items() if key != item}

            inside = [there for there in live.values() if max(floor, end - length + 1) <= there.hour <= end]

            assert read(pairs, end, length) == Counter(pair for there in inside for pair in pairs_of(there))

    holds()


@given(st.lists(VOTES), st.integers(1, 3))
def test_the_merge_of_partitions_is_the_whole(items: list[ItemVotes], partitions: int) -> None:
    whole, merged, parts = AnnotatorPairs(), AnnotatorPairs(), [AnnotatorPairs() for _ in range(partitions)]
    for number, votes in enumerate(items):
        whole.move(None, votes)
        parts[number % partitions].move(None, votes)

    for hour in range(0, 7 * HOUR, HOUR):
        for part in parts:
            merged.merge(hour, part.pane(hour).pairs)

        assert merged.pane(hour) == whole.pane(hour)
    assert read(merged, 400, 500) == read(whole, 400, 500)
    assert merged.tables(400, 500).names == whole.tables(400, 500).names


def test_a_partitions_newer_pairs_replace_its_older_ones() -> None:
    pairs = AnnotatorPairs()
    older: dict[PairVote, int] = {(ANN, BOB, "x", "y"): 2}
    newer: dict[PairVote, int] = {(ANN, BOB, "x", "x"): 1}
    pairs.merge(0, older)
    read(pairs, 1, 60)

    pairs.withdraw(0, older)
    pairs.merge(0, newer)

    assert read(pairs, 1, 60) == newer


def test_what_is_not_there_cannot_be_taken_out() -> None:
    pairs = AnnotatorPairs()
    pairs.move(votes_of(0, {ANN: "x", BOB: "x"}), None)

    with pytest.raises(ValueError, match="more pairs are to be taken out"):
        pairs.pane(0)


def test_forgetting_is_for_good_and_keeps_what_is_newer() -> None:
    pairs, old, new = AnnotatorPairs(), votes_of(0, {ANN: "x", BOB: "x"}), votes_of(60, {BOB: "y", CY: "z"})
    pairs.move(None, old)
    pairs.move(None, new)
    read(pairs, 60, 120)

    pairs.forget(30)
    pairs.forget(0)
    pairs.move(old, None)
    pairs.merge(0, {(ANN, BOB, "x", "x"): 1})

    assert pairs.pane(0) == WindowCell()
    assert read(pairs, 60, 120) == {(BOB, CY, "y", "z"): 1}


def test_pairs_with_few_common_items_are_left_out() -> None:
    pairs = AnnotatorPairs()
    for number in range(3):
        pairs.move(None, votes_of(0, {ANN: "x", CY: "x"} | ({BOB: "y"} if number else {})))

    found = pairs.tables(0, 60, least=3)

    assert (found.names, found.items) == ([(ANN, CY)], [3])


def table_of(rows: list[tuple[int, int, int]], values: list[Any]) -> PairTable:
    return {(values[one], values[other]): count for one, other, count in rows}


def tables_of(each: list[PairTable]) -> PairTables:
    values = sorted({value for table in each for pair in table for value in pair}, key=rank)
    rows = [
        (number, values.index(one), values.index(other), count)
        for number, table in enumerate(each)
        for (one, other), count in table.items()
    ]
    cells = np.array(rows, np.int64).reshape(-1, 4).T
    return PairTables(len(each), cells[0], cells[1], cells[2], cells[3].astype(np.float64), tuple(values))


KAPPAS = ((cohen_kappas, cohen_kappa), (linear_kappas, linear_kappa), (quadratic_kappas, quadratic_kappa))
CELLS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 40)), max_size=8)


@given(
    st.lists(st.tuples(CELLS, st.permutations(["x", "y", ("p",), 1, 2.5]), st.permutations([1, 2, 3, 0.5, -1e200]))),
)
def test_many_kappas_in_one_stroke_are_the_kappas_of_each(drawn: list[Any]) -> None:
    named = [table_of(cells, values) for cells, values, _ in drawn]
    numbers = [table_of(cells, values) for cells, _, values in drawn]

    for tables in (named, numbers):
        for many, single in (
            (cohen_kappas, cohen_kappa),
            (linear_kappas, linear_kappa),
            (quadratic_kappas, quadratic_kappa),
        ):
            for found, alone in zip(many(tables_of(tables)), map(single, tables), strict=True):
                assert (found is None) == (alone is None)
                if found is not None and alone is not None:
                    assert found.items == alone.items
                    assert (found.value, found.low, found.high) == pytest.approx((alone.value, alone.low, alone.high))


def test_more_pairs_than_fit_in_one_stroke_are_taken_in_several() -> None:
    each: list[PairTable] = [
        {(f"{n}", f"{n}"): 3, (f"{n}", f"{n + 1}"): 2, (f"{n + 1}", f"{n + 1}"): 4} for n in range(800)
    ]

    found = cohen_kappas(tables_of(each))

    alone = cohen_kappa({("a", "a"): 3, ("a", "b"): 2, ("b", "b"): 4})
    assert alone is not None
    assert all(one == other for one, other in pairwise(found))
    assert found[0] is not None
    assert found[0].value == pytest.approx(alone.value, abs=1e-12)


def test_some_pairs_are_read_as_in_the_whole() -> None:
    each: list[PairTable] = [{("x", "x"): 3 + n, ("x", "y"): 2, ("y", "y"): 4} for n in range(5)]
    tables = tables_of([*each, {}])

    some = tables.some([3, 5, 0])

    whole = cohen_kappas(tables)
    assert cohen_kappas(some) == [whole[3], None, whole[0]]
