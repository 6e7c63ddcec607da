"""Reviewers at one queue: nobody is given what another has, and nothing that was decided is lost."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assay_schemas.annotation import Action, AnnotatorKind, Item, ItemId, Label, Span
from assay_schemas.topics import ANNOTATIONS
from assay_services.console.reviews.claims import HOLD, Candidate, Claims
from assay_services.console.reviews.decisions import (
    ClaimLostError,
    Decisions,
    NothingToUndoError,
    OwnRecord,
    events_of,
)
from assay_services.console.reviews.review_outbox import ReviewOutbox
from assay_services.console.reviews.review_queue import candidates, waiting
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.stores.archive.tables import ReviewRow
from assay_services.stores.control.tables.reviews import ReviewDecision
from tests.support.kafka_io import take, until

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def candidate(item: str) -> Candidate:
    return Candidate("ads", item, NOW - timedelta(hours=1))


def ask_for(engine: Engine, *priorities: tuple[str, float]) -> None:
    with Session(engine) as session:
        session.add_all(
            ReviewRow(project="ads", item=item, reason="disputed", priority=value, votes=3, as_of=NOW)
            for item, value in priorities
        )
        session.commit()


def decide(engine: Engine, item: str, *, label: Label = "scam", consensus: Label = "scam") -> ReviewDecision:
    assert Claims(engine).claim([candidate(item)], "rita", now=NOW) is not None
    return Decisions(engine).decide(
        "ads", Item(id=item, text="You have won"), "rita", label=label, consensus=consensus, now=later(8)
    )


def test_the_item_that_says_most_comes_first_however_long_the_queue_is(engine: Engine) -> None:
    ask_for(engine, *((f"i-{n:03d}", n % 7 / 10) for n in range(250)))

    found = [one.item for one in candidates(engine, "ads")]

    assert found == sorted((f"i-{n:03d}" for n in range(250)), key=lambda item: (-(int(item[2:]) % 7), item))
    assert waiting(engine) == waiting(engine, "ads") == 250
    assert waiting(engine, "another") == 0
    assert list(candidates(engine, "another")) == []


def test_reviewers_at_once_are_never_given_the_same_item(engine: Engine) -> None:
    ask_for(engine, *((f"i-{n:02d}", 0.5) for n in range(30)))
    claims, decisions = Claims(engine), Decisions(engine)

    def decide_all(reviewer: str) -> list[ItemId]:
        mine = []
        while (found := claims.claim(candidates(engine), reviewer, now=NOW)) is not None:
            decisions.decide("ads", Item(id=found.item), reviewer, label="safe", consensus=None, now=NOW)
            mine.append(found.item)
        return mine

    with ThreadPoolExecutor(4) as pool:
        decided = list(chain.from_iterable(pool.map(decide_all, ["rita", "sami", "tove", "ugo"])))

    assert sorted(decided) == [f"i-{n:02d}" for n in range(30)]
    assert claims.claimed_by(now=NOW) == []


def test_who_comes_back_is_given_the_item_that_was_not_decided(engine: Engine) -> None:
    claims = Claims(engine)
    claims.claim([candidate("i-1")], "rita", now=NOW)

    found = claims.claim([candidate("i-2")], "rita", now=later(60))

    assert found is not None
    assert found.item == "i-1"


def test_an_item_is_free_again_when_it_is_given_back_or_held_too_long(engine: Engine) -> None:
    claims, two = Claims(engine), [candidate("i-1"), candidate("i-2")]
    assert claims.claim(two, "rita", now=NOW) == two[0]
    assert claims.claim(two, "sami", now=NOW) == two[1]
    assert claims.claim(two, "tove", now=NOW) is None

    claims.release("ads", "i-1", "sami")  # it is not his
    assert claims.claim(two, "tove", now=NOW) is None
    claims.release("ads", "i-1", "rita")
    assert claims.claim(two, "tove", now=NOW) == two[0]
    assert claims.renew("ads", "i-1", "tove", now=later(200))

    assert claims.claim(two, "ugo", now=NOW + HOLD) == two[1]
    assert not claims.renew("ads", "i-2", "sami", now=NOW + HOLD)


def test_a_page_lets_go_only_what_no_newer_page_of_the_reviewer_has_taken_on(engine: Engine) -> None:
    claims, one = Claims(engine), candidate("i-1")
    claims.claim([one], "rita", now=NOW)
    claims.renew("ads", "i-1", "rita", now=later(5))  # the page was loaded anew

    claims.release_if_unchanged("ads", "i-1", "rita", held_at=NOW)
    claims.release_if_unchanged("ads", "i-1", "sami", held_at=later(5))
    assert claims.claim([one], "sami", now=later(6)) is None
    claims.release_if_unchanged("ads", "i-1", "rita", held_at=later(5))
    assert claims.claim([one], "sami", now=later(7)) == one


def test_what_was_decided_is_not_given_out_again_while_the_consensus_is_on_its_way(engine: Engine) -> None:
    decision = decide(engine, "i-1")
    claims = Claims(engine)

    assert claims.claim([candidate("i-1")], "sami", now=later(9)) is None
    assert claims.claim([Candidate("ads", "i-1", later(60))], "sami", now=later(61)) is not None  # asked for anew
    claims.release("ads", "i-1", "sami")
    Decisions(engine).undo(decision.id, "rita", now=later(70))
    assert claims.claim([candidate("i-1")], "sami", now=later(71)) is not None


def test_who_has_lost_an_item_cannot_decide_it(engine: Engine) -> None:
    claims = Claims(engine)
    claims.claim([candidate("i-1")], "rita", now=NOW)
    claims.claim([candidate("i-1")], "sami", now=NOW + HOLD)

    with pytest.raises(ClaimLostError, match="Your claim on item 'i-1' of 'ads' has expired"):
        Decisions(engine).decide("ads", Item(id="i-1"), "rita", label="scam", consensus=None, now=NOW + HOLD)


def test_a_decision_is_an_adjudicators_annotation_and_undoing_it_is_its_deletion(engine: Engine) -> None:
    decisions, kept = Decisions(engine), decide(engine, "i-1")

    (said,) = events_of(decisions.unpublished()[0])
    decisions.note_published(decisions.unpublished(), now=later(9))
    assert decisions.unpublished() == []
    decisions.undo(kept.id, "rita", now=NOW)  # a clock that went back
    (undone,) = events_of(decisions.unpublished()[0])

    assert (said.id, said.label, said.annotator.id) == (kept.id, "scam", "rita")
    assert (said.annotator.kind, said.item.text, said.lead_time_seconds) == (
        AnnotatorKind.ADJUDICATOR, "You have won", 8.0,
    )  # fmt: skip
    assert (undone.id, undone.action, undone.label) == (kept.id, Action.DELETED, None)
    assert undone.occurred_at > said.occurred_at
    assert decisions.count_unpublished() == 1


def test_only_ones_own_decision_can_be_undone_and_only_once(engine: Engine) -> None:
    decisions, kept = Decisions(engine), decide(engine, "i-1")

    with pytest.raises(NothingToUndoError, match="You have no decision"):
        decisions.undo(kept.id, "sami", now=later(9))
    decisions.undo(kept.id, "rita", now=later(9))
    with pytest.raises(NothingToUndoError):
        decisions.undo(kept.id, "rita", now=later(10))


def test_spans_and_numbers_are_decided_as_labels_too(engine: Engine) -> None:
    spans = [Span(start=0, end=3, label="claim")]

    decide(engine, "i-1", label=spans, consensus=spans)
    decide(engine, "i-2", label=4, consensus=3.5)

    said = [event.label for one in Decisions(engine).unpublished() for event in events_of(one)]
    assert said == [spans, 4]
    assert Decisions(engine).record("rita", since=NOW).agreed == 1


def test_a_reviewer_sees_the_own_work(engine: Engine) -> None:
    decisions = Decisions(engine)
    assert decisions.record("rita", since=NOW) == OwnRecord(0, 0, 0, 0, None, None, None)
    decide(engine, "i-1")
    decide(engine, "i-2", consensus="safe")
    decisions.undo(decide(engine, "i-3").id, "rita", now=later(9))

    found = decisions.record("rita", since=NOW)

    assert (found.decisions, found.undone, found.agreed, found.compared) == (2, 1, 1, 2)
    assert found.median_seconds == 8.0
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < 0.5 < found.high < 1
    assert {one.item for one in decisions.newest("rita")} == {"i-1", "i-2", "i-3"}


async def _published(settings: RuntimeSettings, decisions: Decisions) -> Sequence[Action]:
    outbox = ReviewOutbox(settings, decisions)
    await outbox.start()
    outbox.wake()
    await until(lambda: decisions.count_unpublished() == 0)
    await outbox.stop()
    return [Action(one.value and _action(one.value)) for one in await take(settings, ANNOTATIONS.name)]


def _action(raw: bytes) -> str:
    return "deleted" if b'"deleted"' in raw else "created"


def test_decisions_reach_kafka_in_order_and_once(engine: Engine, settings: RuntimeSettings) -> None:
    decisions = Decisions(engine)
    decisions.undo(decide(engine, "i-1").id, "rita", now=later(9))

    async def run() -> Sequence[Action]:
        await ensure_topics(settings)
        return await _published(settings, decisions)

    assert asyncio.run(run()) == [Action.CREATED, Action.DELETED]


def test_decisions_wait_for_kafka(engine: Engine, settings: RuntimeSettings) -> None:
    decisions = Decisions(engine)
    decide(engine, "i-1")
    nowhere = settings.model_copy(update={"kafka": "127.0.0.1:1"})

    async def run() -> Sequence[Action]:
        outbox = ReviewOutbox(nowhere, decisions)
        await outbox.start()
        await until(lambda: outbox.problem is not None)
        await outbox.stop()
        assert decisions.count_unpublished() == 1
        await ensure_topics(settings)
        return await _published(settings, decisions)

    assert asyncio.run(run()) == [Action.CREATED]
