import numpy as np
import pytest

from assay_models.truth.categorical.batch_em import fit
from assay_models.truth.categorical.confusion_counts import UNITS
from assay_models.truth.categorical.hyperparameters import NOTHING
from assay_models.truth.categorical.online_em import OnlineEM
from assay_models.truth.categorical.posterior import Learned
from assay_models.truth.categorical.vote_arrays import ballots_of
from tests.models.truth.crowds import a_crowd, a_settled_stream, believed

CROWD = a_crowd(seed=3)


def test_what_was_put_is_settled_once() -> None:
    stream = OnlineEM(2)
    stream.put("a", {0: 1, 1: 1})
    stream.put("b", {0: 0})

    first, second = stream.settle(), stream.settle()

    assert first.items == ("a", "b")
    assert first.posterior.argmax(axis=1).tolist() == [1, 0]
    assert first.posterior.sum(axis=1) == pytest.approx([1, 1])
    assert second.items == ()
    assert second.posterior.shape == (0, 2)
    assert len(stream) == 2
    assert "a" in stream


def test_the_stream_arrives_where_all_votes_at_once_do() -> None:
    stream = a_settled_stream(CROWD)

    found = fit(ballots_of(CROWD.votes), 3, learned=stream.learned)

    told = np.array([row for _, row in sorted(believed(stream).items(), key=lambda pair: int(str(pair[0])))])
    assert (told.argmax(axis=1) == found.posterior.argmax(axis=1)).mean() > 0.99
    assert np.abs(told - found.posterior).max() < 0.05


def test_the_newest_votes_of_an_item_replace_the_older() -> None:
    stream, fresh = OnlineEM(2), OnlineEM(2)
    for votes in ({0: 0}, {0: 0, 1: 0}, {0: 1, 1: 1}):
        stream.put("a", votes)
        stream.settle()
    fresh.put("a", {0: 1, 1: 1})
    fresh.settle()

    stream.sweep(1)
    fresh.sweep(1)

    assert stream.sums(0)[-1][:2] == (1, 1)
    assert sum(votes for _, _, votes in stream.sums(0)) == pytest.approx(1, abs=1e-5)
    assert believed(stream)["a"] == pytest.approx(believed(fresh)["a"], abs=0.02)


def test_a_removed_item_leaves_nothing_behind() -> None:
    stream = OnlineEM(2)
    for item in range(3):
        stream.put(item, {0: 1, 1: 0})
    stream.settle()
    stream.put(2, {0: 0})

    for item in range(3):
        stream.remove(item)
    stream.remove("unknown")

    assert stream.sums(0) == ()
    assert len(stream) == 0
    assert stream.settle().items == ()
    assert stream.sweep(5).items == ()


def test_a_closed_item_is_forgotten_but_what_it_taught_stays() -> None:
    stream = a_settled_stream(CROWD)
    before = [stream.sums(annotator) for annotator in range(10)]

    for item in range(200):
        stream.close(item)
    stream.close("unknown")

    assert len(stream) == 0
    assert [stream.sums(annotator) for annotator in range(10)] == before
    assert [stream.closed_sums(annotator) for annotator in range(10)] == before


def test_an_item_closed_before_it_was_settled_teaches_all_the_same() -> None:
    stream = OnlineEM(2)
    stream.put("a", {0: 1})
    stream.put("b", {0: 1})

    stream.close("a")

    assert sum(votes for _, _, votes in stream.closed_sums(0)) == 1
    assert stream.settle().items == ("b",)


def test_a_closed_item_can_be_had_again() -> None:
    stream = OnlineEM(2)
    stream.put("a", {0: 1, 1: 1}, weights={1: 0.5})
    settled = stream.settle()
    stream.close("a")
    taught = stream.sums(0)

    stream.reopen("a", {0: 1, 1: 1}, settled.responsibilities[0] / UNITS, weights={1: 0.5})

    assert stream.sums(0) == taught
    assert stream.closed_sums(0) == ()
    assert "a" in stream


def test_a_place_that_was_given_back_is_used_again() -> None:
    stream = OnlineEM(2)
    stream.put("a", {0: 1}, gold=0, view=[0.5, 0.5])
    stream.settle()
    stream.remove("a")
    stream.settle()

    stream.put("b", {0: 1})
    settled = stream.settle()

    assert settled.items == ("b",)
    assert settled.posterior[0].argmax() == 1


def test_gold_pins_the_label_and_teaches() -> None:
    stream = OnlineEM(2)
    for item in range(20):
        stream.put(item, {0: 1, 1: 0}, gold=0)

    settled = stream.settle()

    assert settled.posterior.tolist() == [[1, 0]] * 20
    assert settled.responsibilities.tolist() == [[UNITS, 0]] * 20
    assert stream.reliability(0).accuracy < 0.1
    assert stream.reliability(1).accuracy > 0.9


def test_a_vote_of_less_weight_says_less_and_teaches_less() -> None:
    whole, half = OnlineEM(2), OnlineEM(2)
    whole.put("a", {0: 1})
    half.put("a", {0: 1}, weights={0: 0.5})

    assert 0.5 < half.settle().posterior[0, 1] < whole.settle().posterior[0, 1]
    assert half.reliability(0).votes == 0.5


