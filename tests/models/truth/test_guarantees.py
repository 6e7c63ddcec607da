"""What truth models of every kind promise."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_models.truth.truth_model import POOL, GivenLabel, ItemFacts, TruthModel
from assay_schemas.annotation import AnnotatorId
from tests.models.truth.labelled import (
    KINDS,
    PEOPLE,
    RIGHT,
    a_crowd,
    a_truth,
    brought_to_rest,
    exchanged,
    facts,
    plain,
    settled,
)

pytestmark = pytest.mark.parametrize("kind", KINDS)


@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_any_way_to_the_same_facts_ends_at_the_same_truth(kind: str, seed: int) -> None:
    rng, crowd = random.Random(seed), a_crowd(kind)
    straight, winding = a_truth(kind), a_truth(kind)
    settled(straight, crowd)

    for item in rng.sample(sorted(crowd), len(crowd)):
        for detour in rng.choices(("wrong", "removed", "twice", "swept", "other"), k=rng.randrange(3)):
            _detour(winding, kind, detour, item, crowd)
        winding.put(item, crowd[item])
        if rng.random() < 0.3:
            winding.settle()
    winding.settle()

    said, found = brought_to_rest(straight, crowd), brought_to_rest(winding, crowd)

    off = [item for item in crowd if said[item].probability != pytest.approx(found[item].probability, abs=0.02)]
    assert not off
    for who in PEOPLE[:6]:
        one, other = straight.accuracy(who), winding.accuracy(who)
        assert one is not None
        assert other is not None
        assert one.votes == other.votes
        assert one.value == pytest.approx(other.value, abs=0.02)


def _detour(truth: TruthModel, kind: str, detour: str, item: int, crowd: dict[int, ItemFacts]) -> None:
    match detour:
        case "wrong":
            truth.put(item, facts(w0=RIGHT[kind](item + 1), w5=RIGHT[kind](item + 2)))
        case "removed":
            truth.remove(item)
        case "twice":
            truth.put(item, crowd[item])
        case "swept":
            truth.sweep(7)
        case _:
            truth.put("other", facts(w1=RIGHT[kind](5), w2=RIGHT[kind](7)))
            truth.settle()
            truth.remove("other")


def test_what_is_stored_continues_as_if_nothing_had_happened(kind: str) -> None:
    crowd = a_crowd(kind, items=60)
    one, other = a_truth(kind), a_truth(kind)
    said = settled(one, crowd)
    for item in range(10):
        one.close(item)

    for item in range(10, 60):
        other.put(item, crowd[item], stored=plain(said[item].stored))
    for who in PEOPLE:
        other.load_closed(who, plain(one.dump_closed(who)))
    assert not other.settle()

    for truth in (one, other):
        truth.put("new", crowd[4])
    first = {**one.sweep(1_000), **one.settle(), **one.sweep(1_000)}
    second = {**other.sweep(1_000), **other.settle(), **other.sweep(1_000)}
    assert first["new"].label == second["new"].label
    assert first.keys() == second.keys()
    for item, judgement in first.items():
        assert judgement.probability == pytest.approx(second[item].probability, abs=1e-4)
    for who in PEOPLE[:6]:
        expected, again = one.accuracy(who), other.accuracy(who)
        assert expected is not None
        assert again is not None
        assert again[:4] == pytest.approx(expected[:4], abs=1e-4)


def test_what_was_closed_is_taught_until_it_is_open_again(kind: str) -> None:
    crowd = a_crowd(kind)
    truth = a_truth(kind)
    said = settled(truth, crowd)
    before = [plain(truth.learned(who)) for who in PEOPLE[:6]]

    for item in crowd:
        truth.close(item)
    closed = [plain(truth.learned(who)) for who in PEOPLE[:6]]
    kept = [plain(truth.dump_closed(who)) for who in PEOPLE[:6]]
    for item in crowd:
        truth.reopen(item, crowd[item], stored=plain(said[item].stored))
    reopened = [plain(truth.learned(who)) for who in PEOPLE[:6]]
    for item in crowd:
        truth.remove(item)
    truth.settle()

    assert before == closed == kept == reopened
    assert all(found is None or found.votes == 0 for found in map(truth.accuracy, PEOPLE))


def test_what_was_closed_is_forgotten_by_half_and_what_is_open_is_not(kind: str) -> None:
    crowd = a_crowd(kind)
    truth = a_truth(kind)
    settled(truth, crowd)
    everything = {who: truth.accuracy(who) for who in PEOPLE[:6]}
    for item in sorted(crowd)[::2]:
        truth.close(item)
    truth.settle()

    truth.fade(0.5)

    for who, before in everything.items():
        after = truth.accuracy(who)
        assert before is not None
        assert after is not None
        assert 0.5 * before.votes < after.votes < before.votes
        assert after.value == pytest.approx(before.value, abs=0.1)


def test_an_item_closed_before_it_was_judged_has_taught_all_the_same(kind: str) -> None:
    crowd = a_crowd(kind)
    truth, other = a_truth(kind), a_truth(kind)
    settled(other, crowd)

    for item, known in crowd.items():
        truth.put(item, known)
        truth.close(item)
    truth.close("nobody knows it")

    assert not truth.settle()
    for who in PEOPLE[:6]:
        one, expected = truth.accuracy(who), other.accuracy(who)
        assert one is not None
        assert expected is not None
        assert one.votes == expected.votes


def test_an_item_that_had_nothing_to_teach_is_opened_anew(kind: str) -> None:
    truth = a_truth(kind)
    settled(truth, a_crowd(kind))

    truth.reopen("i", facts(), stored=None)
    truth.put("i", facts(w0=RIGHT[kind](5), w1=RIGHT[kind](5)))

    assert "i" in truth.settle()


def test_partitions_that_have_heard_each_other_say_what_one_would(kind: str) -> None:
    crowd = a_crowd(kind, items=60)
    whole, parts = a_truth(kind), [a_truth(kind) for _ in range(3)]
    shares = [{item: known for item, known in crowd.items() if item % 3 == place} for place in range(3)]
    settled(whole, crowd)
    said = brought_to_rest(whole, crowd)

    found = {}
    for part, share in zip(parts, shares, strict=True):
        settled(part, share)
    for _ in range(6):
        exchanged(parts)
        for part, share in zip(parts, shares, strict=True):
            found.update(brought_to_rest(part, share, rounds=3))

    far = [item for item in crowd if said[item].probability != pytest.approx(found[item].probability, abs=0.05)]
    assert len(far) <= 2
    for who in PEOPLE[:6]:
        expected, heard = whole.accuracy(who), parts[0].accuracy(who)
        assert expected is not None
        assert heard is not None
        assert heard.votes == expected.votes
        assert heard.value == pytest.approx(expected.value, abs=0.05)


def test_what_the_others_no_longer_say_is_forgotten(kind: str) -> None:
    crowd = a_crowd(kind)
    one, other = a_truth(kind), a_truth(kind)
    settled(one, {item: crowd[item] for item in range(20)})
    settled(other, {item: crowd[item] for item in range(20, 40)})
    before = one.accuracy("w1")
    assert before is not None

    exchanged([one, other])
    heard = one.accuracy("w1")
    for who in PEOPLE:
        one.set_remote_counts(who, [])

    again = one.accuracy("w1")
    assert heard is not None
    assert heard.votes > before.votes
    assert again is not None
    assert again[:4] == before[:4]


def test_a_stored_answer_to_other_votes_is_not_believed(kind: str) -> None:
    truth = a_truth(kind)
    said = settled(truth, {1: facts(w0=RIGHT[kind](5), w1=RIGHT[kind](5))})
    again = a_truth(kind)

    again.put(1, facts(w0=RIGHT[kind](7), w1=RIGHT[kind](7), w2=RIGHT[kind](7)), stored=plain(said[1].stored))

    judged = {**again.settle(), **again.sweep(10)}
    assert kind in {"categorical", "pairwise"} or 1 in judged or kind in {"spans", "boxes"}


def test_a_label_of_another_kind_is_no_reason_to_stop(kind: str) -> None:
    truth = a_truth(kind)
    strange: list[Any] = ["no such label", ["no", "such"], 17, 0.5]

    truth.put("i", ItemFacts({AnnotatorId(f"w{place}"): GivenLabel(label) for place, label in enumerate(strange)}))
    said = truth.settle()["i"]
    truth.put("j", facts(w0=strange[1]))

    assert 0 <= said.doubt(strange[0]) <= 1
    assert "j" in truth.settle()
    assert truth.sweep(0) == {}


def test_of_a_pool_without_votes_there_is_something_to_tell(kind: str) -> None:
    truth, again = a_truth(kind), a_truth(kind)

    again.load_closed(POOL, plain(truth.dump_closed(POOL)))
    again.set_remote_counts(POOL, [plain(truth.learned(POOL))])

    assert plain(again.learned("nobody")) is not None
    assert again.accuracy("nobody") is None
