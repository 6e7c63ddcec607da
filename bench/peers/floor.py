"""The floor: fetch, parse, ask the model about new items, pass the bytes on. No rules, no state, no transaction."""

import asyncio
from collections.abc import Sequence
from typing import Any

from assay_schemas.annotation import Annotation
from assay_schemas.decoder import decode
from assay_schemas.topics import ANNOTATIONS, VALIDATED
from assay_services.engine.core.core_api import Output
from assay_services.engine.kafka import make_consumer, make_producer, send_all
from assay_services.engine.settings import RuntimeSettings
from assay_services.validator.core.step import ValidatorProject
from bench.ground import BATCH, the_project
from bench.peers.run_until_stopped import run_until_stopped


async def run(settings: RuntimeSettings) -> None:
    """Work until cancelled; the sends of one poll are awaited after the next."""
    project, seen = the_project(settings.models), set[bytes]()
    consumer, producer = make_consumer(settings, ANNOTATIONS.name), make_producer(settings)
    await consumer.start()
    await producer.start()
    sent: list[asyncio.Future[Any]] = []
    try:
        while True:
            waiting, sent = sent, []
            for tp, records in (await consumer.getmany(timeout_ms=500, max_records=BATCH)).items():
                _look(project, seen, [record.value for record in records])
                rows = [Output(settings.prefix + VALIDATED.name, one.key, one.value, []) for one in records]
                sent += await send_all(producer, tp.partition, rows)
            await asyncio.gather(*waiting)
    finally:
        await consumer.stop()
        await producer.stop()


def _look(project: ValidatorProject, seen: set[bytes], values: Sequence[bytes]) -> None:
    found = [one for one in decode(values) if isinstance(one, Annotation)]
    fresh = {one.key: one.item for one in found if one.key not in seen}
    seen.update(fresh)
    if fresh and project.scorer is not None:
        project.scorer.views(list(fresh.values()))


if __name__ == "__main__":
    run_until_stopped(run)
