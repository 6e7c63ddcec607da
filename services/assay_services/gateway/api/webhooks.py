"""Receive webhook deliveries: verify, decode, publish and remember them, and fetch what they only name."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from assay_schemas.annotation import Action
from assay_services.engine import metrics
from assay_services.engine.logs import get_logger
from assay_services.gateway.core.annotation_bodies import rows_of
from assay_services.gateway.core.decode_result import (
    Annotations,
    Fetch,
    FetchTarget,
    Nothing,
    PlatformDelivery,
    Rejected,
)
from assay_services.gateway.core.platforms.registry import PLATFORMS
from assay_services.gateway.core.signatures import SignatureRefused, in_header, verify
from assay_services.gateway.core.supersession import placed
from assay_services.gateway.decode_context import LabelKindOf, asked_of, kind_unknown, settings_of
from assay_services.gateway.published_index import PublishedIndex
from assay_services.gateway.publisher import Publisher
from assay_services.gateway.unread_counts import count_unread
from assay_services.stores.control.connection_store import ConnectionStore
from assay_services.stores.control.tables.connections_and_keys import Connection

log = get_logger("gateway")


@dataclass(frozen=True, slots=True)
class WebhookReply:
    """The answer to a platform."""

    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WebhookReceiver:
    """Receive deliveries. `wake` schedules the reconciliation of a connection whose delivery names things to fetch."""

    engine: Engine
    connections: ConnectionStore
    publisher: Publisher
    wake: Callable[[str, tuple[FetchTarget, ...]], None]
    kind_of: LabelKindOf = kind_unknown

    async def receive(self, connection: Connection, delivery: PlatformDelivery, now: datetime) -> WebhookReply:
        """Receive one delivery; everything in it is durable if the reply's status is 200."""
        refused = self._unproved(connection, delivery, now)
        if refused is not None:
            metrics.DELIVERIES.labels(connection.name, "refused").inc()
            log.warning("delivery_refused", connection=connection.name, reason=refused.reason)
            await asyncio.to_thread(self.connections.count, connection.name, refused=1)
            return WebhookReply(401, {"error": refused.reason})
        held = PublishedIndex(self.engine, connection.name)
        outcome = await asyncio.to_thread(
            PLATFORMS[connection.platform].decode, delivery, asked_of(connection, held, now, self.kind_of)
        )
        metrics.DELIVERIES.labels(connection.name, type(outcome).__name__.lower()).inc()
        match outcome:
            case Annotations(annotations, fetch, problems):
                await self._publish(connection, held, outcome, now)
                if fetch or any(one.action is Action.DELETED for one in annotations):
                    self.wake(connection.name, fetch)  # after a deletion, an older annotation may count again
                return WebhookReply(200, {"accepted": len(annotations), "to_fetch": len(fetch), "problems": problems})
            case Fetch(wanted, reason):
                self.wake(connection.name, wanted)
                await asyncio.to_thread(self.connections.count, connection.name, at=now, webhooks=1)
                return WebhookReply(200, {"accepted": 0, "to_fetch": len(wanted), "reason": reason})
            case Nothing(reason):
                await asyncio.to_thread(self.connections.count, connection.name, at=now, webhooks=1)
                return WebhookReply(200, {"accepted": 0, "reason": reason})
            case Rejected(reason):
                log.warning("delivery_rejected", connection=connection.name, reason=reason)
                await asyncio.to_thread(self.connections.count, connection.name, refused=1)
                return WebhookReply(422, {"error": reason})

    def _unproved(self, connection: Connection, delivery: PlatformDelivery, now: datetime) -> SignatureRefused | None:
        scheme = PLATFORMS[connection.platform].scheme_for(settings_of(connection))
        header = connection.settings.get("header")
        if header:
            scheme = in_header(scheme, str(header)) or scheme
        found = verify(scheme, self.connections.secrets_of(connection).hooks, delivery, now=now)
        return found if isinstance(found, SignatureRefused) else None

    async def _publish(self, connection: Connection, held: PublishedIndex, found: Annotations, now: datetime) -> None:
        fresh = await asyncio.to_thread(held.fresh, found.annotations)
        await asyncio.to_thread(held.place, found.things)
        changed = await asyncio.to_thread(placed, fresh, held.known)
        await self.publisher.publish(rows_of(changed))
        await asyncio.to_thread(held.learn, changed)
        await asyncio.to_thread(count_unread, self.connections, connection.name, found.unread, fresh)
        known = len(found.annotations) - len(fresh)
        await asyncio.to_thread(self.connections.count, connection.name, at=now, webhooks=1, duplicates=known)
