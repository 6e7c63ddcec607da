"""What the lane promises, on a real Kafka. The promises under fire are held by test_chaos."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace

from aiokafka import TopicPartition

from assay_schemas.topics import REJECTED, VALIDATED, VALIDATOR_STATE
from assay_services.audit.topics import audit
from assay_services.engine.core.core_api import Core, Entry, NotYet, Output, Record, State, Step
from assay_services.engine.core.isolation import NAMELESS
from assay_services.engine.core.ledger import Ledger
from assay_services.engine.kafka import from_position, make_consumer, make_producer
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import restore
from assay_services.engine.topic_admin import ensure_topics
from tests.guarantees import PROMISES
from tests.support.kafka_io import (
    put,
    running,
    take,
    until,
    until_all_judged,
    until_records,
    until_some,
    values,
)


class Counting(Core):
    """Hand every record on with the number of records before it, which is the state; fail on `poison`."""

    def __init__(self, poison: bytes | None = None) -> None:
        self._poison = poison

    def step(self, state: State, batch: Sequence[Record]) -> Step:  # noqa: ARG002, RUF100
        count = int(state.get(b"count") or b"0")
        outputs: list[Output] = []
        for record in batch:
            if record.value == self._poison:
                raise ValueError("a bug")
            value = b"%d:%b" % (count, record.value or b"")
            outputs.append(Output(VALIDATED.name, record.key, value, [("assay-offset", b"%d" % record.offset)]))
            count += 1
        return Step(outputs, {b"count": Entry(0, b"%d" % count)}, {"validated": len(batch)})


def test_every_record_comes_out_once_and_in_order(settings: RuntimeSettings) -> None:
    async def run() -> list[bytes]:
        await ensure_topics(settings)
        await put(settings, b"a", b"b", b"c")
        async with running(settings, lambda *_: Counting()) as lane:
            await until_all_judged(settings, lane)
        return values(await take(settings, VALIDATED.name))

    assert asyncio.run(run()) == [b"0:a", b"1:b", b"2:c"]


def test_a_restarted_lane_goes_on_where_the_last_one_stopped(settings: RuntimeSettings) -> None:
    async def run() -> list[bytes]:
        await ensure_topics(settings)
        for value in (b"a", b"b"):
            await put(settings, value)
            async with running(settings, lambda *_: Counting()) as lane:
                await until_all_judged(settings, lane)
        return values(await take(settings, VALIDATED.name))

    assert asyncio.run(run()) == [b"0:a", b"1:b"]


def test_a_step_that_raises_skips_nothing_and_goes_on_after_a_mend(settings: RuntimeSettings) -> None:
    async def run() -> tuple[bool, list[bytes]]:
        await ensure_topics(settings)
        await put(settings, b"a", b"poison", b"c")
        async with running(settings, lambda *_: Counting(poison=b"poison")) as broken:
            await until_all_judged(settings, broken)
            crashed = broken.crashed
        async with running(settings, lambda *_: Counting()):
            await until_records(settings, VALIDATED.name, 3)
        return crashed, values(await take(settings, VALIDATED.name))

    crashed, found = asyncio.run(run())

    assert not crashed
    assert found == [b"0:a", b"1:poison", b"2:c"]


def test_records_without_an_outcome_are_parked(settings: RuntimeSettings) -> None:
    class Forgetful(Core):
        def step(self, state: State, batch: Sequence[Record]) -> Step:  # noqa: ARG002
            return Step([], {}, {"validated": len(batch) - 1})

    async def run() -> Ledger | None:
        await ensure_topics(settings)
        await put(settings, b"a")
        async with running(settings, lambda *_: Forgetful()) as lane:
            await until_all_judged(settings, lane)
        return (await restore(settings, VALIDATOR_STATE.name, 0))[1]

    ledger = asyncio.run(run())

    assert ledger is not None
    assert ledger.verdicts == {"parked": 1}
    assert "the ledger does not balance" in ledger.parked[NAMELESS].error


def test_a_partition_fenced_by_another_owner_writes_nothing_twice(settings: RuntimeSettings) -> None:
    async def run() -> list[bytes]:
        await ensure_topics(settings)
        await put(settings, b"a")
        async with running(settings, lambda *_: Counting()) as lane:
            await until_all_judged(settings, lane)
            usurper = make_producer(settings, transactional_id="assay.validator.annotations.0")
            await usurper.start()  # takes the partition's producer away from the lane
            await put(settings, b"b")
            await until_all_judged(settings, lane)
            await usurper.stop()
        return values(await take(settings, VALIDATED.name))

    assert asyncio.run(run()) == [b"0:a", b"1:b"]


def test_the_position_comes_from_the_state_and_not_from_the_group(settings: RuntimeSettings) -> None:
    async def run() -> list[bytes]:
        await ensure_topics(settings)
        await put(settings, b"a", b"b")
        tp = TopicPartition(settings.prefix + "annotations", 0)
        liar = make_consumer(settings, group_id=f"{settings.prefix}assay.validator")
        liar.assign([tp])
        await liar.start()
        await liar.commit({tp: 2})
        await liar.stop()
        async with running(settings, lambda *_: Counting()) as lane:
            await until_all_judged(settings, lane)
        return values(await take(settings, VALIDATED.name))

    assert asyncio.run(run()) == [b"0:a", b"1:b"]


class Resting(Counting):
    """Say once, in a quiet moment, how many records it has counted."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state
        self._rested = False

    def idle(self, now: int) -> Step | None:
        assert now > 0
        counted = self._state.get(b"count")
        if self._rested or counted is None:
            return None
        self._rested = True
        return Step([Output(REJECTED.name, None, counted, [])], {b"rested": Entry(0, counted)}, {})


