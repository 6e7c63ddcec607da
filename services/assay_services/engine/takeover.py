"""Change a partition's state from outside, with the lane's own transactional producer, as another worker would.

Starting that producer fences the partition's owner: from then on only this process can change the state or publish
from it. The next transaction of the running lane fails, and the lane restores the state again. A change from outside is
therefore as safe as a partition that moves from one worker to another.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from assay_schemas.errors import AssayUserError
from assay_services.engine.core.erasure_request import Erasure, Published
from assay_services.engine.core.state import PartitionState
from assay_services.engine.kafka import (
    FENCED,
    TransactionLostError,
    commit,
    make_producer,
    partition_reader,
    silence_fenced_futures,
    stop_quietly,
)
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import restore, state_records

_TRIES = 5

log = get_logger("takeover")


class StateContestedError(AssayUserError):
    """The state could not be changed: the running worker took the partition back first, at every attempt."""


@dataclass(frozen=True, slots=True)
class LaneDescriptor:
    """One lane: its service, its source topic, its state topic, and its compacted output topics."""

    service: str
    source: str
    state: str
    published: Sequence[str] = ()


Decide = Callable[[PartitionState, Published], Erasure]


async def read_lane(settings: RuntimeSettings, held: LaneDescriptor, number: int, decide: Decide) -> Erasure:
    """Return what would change in one partition, without changing it."""
    state, _ = await restore(settings, held.state, number)
    return decide(state, await _published(settings, held, number))


async def take_over(settings: RuntimeSettings, held: LaneDescriptor, number: int, decide: Decide) -> Erasure:
    """Change one partition in one transaction; raise StateContestedError if its worker always takes it back first."""
    silence_fenced_futures(asyncio.get_running_loop())
    for _ in range(_TRIES):
        try:
            return await _change(settings, held, number, decide)
        except (*FENCED, TransactionLostError):
            log.info("taken_back", service=held.service, partition=number)
    raise StateContestedError(
        f"the {held.service} took partition {number} back {_TRIES} times; stop it for a moment, and do this again"
    )


async def _change(settings: RuntimeSettings, held: LaneDescriptor, number: int, decide: Decide) -> Erasure:
    producer = make_producer(settings, transactional_id=f"assay.{held.service}.{held.source}.{number}")
    await producer.start()
    try:
        state, ledger = await restore(settings, held.state, number)
        change = decide(state, await _published(settings, held, number))
        if change and ledger is not None:
            records = (change.outputs, state_records(held.state, change.stored, ledger))
            await commit(producer, number, records, prefix=settings.prefix)
        return change
    finally:
        await stop_quietly(producer)


async def _published(settings: RuntimeSettings, held: LaneDescriptor, number: int) -> Published:
    return {topic: await _newest(settings, topic, number) for topic in held.published}


async def _newest(settings: RuntimeSettings, topic: str, number: int) -> Mapping[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    async with partition_reader(settings, topic, number) as reader:
        async for batch in reader.batches():
            for record in batch:
                found.pop(record.key, None)
                if record.value is not None:
                    found[record.key] = record.value
    return found
