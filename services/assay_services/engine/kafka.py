"""Kafka clients: addresses, credentials, consumers, producers and transactions."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IllegalOperation, InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.helpers import create_ssl_context
from aiokafka.producer import sender

from assay_schemas.errors import AssayUserError
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings

ADDRESS_FILE = "broker.json"
LARGEST_REQUEST_BYTES = 12 * 1024 * 1024
FENCED = (ProducerFenced, InvalidProducerEpoch)
"""Errors of a producer whose transactional id another producer has taken over."""

_BATCH_BYTES = 900_000
_BACKOFF_SECONDS = 1.0

log = get_logger("kafka")


class TransactionLostError(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """The transaction was aborted before all its records were sent, by the broker or by another producer."""


class NoKafkaError(AssayUserError):
    """The settings name no Kafka, and no local broker is running."""


def kafka_address(settings: RuntimeSettings) -> str:
    """Return Kafka's address, `host:port[,host:port]`, from the settings or of the local broker; raise NoKafkaError."""
    if settings.kafka is not None:
        return settings.kafka
    try:
        return str(json.loads((settings.folder / ADDRESS_FILE).read_text())["address"])
    except FileNotFoundError:
        raise NoKafkaError(
            f"no Kafka: ASSAY_KAFKA is not set and no local broker runs in '{settings.folder}'; "
            "start one with `assay broker`, or set ASSAY_KAFKA=host:port"
        ) from None


def client_options(settings: RuntimeSettings) -> dict[str, Any]:
    """Return the options that all Kafka clients share: address and credentials."""
    options: dict[str, Any] = {
        "bootstrap_servers": kafka_address(settings),
        "security_protocol": settings.kafka_security,
    }
    if settings.kafka_security.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_username
        if settings.kafka_password is not None:
            options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    if settings.kafka_security.endswith("SSL"):
        options["ssl_context"] = _tls(settings)
    return options


def make_consumer(settings: RuntimeSettings, *topics: str, **options: Any) -> AIOKafkaConsumer:  # noqa: ANN401
    """Return a consumer that reads committed records only and never commits offsets to Kafka."""
    return AIOKafkaConsumer(
        *(settings.prefix + topic for topic in topics),
        **client_options(settings),
        **{
            "isolation_level": "read_committed",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "max_partition_fetch_bytes": 4 * 1024 * 1024,
            "fetch_max_wait_ms": 250,
            **options,
        },
    )


