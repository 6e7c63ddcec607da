"""Outbox of decisions: stored in the control database until Kafka has acknowledged them."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from assay_schemas.topics import ANNOTATIONS
from assay_services.console.reviews.decisions import Decisions, events_of
from assay_services.engine.critical_tasks import start_essential
from assay_services.engine.kafka import NoKafkaError, make_producer
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics

_PAUSE_SECONDS = 1.0
_NO_KAFKA = (KafkaError, NoKafkaError, OSError, TimeoutError)

log = get_logger("console")


class ReviewOutbox:
    """Publish decisions as soon as they are made. `problem` is why Kafka does not accept them, or None.

    If the console is killed between Kafka's acknowledgement and its record of it, a decision is sent twice. The second
    event has the same id and is superseded downstream.
    """

    def __init__(self, settings: RuntimeSettings, decisions: Decisions) -> None:
        """Create the outbox; `start` begins to send."""
        self._settings = settings
        self._decisions = decisions
        self._news = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = None

    async def start(self) -> None:
        """Start sending; Kafka may be down."""
        self._task = start_essential(self._keep_sending(), name="outbox")

    async def stop(self) -> None:
        """Stop; unpublished decisions stay for the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._close_producer()

    def wake(self) -> None:
        """Signal that a decision was made or undone."""
        self._news.set()

    async def _keep_sending(self) -> None:
        while True:
            self._news.clear()
            try:
                while await self._send_some():
                    pass
                self.problem = None
            except _NO_KAFKA as error:
                self.problem = str(error)
                log.warning("kafka_unavailable", waiting=self._decisions.count_unpublished(), reason=str(error))
                await self._close_producer()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _PAUSE_SECONDS)

    async def _send_some(self) -> bool:
        decisions = await asyncio.to_thread(self._decisions.unpublished)
        if not decisions:
            return False
        producer = await self._connected()
        for event in (event for decision in decisions for event in events_of(decision)):
            raw = event.model_dump_json(exclude_none=True).encode()
            await producer.send_and_wait(self._settings.prefix + ANNOTATIONS.name, raw, key=event.partition_key)
        await asyncio.to_thread(self._decisions.note_published, decisions, now=datetime.now(UTC))
        return True

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            await ensure_topics(self._settings, [ANNOTATIONS])
            producer = make_producer(self._settings)
            await producer.start()
            self._producer = producer
        return self._producer

    async def _close_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(*_NO_KAFKA):
                await producer.stop()
