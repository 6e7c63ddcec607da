"""The lane: record batch -> step -> one Kafka transaction with outputs, state and position.

`tests/guarantees.py` lists what it guarantees, each with its test; the README explains the design.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaError,
)
from mode import Service

from assay_schemas.topics import SINGLE
from assay_services.engine import metrics
from assay_services.engine.core.core_api import Core, NotYet, Step
from assay_services.engine.core.ledger import Ledger
from assay_services.engine.core.state import PartitionState, stored_changes
from assay_services.engine.kafka import (
    FENCED,
    commit,
    from_position,
    make_member,
    make_producer,
    retrying,
    silence_fenced_futures,
    stop_quietly,
)
from assay_services.engine.logs import get_logger
from assay_services.engine.metrics import BatchTimes, count_batch
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import restore, state_records

_POLL_MS = 500
_FIRST_LIMIT = 64
_LONG_STEP_SECONDS = 0.1
_BACKOFF_SECONDS = 1.0
_NOT_YET_SECONDS = 1.0

log = get_logger("lane")


@dataclass(frozen=True, slots=True)
class LaneTopics:
    """The topic that a lane reads and its state topic, both without prefix."""

    source: str
    state: str


@dataclass(slots=True)
class _LanePartition:
    """One assigned partition: its producer, its state, its ledger, its core and its current batch limit."""

    number: int
    producer: AIOKafkaProducer
    state: PartitionState
    ledger: Ledger | None
    core: Core
    limit: int = _FIRST_LIMIT


class Lane(Service):
    """Run a core over every partition that the consumer group assigns to this process."""

    def __init__(
        self,
        core: Callable[[int, PartitionState], Core],
        *,
        service: str,
        topics: LaneTopics,
        settings: RuntimeSettings,
        before: Callable[[], Awaitable[None]] | None = None,
        **kwargs: Any,  # noqa: ANN401  # mode's own options
    ) -> None:
        """Run the core that `core` builds from a partition's number and restored state, at every assignment.

        `service` names the consumer group and the transactional ids. `before` is awaited before this process reads its
        first batch.
        """
        super().__init__(**kwargs)
        self._core = core
        self._service = service
        self._topics = topics
        self._settings = settings
        self._before = before
        self._source = settings.prefix + topics.source
        self._consumer: AIOKafkaConsumer | None = None
        self._working: dict[int, asyncio.Task[None]] = {}
        self._parked: dict[int, _LanePartition] = {}
        self._polls: dict[int, asyncio.Task[Any]] = {}
        self._stopping: set[int] = set()
        self._assigned = False
        self.ready_partitions: set[int] = set()

    async def on_start(self) -> None:
        """Join the consumer group."""
        silence_fenced_futures(asyncio.get_running_loop())
        if self._before is not None:
            await self._before()
        consumer = make_member(self._settings, f"assay.{self._service}")
        consumer.subscribe([self._source], listener=_LaneRebalance(self))
        self._consumer = consumer
        await retrying(consumer.start, patience=self._settings.patience_seconds)

    async def on_stop(self) -> None:
        """Finish the transaction in flight, then leave the group."""
        await self.release(list(self._working))
        for partition in self._parked.values():
            await stop_quietly(partition.producer)
        if self._consumer is not None:
            await self._consumer.stop()

    async def assign(self, numbers: Iterable[int]) -> None:
        """Start work on these partitions."""
        self._assigned = True
        for number in numbers:
            self._stopping.discard(number)
            self.consumer.pause(TopicPartition(self._source, number))
            self._working[number] = asyncio.create_task(self._guard(number), name=f"{self._service}-{number}")

    async def release(self, numbers: Iterable[int]) -> None:
        """Stop work on these partitions once the transaction in flight has ended."""
        leaving = [number for number in numbers if number in self._working]
        self._stopping.update(leaving)
        for number in leaving:
            # A poll waits for the rebalance to end, and the rebalance waits for this partition: cancel the poll.
            if number in self._polls:
                self._polls[number].cancel()
        await asyncio.gather(*(self._working.pop(number) for number in leaving), return_exceptions=True)
        self.ready_partitions.difference_update(leaving)

    @property
    def is_ready(self) -> bool:
        """Return whether every partition assigned to this process is being read."""
        return self._assigned and self.ready_partitions >= self._working.keys()

    @property
    def consumer(self) -> AIOKafkaConsumer:
        """Return the consumer; the lane must have been started."""
        if self._consumer is None:
            raise RuntimeError("the lane was not started")
        return self._consumer

    async def _guard(self, number: int) -> None:
        """Work on a partition while it is assigned to us. Kafka errors are retried; other errors crash the worker."""
        failed_since: float | None = None
        while number not in self._stopping:
            try:
                partition = self._parked.pop(number, None) or await self._open(number)
                await self._work(partition)
            except ConsumerStoppedError:
                return
            except FENCED:
                await self._pause(number, "fenced")
            except (KafkaError, OSError, TimeoutError) as error:
                failed_since = failed_since or time.monotonic()
                if time.monotonic() - failed_since > self._settings.patience_seconds:
                    await self.crash(error)
                    return
                log.warning("kafka_trouble", partition=number, error=repr(error))
                await self._pause(number, "kafka")
            except Exception as error:  # any other error is a bug and stops the worker
                log.exception("step_failed", partition=number)
                await self.crash(error)
                return
            else:
                failed_since = None

    async def _pause(self, number: int, cause: str) -> None:
        """Wait before the partition is opened again, which gives a zombie time to learn that it lost the partition."""
        metrics.LANE_RESTARTS.labels(self._service, cause).inc()
        log.info("partition_restarts", partition=number, cause=cause)
        self.ready_partitions.discard(number)
        wait = _BACKOFF_SECONDS if cause == "kafka" else self._settings.session_timeout_seconds / 2
        for _ in range(int(wait * 10)):
            if number in self._stopping:
                return
            await asyncio.sleep(0.1)

    async def _open(self, number: int) -> _LanePartition:
        """Fence the previous owner, then restore the state: in this order, nobody can change it during the restore."""
        producer = make_producer(
            self._settings, transactional_id=f"assay.{self._service}.{self._topics.source}.{number}"
        )
        await producer.start()
        try:
            state, ledger = await restore(self._settings, self._topics.state, number)
        except BaseException:
            await stop_quietly(producer)
            raise
        return _LanePartition(number, producer, state, ledger, self._core(number, state))

    async def _work(self, partition: _LanePartition) -> None:
        number = partition.number
        tp = TopicPartition(self._source, number)
        try:
            position = await self._seek(tp, partition)
            self.ready_partitions.add(number)
            while number not in self._stopping:
                batch = await self._poll(tp, position, partition.limit)
                if number in self._stopping:
                    break
                if batch:
                    await self._advance(partition, batch)
                    position = batch[-1].offset + 1
                else:
                    await self._wait_for_records(partition, position)
        except BaseException:
            await stop_quietly(partition.producer)
            raise
        self._parked[number] = partition

    async def _seek(self, tp: TopicPartition, partition: _LanePartition) -> int:
        first = (await self.consumer.beginning_offsets([tp]))[tp]
        position = first if partition.ledger is None else partition.ledger.position
        if position < first:
            log.error("events_lost_to_retention", partition=tp.partition, lost=first - position)
            position = first
        self.consumer.seek(tp, position)
        self.consumer.resume(tp)
        log.info("partition_ready", partition=tp.partition, position=position, state_keys=len(partition.state))
        return int(position)

    async def _poll(self, tp: TopicPartition, position: int, limit: int) -> Sequence[Any]:
        polling = asyncio.ensure_future(self.consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=limit))
        self._polls[tp.partition] = polling
        try:
            fetched = await polling
        except asyncio.CancelledError:
            if tp.partition not in self._stopping:
                raise
            return []
        finally:
            del self._polls[tp.partition]
        return from_position(fetched.get(tp, []), position)

    async def _advance(self, partition: _LanePartition, batch: Sequence[Any]) -> None:
        """Step the core over one batch and commit the result; only then change the state in memory."""
        began = time.perf_counter()
        step = await self._decide(partition, batch)
        decided = time.perf_counter()
        if sum(step.verdicts.values()) != len(batch):
            raise RuntimeError(f"{len(batch)} records have the outcomes {step.verdicts}: the ledger does not balance")
        ledger = (partition.ledger or Ledger(0)).after(batch[-1].offset + 1, step.verdicts)
        await self._commit(partition, step, ledger)
        seconds = time.perf_counter() - decided
        done = BatchTimes(self._service, partition.number, len(batch), decided - began, seconds)
        count_batch(done, step, state_keys=len(partition.state), lag=self._lag(partition))
        if decided - began > _LONG_STEP_SECONDS:
            partition.limit = max(_FIRST_LIMIT, partition.limit // 2)
        elif len(batch) >= partition.limit:
            partition.limit = min(self._settings.largest_batch, partition.limit * 2)

    async def _decide(self, partition: _LanePartition, batch: Sequence[Any]) -> Step:
        try:
            return partition.core.step(partition.state, batch)
        except NotYet as error:
            log.info("waiting", partition=partition.number, wanted=str(error))
            await asyncio.sleep(_NOT_YET_SECONDS)
            return partition.core.step(partition.state, batch)

    async def _wait_for_records(self, partition: _LanePartition, position: int) -> None:
        """Run the core's idle step while no records arrive. The ledger does not change because none is consumed."""
        step = partition.core.idle(time.time_ns() // 1_000_000)
        if step is not None:
            await self._commit(partition, step, partition.ledger or Ledger(position))

    def _lag(self, partition: _LanePartition) -> int | None:
        high = self.consumer.highwater(TopicPartition(self._source, partition.number))
        return None if high is None or partition.ledger is None else max(0, high - partition.ledger.position)

    async def _commit(self, partition: _LanePartition, step: Step, ledger: Ledger) -> None:
        stored = stored_changes(step.changes)
        records = (step.outputs, state_records(self._topics.state, stored, ledger))
        await commit(partition.producer, partition.number, records, prefix=self._settings.prefix, single=SINGLE)
        partition.state.apply_stored(stored)
        partition.ledger = ledger


class _LaneRebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride]  # it may be either
        self, revoked: Iterable[TopicPartition]
    ) -> None:
        await self._lane.release([tp.partition for tp in revoked])

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride]  # it may be either
        self, assigned: Iterable[TopicPartition]
    ) -> None:
        await self._lane.assign([tp.partition for tp in assigned])
