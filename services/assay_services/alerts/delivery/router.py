"""Copy transitions from the topic `alerts` to the control database, and people's orders to `alerts.observed`."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service
from pydantic import ValidationError

from assay_schemas.alert import Alert, Order
from assay_schemas.topics import ALERTS, OBSERVED
from assay_services.alerts.core.alert_events import read_alert
from assay_services.alerts.core.step import order_record
from assay_services.alerts.delivery.outbox import AlertOutbox, OvertakenError
from assay_services.alerts.settings import AlertsSettings
from assay_services.engine.kafka import cluster_id, make_member, make_producer, retrying, stop_quietly
from assay_services.engine.logs import get_logger

_POLL_MS = 250
_AT_ONCE = 200
_BACKOFF_SECONDS = 1.0
_ORDERS_SECONDS = 0.3

log = get_logger("routing")


class Router(Service):
    """Store every transition, its notices and the offset in one database transaction, which makes it exactly once."""

    def __init__(self, settings: AlertsSettings, outbox: AlertOutbox) -> None:
        """Read Kafka as `settings` say, and write to `outbox`."""
        super().__init__()
        self._settings = settings
        self._outbox = outbox
        self._source = ""
        self._tp = TopicPartition(settings.prefix + ALERTS.name, 0)
        self._unplaced = False
        self._position = 0
        self.is_ready = False

    def give(self) -> None:
        """Start, or restart, at the offset stored in the database."""
        self._unplaced = True

    def revoke(self) -> None:
        """Stop: the partition was assigned to another process."""
        self.is_ready = True

    @Service.task
    async def _work(self) -> None:
        cluster = await cluster_id(self._settings)
        self._source = f"{cluster}/{self._settings.prefix}"
        consumer = make_member(self._settings, "assay.alerts.routing")
        consumer.subscribe([self._tp.topic], listener=_RouterRebalance(self))
        await retrying(consumer.start, patience=self._settings.patience_seconds)
        try:
            while not self.should_stop:
                await self._turn(consumer)
        except Exception as error:  # any error stops the worker
            log.exception("router_failed")
            await self.crash(error)
        finally:
            await consumer.stop()

    async def _turn(self, consumer: AIOKafkaConsumer) -> None:
        try:
            if self._unplaced and self._tp in consumer.assignment():
                await self._place(consumer)
            found = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_AT_ONCE)
        except (KafkaError, OSError) as error:
            log.warning("kafka_is_away", error=repr(error))
            await self.sleep(_BACKOFF_SECONDS)
            return
        records = [record for record in found.get(self._tp, ()) if record.offset >= self._position]
        if records and not self._unplaced:
            await self._note(records)

    async def _place(self, consumer: AIOKafkaConsumer) -> None:
        position = await asyncio.to_thread(self._outbox.place, self._source)
        first = (await consumer.beginning_offsets([self._tp]))[self._tp]
        if 0 < position < first:
            log.error("alerts_lost_to_retention", lost=first - position)
        self._position = max(position, first)
        consumer.seek(self._tp, self._position)
        self._unplaced, self.is_ready = False, True

    async def _note(self, records: Sequence[Any]) -> None:
        alerts = [alert for record in records if (alert := _read(record)) is not None]
        after = records[-1].offset + 1
        note = partial(
            self._outbox.route, self._source, alerts, position=self._position, after=after, now=datetime.now(UTC)
        )
        try:
            await asyncio.to_thread(note)
        except OvertakenError as error:
            log.info("overtaken", what=str(error))
            self._unplaced = True
        else:
            self._position = after


class Forwarder(Service):
    """Publish people's orders to `alerts.observed`. An order may be published twice; the service applies it once."""

    def __init__(self, settings: AlertsSettings, outbox: AlertOutbox) -> None:
        """Publish the orders stored in `outbox`."""
        super().__init__()
        self._settings = settings
        self._outbox = outbox

    @Service.task
    async def _work(self) -> None:
        producer = make_producer(self._settings)
        await retrying(producer.start, patience=self._settings.patience_seconds)
        try:
            while not self.should_stop:
                try:
                    await self._forward(producer)
                except KafkaError as error:
                    log.warning("kafka_is_away", error=repr(error))
                await self.sleep(_ORDERS_SECONDS)
        except Exception as error:  # any error stops the worker
            log.exception("forwarder_failed")
            await self.crash(error)
        finally:
            await stop_quietly(producer)

    async def _forward(self, producer: AIOKafkaProducer) -> None:
        for number, project, content in await asyncio.to_thread(self._outbox.orders):
            key, value = order_record(Order.model_validate(content), project)
            await producer.send_and_wait(self._settings.prefix + OBSERVED.name, key=key, value=value, partition=0)
            await asyncio.to_thread(partial(self._outbox.ordered, number, now=datetime.now(UTC)))


def _read(record: Any) -> Alert | None:  # noqa: ANN401  # aiokafka's own record
    try:
        return read_alert(record.value)
    except ValidationError:
        log.warning("no_alert", offset=record.offset)
        return None


class _RouterRebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    def __init__(self, router: Router) -> None:
        self._router = router

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002  # there is one
        self._router.revoke()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        if list(assigned):
            self._router.give()
        else:
            self._router.revoke()
