"""A gateway as a process, and what to ask it."""

import asyncio
import hashlib
import hmac
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import httpx
import orjson

from assay_schemas.json_data import Json
from assay_schemas.topics import ANNOTATIONS
from assay_services.devtools.ports import free_port
from assay_services.engine.kafka import partition_reader
from assay_services.gateway.settings import GatewaySettings
from assay_services.stores.control.api_keys import ApiKeyStore
from assay_services.stores.control.connection_store import ConnectionStore, Secrets
from assay_services.stores.control.database import open_control
from assay_services.stores.control.tables.connections_and_keys import Connection, Scope
from assay_services.stores.control.vault import Vault
from tests.support.builders import annotation_input
from tests.support.processes import Service, wait_for


class Gateway(NamedTuple):
    """A running gateway, and clients with a key for everything and without."""

    settings: GatewaySettings
    process: Service
    http: httpx.Client
    stranger: httpx.Client

    def kafka(self) -> str:
        """Return `up` or `away`; `starting` while it does not answer."""
        try:
            return str(self.stranger.get("/ready").json()["kafka"])
        except httpx.TransportError:
            return "starting"

    def wait_until(self, kafka: str) -> None:
        """Wait until Kafka is `up`, or `away`, for the gateway."""
        wait_for(lambda: self.kafka() == kafka, seconds=180, what=f"Kafka is {kafka} for the gateway")

    def connect(self, name: str, platform: str, secret: str, **settings: Json) -> None:
        """Let a platform deliver."""
        store = ConnectionStore(open_control(self.settings), Vault(self.settings))
        made = Connection(name=name, platform=platform, project="ads-safety", secrets="", created_at=datetime.now(UTC))
        made.settings = settings
        store.add(made, Secrets((secret,)))

    def on_the_topic(self) -> Counter[str]:
        """Return how often each annotation's id lies on the topic."""
        return asyncio.run(_ids(self.settings))


async def _ids(settings: GatewaySettings) -> Counter[str]:
    found: Counter[str] = Counter()
    for number in range(settings.partitions):
        async with partition_reader(settings, ANNOTATIONS.name, number) as reader:
            async for batch in reader.batches():
                found.update(orjson.loads(record.value)["id"] for record in batch)
    return found


@contextmanager
def a_gateway(settings: GatewaySettings, **limits: object) -> Iterator[Gateway]:
    """Run a gateway on a free port."""
    settings = settings.model_copy(update={"gateway_port": free_port(), **limits})
    process = Service("gateway", settings, free_port())
    process.start()
    _, key = ApiKeyStore(open_control(settings)).create("tests", [Scope.ADMIN], now=datetime.now(UTC))
    trusted = settings.gateway_certificate_file
    url = f"{'http' if trusted is None else 'https'}://127.0.0.1:{settings.gateway_port}"
    verify = True if trusted is None else ssl.create_default_context(cafile=str(trusted))
    try:
        with (
            httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=90, verify=verify) as http,
            httpx.Client(base_url=url, timeout=90, verify=verify) as stranger,
        ):
            found = Gateway(settings, process, http, stranger)
            wait_for(lambda: found.kafka() != "starting", seconds=180, what="the gateway answers")
            yield found
    finally:
        process.stop()


def annotation(number: int, **changes: Json) -> dict[str, Json]:
    """Return the raw input of one of many annotations."""
    return annotation_input(id=f"an-{number}", item={"id": f"i-{number % 50}"}, **changes)


def signed(body: bytes, secret: str) -> str:
    """Return the signature of a body as CVAT writes it."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
