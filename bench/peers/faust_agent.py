"""The peer in Faust: an agent, one event at a time, at least once."""

from collections.abc import AsyncIterable
from typing import Any

import faust

from assay_schemas.topics import ANNOTATIONS
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.worker import run_worker
from bench.ground import VERDICTS, Event
from bench.peers.one_by_one import OneByOne


def main() -> None:
    """Run the agent as our own workers are run, its garbage collector tamed alike."""
    settings = RuntimeSettings()
    judging = OneByOne(settings)
    app = faust.App(
        f"{settings.prefix}peer",
        broker=f"kafka://{settings.kafka}",
        datadir=settings.folder / "faust",
        store="memory://",
        topic_partitions=1,
        topic_replication_factor=1,
        web_enabled=False,
        stream_wait_empty=False,
    )

    def bytes_topic(name: str) -> Any:  # noqa: ANN401  # Faust's topic
        return app.topic(
            settings.prefix + name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )

    outputs = {topic.name: bytes_topic(topic.name) for topic in VERDICTS}

    @app.agent(bytes_topic(ANNOTATIONS.name))
    async def judge(stream: Any) -> None:  # noqa: ANN401  # Faust's stream
        events: AsyncIterable[Any] = stream.events()
        async for event in events:
            read = event.message
            record = Event(read.offset, int(read.timestamp * 1_000), read.key, read.value, list(read.headers or ()))
            for topic, key, value, headers in judging.judge(read.partition, record):
                await outputs[topic].send(key=key, value=value, headers=headers)

    run_worker(app, settings)


if __name__ == "__main__":
    main()
