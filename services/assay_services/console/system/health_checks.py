"""Health checks of the services and of Kafka: up, ready, and lag in records."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families

from assay_services.engine.kafka import NoKafkaError, client_options, kafka_address
from assay_services.engine.settings import RuntimeSettings

_LAG = "assay_lag_events"
_PATIENCE_SECONDS = 2.0


class ServiceStatus(StrEnum):
    """The status of a service: ready, up but not ready, or not answering."""

    READY = "ready"
    STARTING = "up, not ready"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service. `lag` is the number of unread records, None if it reads no topic; `lags` the same by reader."""

    name: str
    address: str
    standing: ServiceStatus
    lag: int | None = None
    lags: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Broker:
    """Kafka as seen by the console. `problem` is why it cannot be reached, or None."""

    address: str
    cluster: str = ""
    brokers: int = 0
    problem: str | None = None


async def ask_services(addresses: Mapping[str, str]) -> Sequence[ServiceState]:
    """Check all services at once; one that does not answer within two seconds is AWAY."""
    async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS, trust_env=False) as client:
        return await asyncio.gather(*(_ask(client, name, address) for name, address in addresses.items()))


async def _ask(client: httpx.AsyncClient, name: str, address: str) -> ServiceState:
    base = address.rstrip("/")
    try:
        ready, scraped = await asyncio.gather(client.get(f"{base}/ready"), client.get(f"{base}/metrics"))
        lags = lags_in(scraped.text) if scraped.is_success else {}
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return ServiceState(name, address, ServiceStatus.AWAY, note=str(error) or type(error).__name__)
    except ValueError:
        return ServiceState(name, address, ServiceStatus.AWAY, note="the answer is not from an Assay service")
    standing = ServiceStatus.READY if ready.is_success else ServiceStatus.STARTING
    return ServiceState(name, address, standing, sum(lags.values()) if lags else None, lags)


def lags_in(metrics: str) -> Mapping[str, int]:
    """Return the unread records by reader of a service; raise ValueError if the text has no valid metrics."""
    lags: Counter[str] = Counter()
    for service, partition, value in _samples(metrics):
        topic = partition.rpartition("/")[0]  # the archive reads many topics and names them
        lags[f"{service}, {topic}" if topic else service] += int(value)
    return dict(lags)


def _samples(metrics: str) -> Iterable[tuple[str, str, float]]:
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == _LAG:
                yield sample.labels.get("service", "?"), sample.labels.get("partition", ""), sample.value


async def ask_kafka(settings: RuntimeSettings) -> Broker:
    """Return the address, cluster id and number of brokers of Kafka, or why it cannot be reached."""
    try:
        address = kafka_address(settings)
    except NoKafkaError as error:
        return Broker("", problem=str(error))
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await _describe(settings, address)
    except (KafkaError, OSError, TimeoutError) as error:
        return Broker(address, problem=str(error) or "no answer")


async def _describe(settings: RuntimeSettings, address: str) -> Broker:
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    finally:
        await admin.close()
    return Broker(address, str(cluster["cluster_id"]), len(cluster["brokers"]))