def test_a_core_may_speak_in_a_quiet_moment(settings: RuntimeSettings) -> None:
    async def run() -> tuple[list[bytes], bytes | None]:
        await ensure_topics(settings)
        await put(settings, b"a", b"b")
        async with running(settings, lambda _, state: Resting(state)):
            said = await until_some(settings, REJECTED.name)
        state, ledger = await restore(settings, VALIDATOR_STATE.name, 0)
        assert ledger is not None
        assert ledger.position == ledger.total
        return values(said), state.get(b"rested")

    assert asyncio.run(run()) == ([b"2"], b"2")


def test_a_step_that_asks_for_patience_is_taken_once_more(settings: RuntimeSettings) -> None:
    class Hesitant(Counting):
        asked = False

        def step(self, state: State, batch: Sequence[Record]) -> Step:  # noqa: ARG002, RUF100
            if not self.asked:
                self.asked = True
                raise NotYet("a contract")
            return super().step(state, batch)

    async def run() -> list[bytes]:
        await ensure_topics(settings)
        await put(settings, b"a")
        async with running(settings, lambda *_: Hesitant()) as lane:
            await until_all_judged(settings, lane)
        return values(await take(settings, VALIDATED.name))

    assert asyncio.run(run()) == [b"0:a"]


def test_two_lanes_share_the_partitions(settings: RuntimeSettings) -> None:
    async def run() -> list[int]:
        await ensure_topics(settings)
        async with running(settings, lambda *_: Counting()) as one, running(settings, lambda *_: Counting()) as other:
            await until(lambda: len(one.ready_partitions) == len(other.ready_partitions) == 1)
            await put(settings, b"a", partition=0)
            await put(settings, b"b", partition=1)
            await until_all_judged(settings, one, other)
        return [one_partition.verdicts["validated"] for one_partition in await audit(settings)]

    assert asyncio.run(run()) == [1, 1]


def test_records_below_the_position_are_dropped() -> None:
    records = [SimpleNamespace(offset=offset) for offset in (3, 4, 5)]

    assert [record.offset for record in from_position(records, 5)] == [5]
    assert from_position(records, 3) is records
    assert from_position([], 3) == []


def test_every_promise_of_the_lane_names_a_test() -> None:
    assert all(path.startswith("tests/") for path in PROMISES.values())
