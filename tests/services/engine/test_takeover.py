"""A partition's state is changed from outside, though its worker comes back; held to a real Kafka."""

import asyncio
import threading

import pytest

from assay_schemas.topics import CONSENSUS_STATE, TOPICS, VALIDATED
from assay_services.engine.core.core_api import Entry
from assay_services.engine.core.erasure_request import Erasure, Published
from assay_services.engine.core.ledger import Ledger
from assay_services.engine.core.state import PartitionState, stored_changes
from assay_services.engine.kafka import commit, make_producer
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import restore, state_records
from assay_services.engine.takeover import LaneDescriptor, StateContestedError, take_over
from assay_services.engine.topic_admin import ensure_topics

HELD = LaneDescriptor("consensus", VALIDATED.name, CONSENSUS_STATE.name)
OWNER = f"assay.{HELD.service}.{HELD.source}.0"


async def a_worker_commits(settings: RuntimeSettings, **words: bytes) -> None:
    producer = make_producer(settings, transactional_id=OWNER)
    await producer.start()
    stored = stored_changes({name.encode(): Entry(0, word) for name, word in words.items()})
    await commit(producer, 0, [state_records(HELD.state, stored, Ledger(7))], prefix=settings.prefix)
    await producer.stop()


def comes_back(settings: RuntimeSettings, **words: bytes) -> None:
    """Let the worker take its partition back: in a thread, because whoever decides does not wait."""
    thread = threading.Thread(target=lambda: asyncio.run(a_worker_commits(settings, **words)))
    thread.start()
    thread.join()


async def state_of(settings: RuntimeSettings) -> dict[bytes, bytes]:
    state, ledger = await restore(settings, HELD.state, 0)
    assert ledger is not None
    assert ledger.position == 7
    return dict(state.values())


def test_what_a_worker_takes_back_is_taken_over_again_with_what_it_wrote_meanwhile(settings: RuntimeSettings) -> None:
    seen: list[dict[bytes, bytes]] = []

    def decide(state: PartitionState, _: Published) -> Erasure:
        seen.append(dict(state.values()))
        if len(seen) == 1:
            comes_back(settings, one=b"newer")
        return Erasure({b"two": None})

    async def run() -> dict[bytes, bytes]:
        await ensure_topics(settings, TOPICS)
        await a_worker_commits(settings, one=b"old", two=b"old")
        await take_over(settings, HELD, 0, decide)
        return await state_of(settings)

    assert asyncio.run(run()) == {b"one": b"newer"}
    assert [found[b"one"] for found in seen] == [b"old", b"newer"]


def test_a_worker_that_comes_back_every_time_is_to_be_stopped_and_nothing_changes(settings: RuntimeSettings) -> None:
    def decide(_: PartitionState, __: Published) -> Erasure:
        comes_back(settings, one=b"mine")
        return Erasure({b"one": None})

    async def run() -> dict[bytes, bytes]:
        await ensure_topics(settings, TOPICS)
        await a_worker_commits(settings, one=b"mine")
        with pytest.raises(StateContestedError, match="partition 0 back 5 times; stop it for a moment"):
            await take_over(settings, HELD, 0, decide)
        return await state_of(settings)

    assert asyncio.run(run()) == {b"one": b"mine"}
