"""Make records durable before they are acknowledged: in Kafka, or in the spool while Kafka is unavailable."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from assay_services.engine import metrics
from assay_services.engine.critical_tasks import start_essential
from assay_services.engine.kafka import NoKafkaError, make_producer
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.gateway.core.annotation_bodies import OutgoingRecord
from assay_services.gateway.spool import Spool

_PATIENCE_SECONDS = 0.3
"""How long a request waits for Kafka before its records go to the spool: well below the timeouts of platforms."""

_DRAIN_AT_ONCE = 1_000
_DRAIN_SECONDS = 10.0
_PAUSE_SECONDS = 0.5
_NO_KAFKA = (KafkaError, NoKafkaError, OSError, TimeoutError)

log = get_logger("gateway")


class OverloadedError(Exception):
    """Neither Kafka nor the spool can accept more records now; the sender may retry later."""


class Publisher:
    """Publish records: they are durable when `publish` returns.

    While Kafka is unavailable, all records go to the spool, and continue to until the spool is drained, which keeps
    their order of arrival. A record may reach Kafka twice (sent late, and spooled); the second copy has the same id and
    is counted as superseded downstream.
    """

    def __init__(self, settings: RuntimeSettings, spool: Spool) -> None:
        """Publish to the Kafka of `settings`; `spool` may hold records of an earlier run."""
        self._settings = settings
        self._spool = spool
        self._disk = asyncio.Lock()
        self._waiting: list[tuple[Sequence[OutgoingRecord], asyncio.Future[None]]] = []
        self._to_write, self._to_drain = asyncio.Event(), asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.kafka_is_there = False

    async def start(self) -> None:
        """Start connecting to Kafka, which may be unavailable."""
        self._tasks = [
            start_essential(self._write_for_all(), name="spool"),
            start_essential(self._keep_draining(), name="drain"),
        ]
        self._measure()

    async def stop(self) -> None:
        """Disconnect from Kafka; spooled records stay for the next run."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._forget_producer()

    async def publish(self, rows: Sequence[OutgoingRecord]) -> None:
        """Return when these records are durable; raise OverloadedError if they cannot be made durable."""
        if not rows:
            return
        if self._producer is not None and self.kafka_is_there:
            try:
                await self._send(self._producer, rows, _PATIENCE_SECONDS)
            except _NO_KAFKA as error:
                self._lost_kafka(error)
            else:
                metrics.GATEWAY_RECORDS.labels("kafka").inc(len(rows))
                return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, done))
        self._to_write.set()
        await done
        metrics.GATEWAY_RECORDS.labels("spool").inc(len(rows))

    async def _send(self, producer: AIOKafkaProducer, rows: Sequence[OutgoingRecord], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            sent = [
                await producer.send(
                    self._settings.prefix + row.topic, key=row.key, value=row.value, headers=_headers(row.headers)
                )
                for row in rows
            ]
            await asyncio.gather(*sent)

    async def _write_for_all(self) -> None:
        """Spool the waiting records of all requests with one flush to disk."""
        while True:
            await self._to_write.wait()
            self._to_write.clear()
            waiting, self._waiting = self._waiting, []
            async with self._disk:
                try:
                    kept = await asyncio.to_thread(self._spool.append, [rows for rows, _ in waiting])
                except sqlite3.Error as error:
                    log.error("spool_unwritable", error=str(error))
                    kept = [False] * len(waiting)
            for (_, done), fits in zip(waiting, kept, strict=True):
                if done.cancelled():  # its client has disconnected; spooled records stay
                    continue
                if fits:
                    done.set_result(None)
                else:
                    done.set_exception(OverloadedError("Kafka is away and the spool takes no more"))
            self._measure()
            self._to_drain.set()

    async def _keep_draining(self) -> None:
        """Connect to Kafka if it is unavailable; publish the spool; then wait for more work."""
        while True:
            try:
                if self._producer is None:
                    self._producer = await self._connected()
                while self._spool.count:
                    await self._drain(self._producer)
            except _NO_KAFKA as error:
                self._lost_kafka(error)
                await self._forget_producer()
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if not self.kafka_is_there:
                log.info("kafka_is_there")
            self.kafka_is_there = True
            self._measure()
            await self._to_drain.wait()
            self._to_drain.clear()
            if not self.kafka_is_there:
                await self._forget_producer()

    async def _drain(self, producer: AIOKafkaProducer) -> None:
        async with self._disk:
            rows = await asyncio.to_thread(self._spool.oldest, _DRAIN_AT_ONCE)
        await self._send(producer, [row for _, row in rows], _DRAIN_SECONDS)
        async with self._disk:
            await asyncio.to_thread(self._spool.drop, rows)
        metrics.GATEWAY_RECORDS.labels("drained").inc(len(rows))
        self._measure()

    async def _connected(self) -> AIOKafkaProducer:
        async with asyncio.timeout(_DRAIN_SECONDS):
            await ensure_topics(self._settings)
        producer = make_producer(self._settings)
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _forget_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(*_NO_KAFKA):
                async with asyncio.timeout(_PAUSE_SECONDS):
                    await producer.stop()

    def _lost_kafka(self, error: BaseException) -> None:
        if self.kafka_is_there:
            log.warning("kafka_is_away", error=repr(error), spooled=self._spool.count)
        self.kafka_is_there = False
        self._measure()
        self._to_drain.set()

    def _measure(self) -> None:
        metrics.SPOOLED_RECORDS.set(self._spool.count)
        metrics.SPOOLED_BYTES.set(self._spool.bytes)
        metrics.KAFKA_IS_THERE.set(self.kafka_is_there)


def _headers(text: str) -> list[tuple[str, bytes]]:
    return [(str(name), str(value).encode()) for name, value in orjson.loads(text)]