def test_a_restored_stream_goes_on_as_if_nothing_had_happened() -> None:
    stream = a_settled_stream(CROWD)
    for item in range(50):
        stream.close(item)
    restored = OnlineEM(3)
    restored.restore_learned(stream.learned)
    for annotator in range(10):
        restored.load_closed(annotator, stream.closed_sums(annotator))
    restored.load_closed_errors(stream.closed_errors())
    told = believed(stream)
    beliefs = stream._books.items  # noqa: SLF001  # what a service would have stored of each `Settled`
    for item in range(50, 200):
        place = np.array([beliefs.places[item]])
        restored.put(item, CROWD.votes[item], posterior=beliefs.beliefs(place)[0] / UNITS, told=told[item].tolist())
    assert restored.settle().items == ()

    for each in (stream, restored):
        each.put("new", {0: 1, 3: 2})
    once, again = stream.settle(), restored.settle()

    assert np.array_equal(once.posterior, again.posterior)
    assert [restored.sums(a) for a in range(10)] == [stream.sums(a) for a in range(10)]


def test_a_sweep_returns_only_what_moved() -> None:
    stream = a_settled_stream(CROWD, sweeps=60)

    assert stream.sweep(len(stream)).items == ()
    assert stream.unrest < 0.01

    stream.set_others(0, ((0, 1, 500.0), (1, 2, 500.0), (2, 0, 500.0)))
    moved = stream.sweep(len(stream))

    assert 0 < len(moved.items) <= 200
    assert len(moved.posterior) == len(moved.responsibilities) == len(moved.gain) == len(moved.items)


def test_sweeps_come_round_to_every_item() -> None:
    stream = OnlineEM(2)
    for item in range(10):
        stream.put(item, {item: 1, 20: 1})
        stream.settle()
    items = stream._books.items  # noqa: SLF001  # the state itself is what is tested
    items.published[:] = 0

    moved = [item for _ in range(4) for item in stream.sweep(3).items]

    assert sorted(int(str(item)) for item in moved[:10]) == list(range(10))


def test_what_other_partitions_know_of_an_annotator_counts_here() -> None:
    stream = OnlineEM(2)
    stream.set_others(0, ((0, 0, 99.0), (0, 1, 1.0), (1, 1, 99.0), (1, 0, 1.0)))
    stream.set_others(1, ((0, 0, 50.0), (0, 1, 50.0), (1, 1, 50.0), (1, 0, 50.0)))
    stream.put("a", {0: 1, 1: 0})

    assert stream.settle().posterior[0, 1] > 0.85
    assert stream.reliability(0).votes == pytest.approx(201)
    assert stream.sums(0) != ()


def test_learning_happens_with_enough_votes_and_counts_what_others_learned() -> None:
    stream = a_settled_stream(CROWD)

    alone = stream.learned
    gains = tuple((0.0,) * (len(row) - 1) + (1e6,) for row in NOTHING.gains)
    stream.set_others_evidence(type(NOTHING)(gains, 0.0, 0))

    assert alone.work >= 300
    assert stream.evidence != NOTHING
    assert stream.learned.correlation == 0.5
    assert OnlineEM(3, learned=alone).learned == alone


def test_the_models_view_is_heard_until_it_is_withdrawn() -> None:
    stream = OnlineEM(2)
    stream.put("a", {0: 0, 1: 1})
    stream.put("b", {0: 0, 1: 1}, view=[0.05, 0.95])
    heard = stream.settle()
    stream.put("b", {0: 0, 1: 1})
    for item in range(2, 70):
        stream.put(item, {0: 0})
    withdrawn = stream.settle()

    assert heard.posterior[1, 1] > heard.posterior[0, 1] + 0.1
    assert withdrawn.posterior[0, 1] == pytest.approx(heard.posterior[0, 1], abs=0.1)


def test_half_of_what_closed_items_taught_can_be_forgotten() -> None:
    stream = a_settled_stream(CROWD)
    for item in range(200):
        stream.close(item)
    votes = stream.reliability(0).votes

    stream.fade(0.5)

    assert stream.reliability(0).votes == pytest.approx(votes / 2)


def test_somebody_known_by_two_indexes_is_counted_as_one() -> None:
    stream = a_settled_stream(CROWD)

    both = stream.reliability_of_all([0, 1])

    assert both.votes == pytest.approx(stream.reliability(0).votes + stream.reliability(1).votes)


@pytest.mark.parametrize("votes", [{0: 2}, {0: -1}, {-1: 0}, {0: 1, 1: 7}])
def test_a_vote_that_cannot_be_is_refused_when_it_is_put(votes: dict[int, int]) -> None:
    with pytest.raises(ValueError, match=r"classes|index"):
        OnlineEM(2).put("a", votes)


def test_the_same_calls_give_the_same_answers() -> None:
    once, again = believed(a_settled_stream(CROWD)), believed(a_settled_stream(CROWD))

    assert all(np.array_equal(once[item], again[item]) for item in once)


def test_learned_values_are_plain_and_start_modestly() -> None:
    assert Learned().lapse < 0.1
    assert OnlineEM(2).learned == Learned()


def test_without_a_vote_an_item_is_judged_as_if_it_had_never_been_given() -> None:
    whole, less = a_settled_stream(CROWD), a_settled_stream(CROWD)
    votes = {0: 1, 1: 1, 2: 0}
    whole.put("x", votes)
    less.put("x", {0: 1, 1: 1})

    whole.settle()
    expected = less.settle().posterior[0]
    found = whole.without(["x", "nobody knows it"], among=2)

    assert set(found) == {"x"}
    assert set(found["x"]) == set(votes)
    best, probability = found["x"][2]
    assert best == expected.argmax()
    assert probability == pytest.approx(expected.max(), abs=0.01)