def make_member(settings: RuntimeSettings, group: str) -> AIOKafkaConsumer:
    """Return a consumer that shares partitions with the other members of its group."""
    session_ms = int(settings.session_timeout_seconds * 1_000)
    return make_consumer(
        settings,
        group_id=settings.prefix + group,
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=max(100, session_ms // 6),
        rebalance_timeout_ms=60_000,
        max_poll_interval_ms=600_000,
        metadata_max_age_ms=30_000,
    )


def make_producer(settings: RuntimeSettings, *, transactional_id: str | None = None) -> AIOKafkaProducer:
    """Return an idempotent producer; it is transactional if it has a `transactional_id`."""
    _shorten_transaction_backoff()
    return AIOKafkaProducer(
        **client_options(settings),
        acks="all",
        enable_idempotence=True,
        transactional_id=None if transactional_id is None else settings.prefix + transactional_id,
        transaction_timeout_ms=60_000,
        max_batch_size=_BATCH_BYTES,
        max_request_size=LARGEST_REQUEST_BYTES,
    )


def _shorten_transaction_backoff() -> None:
    """Wait 2 ms instead of aiokafka's fixed 20 ms while the broker completes the previous transaction.

    aiokafka has no option for it. Every back-to-back transaction waits that long: one took 27 ms before, and takes 5 to
    8 ms with this. A wait of 0.5 ms was not measurably better on a warm broker.
    """
    sender.BACKOFF_OVERRIDE = 0.002


def _tls(settings: RuntimeSettings) -> ssl.SSLContext:
    def name(path: Path | None) -> str | None:
        return None if path is None else str(path)

    context: ssl.SSLContext = create_ssl_context(
        cafile=name(settings.kafka_ca_file),
        certfile=name(settings.kafka_certificate_file),
        keyfile=name(settings.kafka_key_file),
    )
    return context


def from_position(records: Sequence[Any], position: int) -> Sequence[Any]:
    """Return the records at or above an offset: `getmany` may return records that were fetched before a rebalance."""
    if records and records[0].offset < position:
        return [record for record in records if record.offset >= position]
    return records


@dataclass(frozen=True, slots=True)
class PartitionReader:
    """Reads one partition of a topic from its first record to the offset that is its end now."""

    consumer: AIOKafkaConsumer
    partition: TopicPartition

    async def first_offset(self) -> int:
        """Return the offset of the oldest record that the broker still has."""
        return int((await self.consumer.beginning_offsets([self.partition]))[self.partition])

    async def batches(self, *, first: int | None = None, end: int | None = None) -> AsyncIterator[list[Any]]:
        """Yield all committed records in batches, from the offset `first` on (None: the oldest) and below `end`."""
        last = int((await self.consumer.end_offsets([self.partition]))[self.partition]) if end is None else end
        if first is None:
            await self.consumer.seek_to_beginning(self.partition)
        else:
            self.consumer.seek(self.partition, max(first, await self.first_offset()))
        while await self.consumer.position(self.partition) < last:
            fetched = await self.consumer.getmany(self.partition, timeout_ms=200, max_records=10_000)
            found = [record for record in fetched.get(self.partition, []) if record.offset < last]
            if found:
                yield found
            await asyncio.sleep(0)


@asynccontextmanager
async def partition_reader(settings: RuntimeSettings, topic: str, number: int) -> AsyncIterator[PartitionReader]:
    """Open one partition for reading, without a consumer group."""
    partition = TopicPartition(settings.prefix + topic, number)
    consumer = make_consumer(settings, fetch_max_wait_ms=20)
    consumer.assign([partition])
    try:
        await consumer.start()  # inside `try`: a cancelled start must close its connection
        yield PartitionReader(consumer, partition)
    finally:
        await consumer.stop()


async def send_all(
    producer: AIOKafkaProducer,
    number: int,
    records: Iterable[Sequence[Any]],
    *,
    prefix: str = "",
    single: Collection[str] = (),
) -> list[asyncio.Future[Any]]:
    """Send (topic, key, value, headers) to one partition number, in as few batches as possible; return the futures.

    Topics in `single` have one partition, so their records go to partition 0.
    """
    open_batches: dict[str, Any] = {}
    sent: list[asyncio.Future[Any]] = []
    for topic, key, value, headers in records:
        batch = open_batches.get(topic)
        if batch is None:
            batch = open_batches[topic] = producer.create_batch()
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            partition = 0 if topic in single else number
            sent.append(await producer.send_batch(batch, prefix + topic, partition=partition))
            batch = open_batches[topic] = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
    for topic, batch in open_batches.items():
        partition = 0 if topic in single else number
        sent.append(await producer.send_batch(batch, prefix + topic, partition=partition))  # awaits in order
    return sent


async def commit(
    producer: AIOKafkaProducer,
    number: int,
    records: Iterable[Iterable[Sequence[Any]]],
    *,
    prefix: str,
    single: Collection[str] = (),
) -> None:
    """Send all records to one partition number of their topics, in this order and in one transaction.

    Raise TransactionLostError or one of FENCED if the transaction failed and no consumer will see any of it.
    """
    await producer.begin_transaction()
    try:
        sent = [
            future
            for some in records
            for future in await send_all(producer, number, some, prefix=prefix, single=single)
        ]
        await asyncio.gather(*sent)
        await producer.commit_transaction()
    except IllegalOperation as error:
        raise TransactionLostError(str(error)) from error


async def retrying(start: Callable[[], Awaitable[None]], *, patience: float) -> None:
    """Call `start` until Kafka answers; give up and raise after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            await start()
        except (KafkaError, OSError) as error:
            if time.monotonic() > deadline:
                raise
            log.warning("kafka_is_away", error=repr(error))
            await asyncio.sleep(_BACKOFF_SECONDS)
        else:
            return


def silence_fenced_futures(loop: asyncio.AbstractEventLoop) -> None:
    """Suppress warnings about aiokafka's internal futures that fail when a producer is fenced: nobody can await them.

    The fencing itself is raised by the transaction, and counted there.
    """
    before: Any = loop.get_exception_handler()
    if not (isinstance(before, partial) and before.func is _unless_fenced):
        loop.set_exception_handler(partial(_unless_fenced, before))


def _unless_fenced(
    otherwise: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object] | None,
    loop: asyncio.AbstractEventLoop,
    context: dict[str, Any],
) -> None:
    if isinstance(context.get("exception"), FENCED):
        return
    if otherwise is not None:
        otherwise(loop, context)
    else:
        loop.default_exception_handler(context)


async def stop_quietly(producer: AIOKafkaProducer) -> None:
    """Close a producer whose transaction has ended or failed; ignore errors of an absent Kafka or a fenced producer."""
    try:
        await asyncio.wait_for(producer.stop(), timeout=10)
    except (KafkaError, OSError, TimeoutError) as error:
        log.debug("producer_stopped", error=repr(error))


async def cluster_id(settings: RuntimeSettings) -> str:
    """Return Kafka's cluster id; offsets are valid only within one cluster."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await retrying(admin.start, patience=settings.patience_seconds)
    try:
        return str((await admin.describe_cluster())["cluster_id"])
    finally:
        await admin.close()
