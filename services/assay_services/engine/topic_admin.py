"""Create the topics of the register, and check their partition counts."""

import asyncio
from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError
from mode import Service

from assay_schemas.errors import AssayUserError
from assay_schemas.topics import LARGEST_MESSAGE_BYTES, TOPICS, Kept, Topic
from assay_services.engine.kafka import client_options, retrying
from assay_services.engine.settings import RuntimeSettings

_WAIT_FOR_TOPICS_SECONDS = 30


class TopicMismatchError(AssayUserError):
    """A topic exists with a partition count that differs from the settings."""


async def ensure_topics(settings: RuntimeSettings, topics: Iterable[Topic] = TOPICS) -> None:
    """Create the missing topics and wait until all can be used.

    Raise TopicMismatchError if a topic exists with another partition count: its items would be hashed to other
    partitions, and an item's state would no longer be on the same partition as its events.
    """
    wanted = {settings.prefix + topic.name: _new_topic(topic, settings) for topic in topics}
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        for name in wanted.keys() - existing:
            await _create(admin, wanted[name])
        await _await_partitions(admin, {name: new.num_partitions for name, new in wanted.items()})
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topic: NewTopic) -> None:
    try:
        await admin.create_topics([topic])
    except TopicAlreadyExistsError:
        return  # another worker was faster


async def _await_partitions(admin: AIOKafkaAdminClient, wanted: dict[str, int]) -> None:
    for _ in range(_WAIT_FOR_TOPICS_SECONDS * 10):
        found = {
            about["topic"]: len(about["partitions"])
            for about in await admin.describe_topics(list(wanted))
            if about["error_code"] == 0
        }
        for name, count in found.items():
            if count != wanted[name]:
                raise TopicMismatchError(
                    f"topic '{name}' has {count} partitions, the settings say {wanted[name]}: "
                    f"set ASSAY_PARTITIONS={count}, or use another ASSAY_PREFIX"
                )
        if found.keys() == wanted.keys():
            return
        await asyncio.sleep(0.1)
    raise TopicMismatchError(f"Kafka did not create {sorted(wanted)} in {_WAIT_FOR_TOPICS_SECONDS} s")


def _new_topic(topic: Topic, settings: RuntimeSettings) -> NewTopic:
    options = {
        "cleanup.policy": topic.kept.value,
        "max.message.bytes": str(LARGEST_MESSAGE_BYTES),
    }
    if topic.kept is Kept.TIME:
        options["retention.ms"] = str(int(settings.retention_hours * 3_600_000))
    if topic.broker_time:
        options["message.timestamp.type"] = "LogAppendTime"
    return NewTopic(
        name=settings.prefix + topic.name,
        num_partitions=1 if topic.single else settings.partitions,
        replication_factor=settings.replication,
        topic_configs=options,
    )


class TopicsInPlace(Service):
    """Wait for Kafka and create the topics before other services read them."""

    def __init__(self, settings: RuntimeSettings) -> None:
        """Create topics with the prefix, partition count and replication of `settings`."""
        super().__init__()
        self._settings = settings

    async def on_start(self) -> None:
        """Create missing topics; retry for as long as the settings allow."""
        await retrying(lambda: ensure_topics(self._settings), patience=self._settings.patience_seconds)
