"""Follow whole compacted topics without a consumer group: every record of every partition, from the beginning."""

import asyncio
from collections.abc import Callable, Mapping

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from assay_schemas.topics import Topic
from assay_services.engine.kafka import make_consumer
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings

_POLL_MS = 250
_MOST_RECORDS = 5_000
_PAUSE_SECONDS = 1.0

Receive = Callable[[bytes, bytes | None], None]
"""Takes one record: its key, and its value (None: the key was deleted)."""


class TopicFollower(Service):
    """Pass every record of some compacted topics to their receivers, for ever. A broken connection is retried."""

    def __init__(
        self, settings: RuntimeSettings, receivers: Mapping[Topic, Receive], *, name: str, fetch_wait_ms: int = 500
    ) -> None:
        """`name` names the log; `fetch_wait_ms`: how long Kafka may wait for more records before it answers."""
        super().__init__()
        self._settings = settings
        self._receivers = {settings.prefix + topic.name: receive for topic, receive in receivers.items()}
        self._partitions = [
            TopicPartition(settings.prefix + topic.name, number)
            for topic in receivers
            for number in range(1 if topic.single else settings.partitions)
        ]
        self._name = name
        self._fetch_wait_ms = fetch_wait_ms
        self._complete = asyncio.Event()
        self._log = get_logger(name)

    async def read_all(self) -> None:
        """Wait until every record that was on the topics at the start has been received."""
        await self._complete.wait()

    @Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                self._log.warning(f"{self._name}_unreadable", error=repr(error))
                await self.sleep(_PAUSE_SECONDS)

    async def _read(self) -> None:
        consumer = make_consumer(self._settings, fetch_max_wait_ms=self._fetch_wait_ms)
        consumer.assign(self._partitions)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(self._partitions)
            await consumer.seek_to_beginning(*self._partitions)
            while not self.should_stop:
                if not self._complete.is_set():
                    positions = [await consumer.position(partition) for partition in self._partitions]
                    if all(at >= ends[partition] for at, partition in zip(positions, self._partitions, strict=True)):
                        self._complete.set()
                batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST_RECORDS)
                for partition, records in batches.items():
                    for record in records:
                        self._receivers[partition.topic](record.key or b"", record.value)
        finally:
            await consumer.stop()
