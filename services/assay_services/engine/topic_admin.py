"""The register of topics: what lies on each, how it is keyed and how long it is kept."""

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
    """A topic exists with another partition count than the settings say."""


async def ensure_topics(settings: RuntimeSettings, topics: Iterable[Topic] = TOPICS) -> None:
    """Create the topics that are missing and wait until all can be used.

    Raise TopicMismatchError where one exists with another partition count: items would change partition,
    and the state of an item would no longer lie beside its events.
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
    """Wait for Kafka and create the topics, before anything reads them."""

    def __init__(self, settings: RuntimeSettings) -> None:
        """Take the settings."""
        super().__init__()
        self._settings = settings

    async def on_start(self) -> None:
        """Create what is missing."""
        await retrying(lambda: ensure_topics(self._settings), patience=self._settings.patience_seconds)
