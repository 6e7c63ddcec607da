"""Pairs of annotators, told a few at a time."""

from itertools import combinations

from assay_models.agreement.annotator_pairs import AnnotatorPairs, ItemVotes
from assay_services.consensus.core.agreement_readings import PairQueue, WindowReading
from tests.support.builders import a_contract

WHO = tuple(f"w{number:02}" for number in range(12))
PAIRS = ["|".join(pair) for pair in combinations(WHO, 2)]


def some_pairs() -> AnnotatorPairs:
    pairs = AnnotatorPairs()
    for number in range(6):
        pairs.move(None, ItemVotes(0, WHO, tuple(("safe", "scam")[number % 2] for _ in WHO)))
    return pairs


def names(readings: list[WindowReading]) -> list[str]:
    return [one.scope["annotators"] for one in readings]


def test_fifty_pairs_are_told_at_a_time_in_order_and_then_none() -> None:
    queue = PairQueue()
    queue.renew(some_pairs(), a_contract(), 10)

    told = [queue.some() for _ in range(3)]

    assert [names(some) for some in told] == [PAIRS[:50], PAIRS[50:], []]


def test_pairs_that_have_waited_come_first_when_all_are_found_anew() -> None:
    pairs, queue = some_pairs(), PairQueue()
    queue.renew(pairs, a_contract(), 10)
    queue.some()

    queue.renew(pairs, a_contract(), 11)

    assert names(queue.some()) == [*PAIRS[50:], *PAIRS[:34]]


def test_what_was_told_is_not_told_again_and_keeps_nobody_waiting() -> None:
    pairs, queue = some_pairs(), PairQueue()
    queue.renew(pairs, a_contract(), 10)
    queue.some()
    queue.some()
    pairs.move(None, ItemVotes(0, WHO[-2:], ("safe", "scam")))

    queue.renew(pairs, a_contract(), 10)

    assert names(queue.some()) == PAIRS[-1:]


def test_pairs_that_share_too_little_by_now_are_left_out() -> None:
    pairs, queue = some_pairs(), PairQueue()
    queue.renew(pairs, a_contract(), 10)

    queue.renew(pairs, a_contract(), 5_000)

    assert queue.some() == []


def test_nothing_is_told_before_pairs_were_found() -> None:
    queue = PairQueue()

    told = queue.some()

    assert told == []
