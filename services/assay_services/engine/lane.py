"""The lane: record batch -> step -> one Kafka transaction with outputs, state and position.

`tests/guarantees.py` lists what it guarantees, each with its test; the README explains the design.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError, MessageSizeTooLargeError
from mode import Service

from assay_schemas.annotation import ProjectId
from assay_services.engine import metrics
from assay_services.engine.core.core_api import Core
from assay_services.engine.core.isolation import MOST_BYTES, IsolatedCore, Live, ProjectOf
from assay_services.engine.core.ledger import ParkedProject
from assay_services.engine.core.state import PartitionState
from assay_services.engine.kafka import (
    FENCED,
    from_position,
    make_member,
    make_producer,
    retrying,
    silence_fenced_futures,
    stop_quietly,
)
from assay_services.engine.lane_partition import LaneOrigin, LanePartition, LaneTopics
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import restore

_POLL_MS = 500
_BACKOFF_SECONDS = 1.0
_LEAST_BYTES = 100_000

log = get_logger("lane")


@dataclass(frozen=True, slots=True)
class LaneCore:
    """How a lane gets its cores.

    `make` builds one from a partition's number and restored state, for the projects that it works on. `projects` are
    those in force by name, and `project_of` returns the project of an input record.
    """

    make: Callable[[int, PartitionState, Live], Core]
    projects: Mapping[ProjectId, Any]
    project_of: ProjectOf


class Lane(Service):
    """Run a core over every partition that the consumer group assigns to this process."""

    def __init__(
        self,
        core: LaneCore,
        *,
        service: str,
        topics: LaneTopics,
        settings: RuntimeSettings,
        before: Callable[[], Awaitable[None]] | None = None,
        **kwargs: Any,  # noqa: ANN401  # mode's own options
    ) -> None:
        """Run a core over every partition, built at every assignment.

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
        self._set_aside: dict[int, LanePartition] = {}
        self._failing_since: dict[int, float] = {}
        """When Kafka began to fail for a partition (s, monotonic); a good batch ends it."""
        self._most_bytes: dict[int, int] = {}
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
        await self._drop_set_aside(())
        if self._consumer is not None:
            await self._consumer.stop()

    async def assign(self, numbers: Iterable[int]) -> None:
        """Start work on these partitions; what was set aside of others is dropped."""
        self._assigned = True
        numbers = list(numbers)
        await self._drop_set_aside(numbers)
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
        while number not in self._stopping:
            try:
                partition = self._set_aside.pop(number, None) or await self._open(number)
                await self._work(partition)
            except ConsumerStoppedError:
                return
            except FENCED:
                await self._pause(number, "fenced")
            except MessageSizeTooLargeError as error:
                # The topic takes less than we write: find the project whose record is too large, and park it.
                self._most_bytes[number] = max(_LEAST_BYTES, self._most_bytes.get(number, MOST_BYTES) // 2)
                log.warning("record_too_large", partition=number, largest=self._most_bytes[number], error=repr(error))
                await self._pause(number, "too-large")
            except (KafkaError, OSError, TimeoutError) as error:
                since = self._failing_since.setdefault(number, time.monotonic())
                if time.monotonic() - since > self._settings.patience_seconds:
                    await self.crash(error)
                    return
                log.warning("kafka_trouble", partition=number, error=repr(error))
                await self._pause(number, "kafka")
            except Exception as error:  # any other error is a bug and stops the worker
                log.exception("step_failed", partition=number)
                await self.crash(error)
                return

    async def _drop_set_aside(self, wanted: Collection[int]) -> None:
        """Release the state and producer of partitions that went to another worker; keep those in `wanted`."""
        for number in [number for number in self._set_aside if number not in wanted]:
            await stop_quietly(self._set_aside.pop(number).producer)

    async def _pause(self, number: int, cause: str) -> None:
        """Wait before the partition is opened again, which gives a zombie time to learn that it lost the partition."""
        metrics.LANE_RESTARTS.labels(self._service, cause).inc()
        log.info("partition_restarts", partition=number, cause=cause)
        self.ready_partitions.discard(number)
        wait = self._settings.session_timeout_seconds / 2 if cause == "fenced" else _BACKOFF_SECONDS
        for _ in range(int(wait * 10)):
            if number in self._stopping:
                return
            await asyncio.sleep(0.1)

    async def _open(self, number: int) -> LanePartition:
        """Fence the previous owner, then restore the state: in this order, nobody can change it during the restore."""
        producer = make_producer(
            self._settings, transactional_id=f"assay.{self._service}.{self._topics.source}.{number}"
        )
        await producer.start()
        try:
            state, ledger = await restore(self._settings, self._topics.state, number)
            core = self._isolated(number, state, {} if ledger is None else ledger.parked)
        except BaseException:
            await stop_quietly(producer)
            raise
        origin = LaneOrigin(self._service, self._topics, self._settings)
        return LanePartition(origin, number, producer, state, ledger, core)

    def _isolated(self, number: int, state: PartitionState, parked: Mapping[ProjectId, ParkedProject]) -> IsolatedCore:
        return IsolatedCore(
            lambda live: self._core.make(number, state, live),
            self._core.projects,
            self._core.project_of,
            parked=parked,
            most_bytes=self._most_bytes.get(number, MOST_BYTES),
        )

    async def _work(self, partition: LanePartition) -> None:
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
                    await partition.advance(batch, high=self.consumer.highwater(tp))
                    position = batch[-1].offset + 1
                elif partition.core.to_resume is None and await self._is_caught_up(tp):
                    await partition.rest(position)
                if (parked := partition.core.to_resume) is not None:
                    await partition.resume(parked, is_stopping=lambda: number in self._stopping)
                self._failing_since.pop(number, None)
        except BaseException:
            await stop_quietly(partition.producer)
            raise
        self._set_aside[number] = partition

    async def _seek(self, tp: TopicPartition, partition: LanePartition) -> int:
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

    async def _is_caught_up(self, tp: TopicPartition) -> bool:
        """Return whether the topic has no record that was not read.

        Only then is this moment's time comparable with that of records: a backlog may be hours old.
        """
        high = self.consumer.highwater(tp)
        return high is not None and await self.consumer.position(tp) >= high


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
