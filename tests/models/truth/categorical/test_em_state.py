"""What is counted in all is what is counted of open items, of closed ones and elsewhere, whatever happened before."""

import random
from typing import Any

import numpy as np
import pytest

from assay_models.truth.categorical.confusion_counts import MOST_CLASSES_IN_FULL, OTHER, ConfusionCounts, counts_of
from assay_models.truth.categorical.online_em import OnlineEM
from assay_models.truth.categorical.vote_arrays import IntegerArray

MANY = MOST_CLASSES_IN_FULL + 1


def tables(stream: OnlineEM) -> tuple[list[Any], list[Any]]:
    """Return what is counted in all, and what its parts come to, table by table."""
    books = stream._books  # noqa: SLF001  # the state itself is what is tested
    opened, live = ConfusionCounts(stream.classes), books.items.live()
    opened.add(books.items.read(live), books.items.beliefs(live))
    whole = books.counted.tables
    parts = [
        [fitted(table, like) for table, like in zip(tally.tables, whole, strict=True)]
        for tally in (opened, books.past, books.others)
    ]
    return [table.tolist() for table in whole], [sum(each).tolist() for each in zip(*parts, strict=True)]


def fitted(table: IntegerArray, like: IntegerArray) -> IntegerArray:
    """Return the table with as many annotators as the other has; there is nothing beyond them."""
    found = np.zeros_like(like)
    found[: len(table)] = table[: len(like)]
    assert not table[len(like) :].any()
    return found


def walk(stream: OnlineEM, rng: random.Random, classes: int, steps: int = 60) -> None:
    closed: dict[int, dict[int, int]] = {}
    known: dict[int, dict[int, int]] = {}
    for _ in range(steps):
        item, annotator = rng.randrange(12), rng.randrange(6)
        deed = rng.choice(["put", "put", "settle", "close", "remove", "others", "fade", "sweep"])
        if deed == "put" and item not in closed:
            known[item] = {a: rng.randrange(classes) for a in rng.sample(range(6), 3)}
            stream.put(item, known[item])
        elif deed == "close" and item in known:
            stream.close(item)
            closed[item] = known.pop(item)
        elif deed == "remove" and item in known:
            stream.remove(item)
            del known[item]
        elif deed == "others":
            stream.set_others(annotator, ((0, OTHER if classes > MOST_CLASSES_IN_FULL else 1, 2.0), (1, 1, 3.5)))
        elif deed == "fade":
            stream.fade(0.3)
        else:
            stream.settle(sweep=4 if deed == "sweep" else 0)


@pytest.mark.parametrize("classes", [2, 3, MANY])
@pytest.mark.parametrize("seed", range(8))
def test_all_that_is_counted_is_the_sum_of_its_parts(classes: int, seed: int) -> None:
    stream = OnlineEM(classes)

    walk(stream, random.Random(seed), classes)
    stream.settle()

    whole, parts = tables(stream)
    assert whole == parts
    assert any(np.any(table) for table in whole)


@pytest.mark.parametrize("classes", [3, MANY])
def test_a_closed_item_that_is_open_again_is_counted_once(classes: int) -> None:
    stream = OnlineEM(classes)
    stream.put("i", {0: 1, 1: 1})
    stream.settle()
    before = [stream.sums(annotator) for annotator in range(2)]
    believed = stream._books.items.beliefs(np.array([0]))[0] / 1e6  # noqa: SLF001

    stream.close("i")
    kept = [stream.closed_sums(annotator) for annotator in range(2)]
    stream.reopen("i", {0: 1, 1: 1}, believed.tolist())

    assert kept == before == [stream.sums(annotator) for annotator in range(2)]
    assert stream.closed_sums(0) == ()
    assert tables(stream)[0] == tables(stream)[1]


@pytest.mark.parametrize("classes", [2, MANY])
def test_fading_forgets_a_share_of_what_closed_items_say_and_nothing_else(classes: int) -> None:
    stream = OnlineEM(classes)
    stream.load_closed(0, ((0, 0, 8.0), (0, OTHER if classes == MANY else 1, 4.0)))
    stream.set_others(0, ((0, 0, 5.0),))

    stream.fade(0.75)

    assert sum(votes for _, _, votes in stream.closed_sums(0)) == 3.0
    assert sum(votes for _, _, votes in counts_of(stream._books.counted, 0)) == 8.0  # noqa: SLF001
    assert tables(stream)[0] == tables(stream)[1]


def test_the_pools_errors_of_closed_items_are_part_of_all() -> None:
    stream = OnlineEM(MANY)

    for votes in (2.0, 3.0):
        stream.load_closed_errors(((1, 4, votes),))

    assert stream.closed_errors() == ((1, 4, 3.0),)
    assert tables(stream)[0] == tables(stream)[1]
