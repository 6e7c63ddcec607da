"""Whatever happened on the way, the state is that of the votes that are left."""

from typing import TypeAlias

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_models.truth.categorical.confusion_counts import PER_VOTE, UNITS, ConfusionCounts
from assay_models.truth.categorical.online_em import OnlineEM
from tests.models.truth.crowds import believed

Step: TypeAlias = tuple[str, int, dict[int, int]]

TRUTH = (0, 1, 2, 0, 1, 2, 0, 1)
REGULARS = range(10, 16)
"""Annotators who said the truth of a hundred other items, so that there is one right answer to arrive at."""

labels = st.integers(0, 2)
annotators = st.one_of(st.integers(0, 3), st.sampled_from(list(REGULARS)))
steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "remove", "settle", "sweep"]),
        st.integers(0, len(TRUTH) - 1),
        st.dictionaries(annotators, labels, max_size=5),
    ),
    max_size=30,
)


def a_stream() -> OnlineEM:
    stream = OnlineEM(3)
    for annotator in REGULARS:
        stream.set_others(annotator, tuple((k, v, 30.0 if k == v else 2.0) for k in range(3) for v in range(3)))
    return stream


def walk(stream: OnlineEM, walked: list[Step]) -> dict[int, dict[int, int]]:
    left: dict[int, dict[int, int]] = {}
    for name, item, votes in walked:
        if name == "put":
            stream.put(item, votes)
            left[item] = votes
        elif name == "remove":
            stream.remove(item)
            left.pop(item, None)
        elif name == "settle":
            stream.settle()
        else:
            stream.sweep(3)
    stream.settle()
    return left


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_counts_are_exactly_those_of_the_open_items(walked: list[Step]) -> None:
    stream = a_stream()

    left = walk(stream, walked)

    items = stream._books.items  # noqa: SLF001  # the state itself is what is tested
    expected = ConfusionCounts(3)
    for item, votes in left.items():
        beliefs = items.beliefs(np.array([items.places[item]]))[0].tolist()
        for annotator, label in votes.items():
            before = _held(expected, annotator)
            held = {(k, v): n for k, v, n in before}
            for truth, units in enumerate(beliefs):
                held[truth, label] = held.get((truth, label), 0.0) + units / UNITS
            expected.exchange(annotator, before, tuple((k, v, n) for (k, v), n in held.items()))
    assert set(items.places) == set(left)
    assert all(stream.sums(annotator) == _held(expected, annotator) for annotator in range(20))


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_beliefs_are_those_of_the_final_votes_alone(walked: list[Step]) -> None:
    stream, fresh = a_stream(), a_stream()

    left = walk(stream, walked)
    for item, votes in left.items():
        fresh.put(item, votes)
    fresh.settle()
    for each in (stream, fresh):
        for _ in range(60):
            each.sweep(len(each))

    once, again = believed(stream), believed(fresh)
    assert once.keys() == again.keys()
    assert all(np.abs(once[item] - again[item]).max() < 0.05 for item in once)


def _held(tally: ConfusionCounts, annotator: int) -> tuple[tuple[int, int, float], ...]:
    if annotator >= tally.annotators or tally.cells is None:
        return ()
    table = tally.cells[annotator].T
    return tuple((int(k), int(v), int(table[k, v]) / PER_VOTE) for k, v in np.argwhere(table))
