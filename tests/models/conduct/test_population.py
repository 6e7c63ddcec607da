from math import exp, log

import pytest

from assay_models.conduct.labels import class_count, name_of
from assay_models.conduct.population import GOLD, Population, kind_of
from assay_schemas.annotation import Box, Span
from tests.support.builders import a_contract

DAY = 86_400.0


def test_what_is_noted_in_a_minute_is_learned_when_it_is_over() -> None:
    pool = Population(4)
    pool.pass_to(60.0)
    before = pool.agreement(5, "safe")
    for _ in range(200):
        pool.note_agreement(5, "safe", agrees=True)

    still = pool.pass_to(119.0), pool.agreement(5, "safe")
    passed = pool.pass_to(120.0), pool.agreement(5, "safe")

    assert still == (False, before)
    assert passed[0]
    assert passed[1] > 0.95


def test_the_order_within_a_minute_does_not_matter() -> None:
    one, other = Population(4), Population(4)
    for pool, order in ((one, range(40)), (other, reversed(range(40)))):
        for number in order:
            pool.note_agreement(number % 3, "safe", agrees=number % 2 == 0)
            pool.note_time(7, 3.0 + number)
        pool.pass_to(60.0)

    assert [one.agreement(kind, "safe") for kind in range(3)] == [other.agreement(kind, "safe") for kind in range(3)]
    assert sorted(map(str, one.dump()[1])) == sorted(map(str, other.dump()[1]))


def test_a_clock_that_was_ahead_does_not_stop_learning() -> None:
    pool = Population(4)
    pool.pass_to(1_000 * DAY)
    pool.note_pair(5, dissents=True, same=True)

    assert pool.pass_to(10 * DAY)
    assert not pool.pass_to(10 * DAY - 60)


def test_a_surer_consensus_is_agreed_with_more() -> None:
    pool = Population(4)

    usual = [pool.usual_agreement(kind_of(probability)) for probability in (0.3, 0.6, 0.9, 0.99)]

    assert usual == sorted(usual)
    assert kind_of(None) == 0
    assert kind_of(1.0) < GOLD


def test_dissenters_are_rarely_agreed_with() -> None:
    pool = Population(4)

    assert pool.likeness(5, dissents=True) < 0.2
    assert pool.likeness(5, dissents=False) > 0.7
    assert pool.likeness(5, dissents=True) == pool.likeness(5, dissents=True)


def test_usual_times_are_known_when_enough_have_been_seen() -> None:
    pool = Population(4)
    for number in range(120):
        pool.note_time(7, exp(2.0 + (number % 2)))
    unknown = pool.time(7)
    pool.pass_to(60.0)
    known = pool.time(7)
    pool.note_time(7, 1e6)
    pool.pass_to(120.0)

    clipped = pool.time(7)

    assert unknown is None
    assert known is not None
    assert list(known) == pytest.approx([2.5, 0.5], abs=1e-3)
    assert clipped is not None
    assert clipped[0] < 2.5 + log(1e6) / 120 / 2
    assert pool.time(8) is None


def test_a_pool_that_is_restored_goes_on() -> None:
    pool, fresh = Population(4), Population(4)
    pool.pass_to(60.0)
    for number in range(9):
        pool.note_agreement(5, "safe", agrees=number < 4)
    pool.pass_to(120.0)
    pool.note_agreement(5, "safe", agrees=False)
    pool.note_agreement(6, "scam", agrees=False)

    fresh.load(pool.dump())
    for one in (pool, fresh):
        one.pass_to(180.0)

    assert fresh.dump() == pool.dump()
    assert fresh.agreement(5, "safe") == pool.agreement(5, "safe")


def test_no_more_than_so_many_kinds_of_things_are_counted() -> None:
    pool = Population(4)

    for number in range(2_100):
        pool.note_agreement(5, f"label {number}", agrees=True)
    pool.pass_to(60.0)

    assert len(pool.dump()[1]) == 2_000


def test_labels_are_compared_as_text_or_canonical_json() -> None:
    box = Box(x=1.0, y=2, width=3, height=4, label="car")

    assert name_of("safe") == "safe"
    assert name_of(2) == name_of(2.0) == "2"
    assert name_of(2.5) == "2.5"
    assert name_of(["b", "a"]) == '["b","a"]'
    assert name_of([Span(start=0, end=4, label="person")]) != name_of([Span(start=0, end=5, label="person")])
    assert len(name_of([box] * 50)) < 40


def test_how_many_labels_there_are_comes_from_the_contract() -> None:
    counted = {kind: class_count(a_contract(kind)) for kind in ("categorical", "pairwise", "ordinal", "spans")}

    assert counted == {"categorical": 3, "pairwise": 3, "ordinal": 5, "spans": 8}
    assert class_count(a_contract("ordinal", label={"step": None})) == 8
    assert class_count(a_contract("ordinal", label={"high": 1_000})) == 21
    assert class_count(a_contract("pairwise", label={"ties": False})) == 2
