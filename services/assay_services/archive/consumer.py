"""The archive's consumer: poll, plan, write. Offsets are in the database; the group only assigns partitions."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from assay_services.archive.core.erasure_filter import Forgotten
from assay_services.archive.core.plan import Fetched, TransactionPlan, halves, plan, refuse
from assay_services.archive.core.registry import ARCHIVED
from assay_services.archive.settings import ArchiveSettings
from assay_services.archive.store import ArchivePartition, Overtaken, Ready, Store
from assay_services.engine import metrics
from assay_services.engine.kafka import cluster_id, from_position, make_member, retrying
from assay_services.engine.logs import get_logger
from assay_services.erasure.archive import purge
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.archive.schema_upgrade import upgrade
from assay_services.stores.archive.transactions import DatabaseAway, RowsRefused

_POLL_MS = 500
_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 5.0

_LATEST = 2
"""The oldest record on a topic is at most this multiple of its retention old."""

T = TypeVar("T")
log = get_logger("archive")


class ArchiveConsumer(Service):
    """Writes the topics to the database, for the partitions that the group assigns to this process."""

    def __init__(self, settings: ArchiveSettings, **kwargs: Any) -> None:  # noqa: ANN401  # mode's own options
        """Configure the consumer; nothing is opened yet."""
        super().__init__(**kwargs)
        self._settings = settings
        self._engine = open_engine(settings.database_url)
        self._store = Store(self._engine)
        self._source = 0
        self._consumer: AIOKafkaConsumer | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._forgotten = Forgotten()
        self._writing: asyncio.Task[None] | None = None
        self._unplaced: set[TopicPartition] = set()
        self._assigned = False

    @property
    def is_ready(self) -> bool:
        """Return whether every assigned partition is being read from its offset in the database."""
        return self._assigned and not self._unplaced

    async def on_stop(self) -> None:
        """Finish the write in progress, then leave the group."""
        with suppress(DatabaseAway):  # neither rows nor offsets were written
            await self._finish()
        if self._consumer is not None:
            await self._consumer.stop()
        self._engine.dispose()

    def give(self, partitions: Iterable[TopicPartition]) -> None:
        """Start on partitions; they are read once their offsets are known."""
        self._assigned = True
        given = list(partitions)
        if given:
            self.consumer.pause(*given)
        self._unplaced.update(given)

    def revoke(self, partitions: Iterable[TopicPartition]) -> None:
        """Stop reading partitions."""
        for tp in partitions:
            self._unplaced.discard(tp)
            self._positions.pop(tp, None)

    @property
    def consumer(self) -> AIOKafkaConsumer:
        """Return the consumer; the service must have been started."""
        if self._consumer is None:
            raise RuntimeError("the archive was not started")
        return self._consumer

    @Service.task
    async def _work(self) -> None:
        try:
            await self._begin()
            while not self.should_stop:
                await self._turn()
        except Exception as error:  # any error stops the worker
            log.exception("archive_failed")
            await self.crash(error)

    async def _begin(self) -> None:
        await self._patiently(lambda: upgrade(self._engine))
        long_ago = datetime.now(UTC) - _LATEST * timedelta(hours=self._settings.retention_hours)
        await self._patiently(lambda: purge(self._engine, before=long_ago))
        cluster = await cluster_id(self._settings)
        self._source = await self._patiently(lambda: self._store.source(cluster, self._settings.prefix))
        consumer = make_member(self._settings, "assay.archive")
        consumer.subscribe([self._settings.prefix + topic for topic in ARCHIVED], listener=_ArchiveRebalance(self))
        self._consumer = consumer
        await retrying(consumer.start, patience=self._settings.patience_seconds)

    async def _turn(self) -> None:
        """Poll and plan once while the previous plan is being written; then start to write the new one."""
        try:
            if self._unplaced:
                await self._finish()
                await self._place()
            found = await self.consumer.getmany(timeout_ms=_POLL_MS, max_records=self._settings.archive_batch)
        except (KafkaError, OSError) as error:
            log.warning("kafka_is_away", error=repr(error))
            await self.sleep(_BACKOFF_SECONDS)
            return
        fetched = self._fetched(found)
        if not fetched:
            await self._finish()
            return
        ready = await asyncio.to_thread(self._ready, fetched, self._forgotten)
        await self._finish()
        if not self._unplaced:  # otherwise it would read from the wrong offset
            self._advance(fetched)
            self._writing = asyncio.create_task(self._write(fetched, ready), name="archive-writes")

    async def _finish(self) -> None:
        """Wait for the write in progress."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    async def _place(self) -> None:
        """Seek to the offsets in the database."""
        waiting = {tp: self._partition(tp) for tp in self._unplaced}
        positions = await self._patiently(lambda: self._store.positions(self._source, waiting.values()))
        firsts = await self.consumer.beginning_offsets(list(waiting))
        for tp, partition in waiting.items():
            if tp not in self._unplaced:
                continue  # it was revoked meanwhile
            position = positions[partition]
            if 0 < position < firsts[tp]:
                log.error("records_lost_to_retention", topic=tp.topic, partition=tp.partition, at=position)
            self.consumer.seek(tp, max(position, firsts[tp]))
            self.consumer.resume(tp)
            self._positions[tp] = position
            self._unplaced.discard(tp)
        log.info("partitions_ready", count=len(self._positions), source=self._source)

    def _fetched(self, found: Mapping[TopicPartition, Sequence[Any]]) -> list[Fetched]:
        fetched: list[Fetched] = []
        for tp, records in found.items():
            position = self._positions.get(tp)
            rest = () if position is None else from_position(records, position)
            if position is not None and rest:
                topic, number = self._partition(tp)
                fetched.append(Fetched(topic, number, position, rest))
        return fetched

    def _advance(self, fetched: Sequence[Fetched]) -> None:
        for one in fetched:
            tp = TopicPartition(self._settings.prefix + one.topic, one.partition)
            if tp in self._positions:
                self._positions[tp] = one.records[-1].offset + 1

    def _ready(self, fetched: Sequence[Fetched], forgotten: Forgotten) -> Ready:
        again = partial(self._plan, fetched)
        return Ready(again(forgotten), forgotten, again)

    def _plan(self, fetched: Sequence[Fetched], forgotten: Forgotten) -> TransactionPlan:
        return plan(fetched, source=self._source, readers=ARCHIVED, forgotten=forgotten)

    async def _write(self, fetched: Sequence[Fetched], ready: Ready) -> None:
        """Write what was fetched; if the database refuses a row, isolate its record and write the rest."""
        began = time.perf_counter()
        try:
            written = await self._patiently(lambda: self._store.write(self._source, ready))
        except Overtaken as error:
            log.info("overtaken", what=str(error))
            metrics.ARCHIVE_RETRIES.labels("overtaken").inc()
            self.give(list(self._positions))
        except RowsRefused as error:
            await self._write_around(fetched, str(error))
        else:
            self._forgotten = written.forgotten
            self._count(written.plan, time.perf_counter() - began)

    async def _write_around(self, fetched: Sequence[Fetched], reason: str) -> None:
        if sum(len(one.records) for one in fetched) > 1:
            for half in halves(fetched):
                await self._write(half, self._ready(half, self._forgotten))
            return
        log.warning("record_refused", topic=fetched[0].topic, reason=reason)
        refused = refuse(fetched[0], source=self._source, reason=reason)
        await self._write(fetched, Ready(refused, self._forgotten, lambda _: refused))

    def _count(self, written: TransactionPlan, seconds: float) -> None:
        for one in written.advances:
            tp = TopicPartition(self._settings.prefix + one.topic, one.partition)
            metrics.EVENTS_IN.labels("archive").inc(one.records)
            metrics.ARCHIVE_UNREADABLE.labels(one.topic).inc(one.unreadable)
            high = self.consumer.highwater(tp) if tp in self._positions else None
            if high is not None:
                metrics.LAG.labels("archive", f"{one.topic}/{one.partition}").set(max(0, high - one.after))
        metrics.BATCH_EVENTS.labels("archive").observe(sum(one.records for one in written.advances))
        metrics.TRANSACTION_SECONDS.labels("archive").observe(seconds)

    async def _patiently(self, work: Callable[[], T]) -> T:
        """Run a database call in a worker thread, and retry while the database is unavailable."""
        since, pause = time.monotonic(), _BACKOFF_SECONDS
        while True:
            try:
                return await asyncio.to_thread(work)
            except DatabaseAway as error:
                if self.should_stop or time.monotonic() - since > self._settings.patience_seconds:
                    raise
                metrics.ARCHIVE_RETRIES.labels("away").inc()
                log.warning("database_is_away", error=str(error))
            await self.sleep(pause)
            pause = min(pause * 2, _LONGEST_BACKOFF_SECONDS)

    def _partition(self, tp: TopicPartition) -> ArchivePartition:
        return ArchivePartition(tp.topic.removeprefix(self._settings.prefix), tp.partition)


class _ArchiveRebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    def __init__(self, archivist: ArchiveConsumer) -> None:
        self._archivist = archivist

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._archivist.revoke(revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._archivist.give(assigned)
