"""Follow the exchange between partitions: whole topics, read without a consumer group."""

import asyncio

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from assay_schemas.topics import COUNTS, PANES
from assay_services.consensus.core.exchange import Exchange
from assay_services.engine.kafka import make_consumer
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings

log = get_logger("pool")
_POLL_MS = 250
_AT_ONCE = 5_000


class Follower(Service):
    """Keep an `Exchange` up to date with the topics `annotators.counts` and `agreement.panes`."""

    def __init__(self, settings: RuntimeSettings, pool: Exchange) -> None:
        """Write all records of both topics, of all partitions, to `pool`."""
        super().__init__()
        self._settings = settings
        self._pool = pool
        self._complete = asyncio.Event()

    async def read_all(self) -> None:
        """Wait until every record that was on the topics at the start has been read."""
        await self._complete.wait()

    @Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                log.warning("pool_unreadable", error=repr(error))
                await self.sleep(1.0)

    async def _read(self) -> None:
        prefix = self._settings.prefix
        takes = {prefix + COUNTS.name: self._pool.receive_counts, prefix + PANES.name: self._pool.receive_cell}
        tps = [TopicPartition(topic, number) for topic in takes for number in range(self._settings.partitions)]
        consumer = make_consumer(self._settings, fetch_max_wait_ms=100)
        consumer.assign(tps)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(tps)
            await consumer.seek_to_beginning(*tps)
            while not self.should_stop:
                if not self._complete.is_set() and all([await consumer.position(tp) >= ends[tp] for tp in tps]):
                    self._complete.set()
                for tp, records in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=_AT_ONCE)).items():
                    for record in records:
                        takes[tp.topic](record.key or b"", record.value)
        finally:
            await consumer.stop()
