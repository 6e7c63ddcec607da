"""Sizes that must not hurt."""

import tracemalloc

import numpy as np
import pytest

from assay_models.truth.categorical.online_em import OnlineEM
from assay_models.truth.categorical.posterior import Learned
from tests.models.truth.crowds import a_crowd, a_settled_stream, believed


@pytest.mark.parametrize("classes", [3, 200])
def test_ten_thousand_annotators_with_a_vote_each(classes: int) -> None:
    stream = OnlineEM(classes)
    for item in range(2_000):
        stream.put(item, {5 * item + place: (item if place < 4 else item + 1) % classes for place in range(5)})

    tracemalloc.start()
    settled = stream.settle()
    stream.sweep(500)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (settled.posterior.argmax(axis=1) == np.arange(2_000) % classes).all()
    assert stream.reliability(9_999).accuracy < stream.reliability(9_998).accuracy
    assert peak < 600e6


def test_one_annotator_with_a_million_votes() -> None:
    stream = OnlineEM(2)
    votes = ({0: 0}, {0: 1})
    for item in range(1_000_000):
        stream.put(item, votes[item % 2])

    stream.settle()

    assert stream.reliability(0).votes == pytest.approx(1_000_000)
    assert sum(count for _, _, count in stream.sums(0)) == pytest.approx(1_000_000)


def test_a_thousand_votes_on_one_item() -> None:
    stream = OnlineEM(3)
    stream.put("a", {annotator: int(annotator % 10 == 0) for annotator in range(1_000)})
    stream.put("b", dict.fromkeys(range(1000), 2))

    settled = stream.settle()

    assert settled.posterior.argmax(axis=1).tolist() == [0, 2]
    assert settled.posterior.max() <= 1 - Learned().lapse / 2


def test_many_votes_are_judged_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay_models.truth.categorical.em_state._AT_ONCE", 100)
    crowd = a_crowd()

    stream = a_settled_stream(crowd)

    told = believed(stream)
    assert np.mean([told[item].argmax() == label for item, label in enumerate(crowd.truth)]) > 0.85


@pytest.mark.parametrize(("before", "after"), [(2, 3), (15, 17), (20, 200)])
def test_a_class_that_is_added_in_mid_stream_can_be_said_and_believed(before: int, after: int) -> None:
    stream = OnlineEM(before)
    for item in range(100):
        stream.put(item, dict.fromkeys(range(3), item % before), view=[1 / before] * before)
    stream.settle()

    stream.grow(after)
    stream.put("new", dict.fromkeys(range(3), after - 1))
    settled = stream.settle()
    stream.sweep(200)

    assert stream.classes == after
    assert settled.posterior.shape == (1, after)
    assert settled.posterior[0].argmax() == after - 1
    assert all(believed(stream)[item].argmax() == item % before for item in range(100))


def test_classes_cannot_be_taken_back() -> None:
    stream = OnlineEM(2)
    stream.grow(3)
    stream.grow(3)

    with pytest.raises(ValueError, match="cannot be taken back"):
        stream.grow(2)


def test_an_item_whose_votes_are_all_withdrawn_is_as_likely_this_as_that() -> None:
    stream = OnlineEM(2)
    stream.put("a", {0: 1, 1: 1})
    stream.settle()

    stream.put("a", {})
    settled = stream.settle()

    assert stream.sums(0) == ()
    assert settled.posterior[0] == pytest.approx([0.5, 0.5])


def test_votes_that_were_replaced_take_no_room() -> None:
    stream = OnlineEM(2)
    for _ in range(200):
        for item in range(50):
            stream.put(item, dict.fromkeys(range(10), item % 2))
        stream.settle()

    entries = stream._books.items._annotator  # noqa: SLF001  # how much room there is, is the question

    assert len(entries) < 5_000
