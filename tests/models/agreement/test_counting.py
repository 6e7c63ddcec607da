"""Panes that are counted and handed on."""

import pytest

from models.agreement.counting import Counting
from models.agreement.pane import Pane, place_of
from models.agreement.panes import Panes

ALL = ("all",)


def test_counting_counts_what_panes_count() -> None:
    places = [place_of(1, {"a": "x", "b": "y"}), place_of(1, {"a": "x", "b": "x", "c": "x"}), place_of(2, {"a": "y"})]
    counting, panes = Counting(), Panes()

    for one in (counting, panes):
        one.move(ALL, None, places[0])
        one.move(ALL, None, places[1])
        one.move(ALL, places[0], places[2])
        one.move(ALL, places[1], places[0])
        one.move(ALL, places[0], places[0])

    assert counting.pane(ALL, 1) == panes.pane(ALL, 1)
    assert counting.pane(ALL, 2) == panes.pane(ALL, 2)


def test_what_is_not_there_cannot_be_taken_out() -> None:
    counting = Counting()

    with pytest.raises(ValueError, match="is not counted here"):
        counting.move(ALL, place_of(1, {"a": "x"}), None)


def test_old_panes_are_forgotten() -> None:
    counting = Counting()
    counting.move(ALL, None, place_of(1, {"a": "x"}))

    counting.forget(2)
    counting.move(ALL, place_of(1, {"a": "x"}), place_of(3, {"a": "x", "b": "x"}))
    counting.move(ALL, None, place_of(1, {"c": "x"}))
    counting.forget(1)

    assert counting.pane(ALL, 1) == Pane()
    assert counting.pane(ALL, 3).patterns == {(("x", 2),): 1}
