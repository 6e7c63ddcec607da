"""The floor of latency: take what is there and send it on, one by one, without transactions."""

import asyncio
import signal

from services.runtime.chassis import tame_garbage_collector
from services.runtime.kafka import make_consumer, make_producer
from services.runtime.settings import RuntimeSettings
from services.runtime.topics import ANNOTATIONS, VALIDATED


async def run(settings: RuntimeSettings) -> None:
    """Work until cancelled."""
    consumer, producer = make_consumer(settings, ANNOTATIONS.name), make_producer(settings)
    await consumer.start()
    await producer.start()
    topic = settings.prefix + VALIDATED.name
    try:
        while True:
            for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    await producer.send(
                        topic, record.value, key=record.key, partition=tp.partition, headers=list(record.headers)
                    )
    finally:
        await consumer.stop()
        await producer.stop()


async def _until_stopped() -> None:
    task = asyncio.ensure_future(run(RuntimeSettings()))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait({task})


if __name__ == "__main__":
    tame_garbage_collector()
    asyncio.run(_until_stopped())
