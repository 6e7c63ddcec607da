"""The floor of the consensus: fetch validated annotations, parse them, pass the bytes on; no state, no transaction."""

import asyncio
from typing import Any

import orjson
from prometheus_client import start_http_server

from assay_schemas.topics import CONSENSUS, VALIDATED
from assay_services.engine.core.core_api import Output
from assay_services.engine.kafka import make_consumer, make_producer, send_all
from assay_services.engine.metrics import EVENTS_IN, REGISTRY
from assay_services.engine.settings import RuntimeSettings
from bench.ground import BATCH
from bench.peers.run_until_stopped import run_until_stopped


async def run(settings: RuntimeSettings) -> None:
    """Work until cancelled; the sends of one poll are awaited after the next."""
    start_http_server(settings.web_port, "127.0.0.1", REGISTRY)
    consumer, producer = make_consumer(settings, VALIDATED.name), make_producer(settings)
    await consumer.start()
    await producer.start()
    sent: list[asyncio.Future[Any]] = []
    try:
        while True:
            waiting, sent = sent, []
            for tp, records in (await consumer.getmany(timeout_ms=500, max_records=BATCH)).items():
                for record in records:
                    orjson.loads(record.value)
                rows = [Output(settings.prefix + CONSENSUS.name, one.key, one.value, []) for one in records]
                sent += await send_all(producer, tp.partition, rows)
                EVENTS_IN.labels("consensus").inc(len(records))
            await asyncio.gather(*waiting)
    finally:
        await consumer.stop()
        await producer.stop()


if __name__ == "__main__":
    run_until_stopped(run)
