"""The floor of latency: take what is there and send it on, one by one, without transactions."""

from assay_schemas.topics import ANNOTATIONS, VALIDATED
from assay_services.engine.kafka import make_consumer, make_producer
from assay_services.engine.settings import RuntimeSettings
from bench.peers.run_until_stopped import run_until_stopped


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


if __name__ == "__main__":
    run_until_stopped(run)
