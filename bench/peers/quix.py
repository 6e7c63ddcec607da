"""The peer in Quix Streams: one event at a time; BENCH_GUARANTEE and BENCH_COMMIT_SECONDS choose how careful."""

import os
from collections.abc import Sequence
from typing import Any

from quixstreams import Application, message_context
from quixstreams.models.serializers.base import SerializationContext, Serializer

from assay_schemas.topics import ANNOTATIONS
from assay_services.engine.core.core_api import Output
from assay_services.engine.garbage import tame_garbage_collector
from assay_services.engine.settings import RuntimeSettings
from bench.ground import VERDICTS, Event
from bench.peers.one_by_one import OneByOne


class ValueOnly(Serializer):
    """Publish an output's value as it is."""

    def __call__(self, value: Output, ctx: SerializationContext) -> bytes | None:  # type: ignore[override]  # noqa: ARG002
        """Return the bytes."""
        return value.value


def main() -> None:
    """Run until SIGTERM."""
    settings, exact = RuntimeSettings(), os.environ["BENCH_GUARANTEE"] == "exactly-once"
    judging = OneByOne(settings)
    app = Application(
        broker_address=settings.kafka,
        consumer_group=f"{settings.prefix}quix",
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once" if exact else "at-least-once",
        commit_interval=float(os.environ["BENCH_COMMIT_SECONDS"]),
        auto_create_topics=False,
        use_changelog_topics=False,
        loglevel="WARNING",
        state_dir=settings.folder / "quix",
        producer_extra_config={"linger.ms": 0} if exact else None,
    )
    source = app.topic(settings.prefix + ANNOTATIONS.name, value_deserializer="bytes")
    outputs = {topic.name: app.topic(settings.prefix + topic.name, value_serializer=ValueOnly()) for topic in VERDICTS}

    def judge(value: bytes, key: bytes, timestamp: int, headers: Any) -> Sequence[Output]:  # noqa: ANN401
        where = message_context()
        return judging.judge(where.partition, Event(where.offset, timestamp, key, value, headers or ()))

    frame = app.dataframe(source).apply(judge, expand=True, metadata=True)
    frame = frame.set_headers(lambda output, *_: output.headers)
    frame.to_topic(lambda output, *_: outputs[output.topic])
    tame_garbage_collector()
    app.run()


if __name__ == "__main__":
    main()
