"""A connection to a fake platform, reconciled here and now, and what was published through it."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from assay_schemas.annotation import Action, Annotation
from assay_schemas.json_data import Json
from assay_services.gateway.api.webhooks import WebhookReceiver, WebhookReply
from assay_services.gateway.core.annotation_bodies import OutgoingRecord
from assay_services.gateway.core.decode_result import PlatformDelivery
from assay_services.gateway.publisher import OverloadedError, Publisher
from assay_services.gateway.reconcile.connect import ConnectionRequest, connect
from assay_services.gateway.reconcile.reconciler import Reconciler
from assay_services.gateway.settings import GatewaySettings
from assay_services.stores.control.connection_store import ConnectionStore
from assay_services.stores.control.database import open_control
from assay_services.stores.control.tables.connections_and_keys import Connection
from assay_services.stores.control.vault import Vault
from tests.services.gateway.fakes.platform import TOKEN, Fake, Live, served

NAME = "shop"


class Topic(Publisher):
    """Takes records as Kafka would. `ends_after`: so many batches later the process ends, right after one was taken."""

    def __init__(self) -> None:
        self.said: list[Annotation] = []
        self.ends_after: int | None = None
        self.takes_none = False

    async def publish(self, rows: Sequence[OutgoingRecord]) -> None:
        if self.takes_none:
            raise OverloadedError("Kafka is away and the spool takes no more")
        self.said += [Annotation.model_validate_json(row.value or b"") for row in rows]
        if self.ends_after is not None:
            self.ends_after -= 1
            if self.ends_after < 0:
                self.ends_after = None
                raise ProcessEndedError

    def live(self) -> Live:
        """Return what counts downstream: the newest of each person on each item, whatever the order."""
        newest: dict[tuple[str, str], Annotation] = {}
        for one in self.said:
            place = (one.item.id, one.annotator.id)
            before = newest.get(place)
            if before is None or (before.occurred_at, before.id) < (one.occurred_at, one.id):
                newest[place] = one
        counts = (Action.CREATED, Action.UPDATED)
        return {place: one.model_dump()["label"] for place, one in newest.items() if one.action in counts}

    def doubled(self) -> list[str]:
        """Return the ids of what was published more than once."""
        return [one for one, count in Counter(each.id for each in self.said).items() if count > 1]


class ProcessEndedError(BaseException):
    """The process was killed here."""


class Shop:
    """A fake platform, connected."""

    def __init__(self, fake: Fake, url: str, settings: GatewaySettings, **chosen: Json) -> None:
        self.fake, self.url, self.settings = fake, url, settings
        self.engine = open_control(settings)
        self.connections = ConnectionStore(self.engine, Vault(settings))
        self.topic = Topic()
        self._later = timedelta()
        wish = ConnectionRequest(fake.platform, url, TOKEN, fake.number, "http://gateway.example", NAME, "shop")
        self.wish = replace(wish, settings={**fake.settings, **chosen})
        self.restart()

    def connect(self) -> str | None:
        """Connect it; return the secret that is left to a person."""
        made = asyncio.run(connect(self.connections, self.wish, datetime.now(UTC))).secret
        self.fake.secret = made or self.fake.secret
        return made

    @property
    def connection(self) -> Connection:
        return self.connections.get(NAME)

    def restart(self) -> None:
        """Begin with a new process: nothing is left but what is on the disk."""
        self.topic.ends_after = None
        self.reconciler = Reconciler(self.engine, self.connections, self.topic, self.settings)
        self.hooks = WebhookReceiver(self.engine, self.connections, self.topic, self.reconciler.wake)

    def deliver(self, delivery: PlatformDelivery) -> WebhookReply:
        """Hand over one webhook."""
        return asyncio.run(self.hooks.receive(self.connection, delivery, datetime.now(UTC)))

    def deliver_some(self, rng: random.Random, *, lost: float) -> None:
        """Deliver what waits: some lost, some twice, out of order, and some of it only later."""
        waiting, self.fake.deliveries = self.fake.deliveries, []
        rng.shuffle(waiting)
        for one in waiting:
            fate = rng.random()
            if fate < lost:
                continue
            if fate < lost + 0.15:
                self.fake.deliveries.append(one)
                continue
            for _ in range(1 + (rng.random() < 0.2)):
                assert self.deliver(one).status == 200

    def look(self, times: int = 1) -> tuple[str, ...]:
        """Reconcile, each time with a sweep; return what could not be read the last time."""
        problems: tuple[str, ...] = ()
        for _ in range(times):
            self._later += timedelta(hours=1)
            problems = asyncio.run(self.reconciler.reconcile(self.connection, now=datetime.now(UTC) + self._later))
        return problems


@contextmanager
def a_shop(fake: Fake, settings: GatewaySettings, **chosen: Json) -> Iterator[Shop]:
    """Serve a fake platform and connect it."""
    with served(fake.app) as url:
        yield Shop(fake, url, settings, **chosen)
