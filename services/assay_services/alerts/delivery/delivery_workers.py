"""Deliver messages: each subscription has its own worker, so a slow subscriber does not delay the others."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial

from mode import Service
from sqlalchemy import Engine

from assay_services.alerts.delivery.channels import ChannelSender, Delivered, DeliveryOutcome, Failed
from assay_services.alerts.delivery.outbox import AlertOutbox
from assay_services.alerts.settings import AlertsSettings
from assay_services.engine import metrics
from assay_services.engine.kafka import make_producer, retrying, stop_quietly
from assay_services.engine.logs import get_logger
from assay_services.stores.control.subscription_store import address_of, note_problem
from assay_services.stores.control.tables.alert_delivery import Channel, Delivery, Subscription
from assay_services.stores.control.vault import Vault, WrongSecretKeyError

_POLL_SECONDS = 0.5
_PURGE_SECONDS = 3_600.0

log = get_logger("delivering")


class Deliverer(Service):
    """Runs one worker for each subscription, and starts and stops them as subscriptions change."""

    def __init__(self, settings: AlertsSettings, engine: Engine, outbox: AlertOutbox) -> None:
        """Deliver the messages of `outbox` to the subscriptions in the control database `engine`."""
        super().__init__()
        self._settings = settings
        self._engine = engine
        self._outbox = outbox
        self._vault = Vault(settings)
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._serving: dict[str, datetime] = {}
        self._purged = 0.0

    @Service.task
    async def _work(self) -> None:
        producer = make_producer(self._settings)
        await retrying(producer.start, patience=self._settings.patience_seconds)
        sender = ChannelSender(self._settings, producer)
        try:
            while not self.should_stop:
                await self._poll(sender)
                await self.sleep(_POLL_SECONDS)
        except Exception as error:  # any error stops the worker
            log.exception("deliverer_failed")
            await self.crash(error)
        finally:
            for worker in self._workers.values():
                worker.cancel()
            await asyncio.gather(*self._workers.values(), return_exceptions=True)
            await sender.close()
            await stop_quietly(producer)

    async def _poll(self, sender: ChannelSender) -> None:
        """Start workers for new subscriptions, stop those of ended ones, and raise if a worker failed."""
        wanted = {one.name: one for one in await asyncio.to_thread(self._outbox.subscriptions)}
        for name, worker in list(self._workers.items()):
            if worker.done():
                del self._workers[name]
                worker.result()
            elif name not in wanted or wanted[name].created_at != self._serving[name]:
                worker.cancel()  # a subscription made again under its name has another address and secret
                del self._workers[name]
        for name in wanted.keys() - self._workers.keys():
            self._serving[name] = wanted[name].created_at
            self._workers[name] = asyncio.create_task(self._serve(wanted[name], sender), name=f"deliver-{name}")
        counts = await asyncio.to_thread(self._outbox.waiting)
        for fate in ("due", "dead"):
            metrics.ALERT_MESSAGES.labels(fate).set(counts.get(fate, 0))
        if time.monotonic() - self._purged > _PURGE_SECONDS:
            self._purged = time.monotonic()
            await asyncio.to_thread(partial(self._outbox.purge, now=datetime.now(UTC)))

    async def _serve(self, subscription: Subscription, sender: ChannelSender) -> None:
        """Send one subscription's messages, one after the other."""
        group = timedelta(seconds=self._settings.alerts_group_seconds)
        while True:
            now = datetime.now(UTC)
            await asyncio.to_thread(partial(self._outbox.compose, subscription, now=now, group=group))
            due = await asyncio.to_thread(partial(self._outbox.due, subscription.name, now=now))
            if due is None:
                await asyncio.sleep(_POLL_SECONDS)
                continue
            outcome = await self._send(subscription, due, sender)
            pause = await asyncio.to_thread(partial(self._outbox.settle, due.id, outcome, now=datetime.now(UTC)))
            if not await self._went_well(subscription, due, outcome):
                return
            if isinstance(outcome, Failed) and outcome.all_wait:
                await asyncio.sleep(pause)

    async def _send(self, subscription: Subscription, due: Delivery, sender: ChannelSender) -> DeliveryOutcome:
        try:
            address = address_of(self._vault, subscription)
        except WrongSecretKeyError:
            return Failed("its address was encrypted with another key", all_wait=True)
        return await sender.send(Channel(subscription.channel), address, due.id, due.body)

    async def _went_well(self, subscription: Subscription, due: Delivery, outcome: DeliveryOutcome) -> bool:
        """Log and count the outcome; return whether the subscriber still exists."""
        if isinstance(outcome, Delivered):
            metrics.ALERT_DELIVERIES.labels("delivered").inc()
            if subscription.problem is not None:
                subscription.problem = None
                await asyncio.to_thread(note_problem, self._engine, subscription.name, None)
            return True
        metrics.ALERT_DELIVERIES.labels("failed").inc()
        log.warning("not_delivered", subscription=subscription.name, message=due.id, reason=outcome.reason)
        if outcome.gone:
            abandon = partial(self._outbox.abandon, subscription.name, outcome.reason, now=datetime.now(UTC))
            await asyncio.to_thread(abandon)
            return False
        subscription.problem = outcome.reason
        await asyncio.to_thread(note_problem, self._engine, subscription.name, outcome.reason)
        return True
