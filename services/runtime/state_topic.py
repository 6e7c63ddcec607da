"""The state topic of a service: how state and ledger lie on it, and how they are read back."""

import asyncio
from collections.abc import Iterable

from aiokafka import TopicPartition

from services.runtime.kafka import make_consumer
from services.runtime.ledger import Ledger, load_ledger
from services.runtime.settings import RuntimeSettings
from services.runtime.state import PartitionState, stored_form
from services.runtime.step import Output, Step

LEDGER_KEY = b"@ledger"
ENTRY_PREFIX = b"="


def state_records(topic: str, step: Step, ledger: Ledger) -> Iterable[Output]:
    """Yield the records that a step adds to the state topic; the ledger is always among them."""
    for key, entry in step.changes.items():
        yield Output(topic, ENTRY_PREFIX + key, None if entry is None else stored_form(entry), [])
    yield Output(topic, LEDGER_KEY, ledger.dump(), [])


async def restore(settings: RuntimeSettings, topic: str, number: int) -> tuple[PartitionState, Ledger | None]:
    """Read one partition of a state topic to its end; return the state, and the ledger if there is one yet."""
    tp = TopicPartition(settings.prefix + topic, number)
    consumer = make_consumer(settings, fetch_max_wait_ms=20)
    consumer.assign([tp])
    state, ledger = PartitionState(), None
    await consumer.start()
    try:
        end = (await consumer.end_offsets([tp]))[tp]
        await consumer.seek_to_beginning(tp)
        while await consumer.position(tp) < end:
            for record in (await consumer.getmany(tp, timeout_ms=200, max_records=10_000)).get(tp, []):
                if record.key == LEDGER_KEY:
                    ledger = load_ledger(record.value)
                else:
                    state.load(record.key[len(ENTRY_PREFIX) :], record.value)
            await asyncio.sleep(0)
    finally:
        await consumer.stop()
    return state, ledger
