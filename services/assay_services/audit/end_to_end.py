"""Compare the live annotations of each connected platform with the gateway, Kafka and the archive."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlmodel import Session, select

from assay_schemas.annotation import Action, AnnotatorId, ItemId
from assay_schemas.topics import ANNOTATIONS
from assay_services.archive.settings import ArchiveSettings
from assay_services.engine.contract_table import read_contracts
from assay_services.engine.kafka import partition_reader
from assay_services.engine.settings import RuntimeSettings
from assay_services.gateway.core.supersession import ItemAnnotator
from assay_services.gateway.decode_context import LabelKindOf, label_kinds
from assay_services.gateway.published_index import PublishedIndex
from assay_services.gateway.reconcile.sources.http_client import PlatformError
from assay_services.gateway.reconcile.sources.source_registry import can_be_asked, everything_on, source_of
from assay_services.gateway.settings import GatewaySettings
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.control.connection_store import ConnectionStore
from assay_services.stores.control.database import open_control
from assay_services.stores.control.tables.connections_and_keys import Connection, HeldAnnotation
from assay_services.stores.control.vault import Vault

STATIONS = ("gateway", "Kafka", "archive")
_SHOWN = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Newest = dict[ItemAnnotator, tuple[datetime, str | None]]
"""The time of the newest annotation, and its id on the platform; None: it was deleted."""


@dataclass(frozen=True, slots=True)
class ChainAudit:
    """The audit of one connection: the platform's ids of live annotations per station, by item and annotator."""

    connection: str
    platform: Mapping[ItemAnnotator, str]
    stations: Mapping[str, Mapping[ItemAnnotator, str]] = field(default_factory=dict)
    failure: str | None = None

    @property
    def problems(self) -> list[str]:
        """Return what is missing or surplus at each station, in words."""
        if self.failure is not None:
            return [self.failure]
        return [
            f"{station} {what} {len(places)}: {_named(places)}"
            for station, there in self.stations.items()
            for what, places in (
                ("lacks", [place for place in self.platform if there.get(place) != self.platform[place]]),
                ("has beyond the platform", [place for place in there if place not in self.platform]),
            )
            if places
        ]


def audit_chain() -> list[ChainAudit]:
    """Audit every connection whose platform has an API that Assay reads."""
    settings = GatewaySettings()
    connections = ConnectionStore(open_control(settings), Vault(settings))
    found = [one for one in connections.all() if can_be_asked(one)]
    if not found:
        return []
    on_topic, contracts = asyncio.run(_on_the_topic(settings)), asyncio.run(read_contracts(settings))
    return [_audit(one, connections, settings, on_topic, label_kinds(contracts)) for one in found]


def _audit(
    connection: Connection,
    connections: ConnectionStore,
    settings: GatewaySettings,
    on_topic: Mapping[str, Newest],
    kind_of: LabelKindOf,
) -> ChainAudit:
    engine = open_control(settings)
    held = PublishedIndex(engine, connection.name)
    try:
        platform = asyncio.run(_on_the_platform(connection, connections, held, kind_of))
    except PlatformError as error:
        return ChainAudit(connection.name, {}, failure=str(error))
    with Session(engine) as session:
        rows = session.exec(select(HeldAnnotation).where(HeldAnnotation.connection == connection.name)).all()
    gateway = _newest((ItemId(one.item), AnnotatorId(one.annotator), one.occurred_at, one.annotation) for one in rows)
    stations = {
        "gateway": _live_annotations(gateway),
        "Kafka": _live_annotations(on_topic.get(_source(connection), {})),
        "archive": _live_annotations(_in_the_archive(connection)),
    }
    return ChainAudit(connection.name, platform, stations)


async def _on_the_platform(
    connection: Connection, connections: ConnectionStore, held: PublishedIndex, kind_of: LabelKindOf
) -> Mapping[ItemAnnotator, str]:
    """Return the live annotations on the platform; unreadable ones get a key that no other station has."""
    said: list[tuple[ItemId, AnnotatorId, datetime, str | None]] = []
    now = datetime.now(UTC)
    async with source_of(connection, connections, held, now, remembering=False, kind_of=kind_of) as source:
        async for seen in everything_on(source):
            live = {str(one.source and one.source.annotation): one for one in seen.annotations}
            said += [
                (one.item.id, one.annotator.id, one.occurred_at, None if one.action is Action.DELETED else number)
                for number, one in live.items()
            ]
            said += [
                (ItemId(f"unreadable {number}"), AnnotatorId("?"), _EPOCH, number)
                for number in (seen.here or set()) - live.keys()
            ]
    return _live_annotations(_newest(said))


async def _on_the_topic(settings: RuntimeSettings) -> dict[str, Newest]:
    """Return the newest annotations on the topic, by platform and platform project."""
    found: dict[str, list[tuple[ItemId, AnnotatorId, datetime, str | None]]] = {}
    for number in range(settings.partitions):
        async with partition_reader(settings, ANNOTATIONS.name, number) as reader:
            async for batch in reader.batches():
                for record in batch:
                    read = _read(record.value)
                    if read is not None:
                        found.setdefault(read[0], []).append(read[1])
    return {source: _newest(said) for source, said in found.items()}


def _read(value: bytes | None) -> tuple[str, tuple[ItemId, AnnotatorId, datetime, str | None]] | None:
    try:
        one: Any = orjson.loads(value or b"")
        source = one["source"]
        number = None if one["action"] == "deleted" else str(source["annotation"])
        said = (one["item"]["id"], one["annotator"]["id"], datetime.fromisoformat(one["occurred_at"]), number)
        return f"{source['platform']}:{source['project']}", said
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None  # sent over the API, or not an annotation: not from a platform


def _in_the_archive(connection: Connection) -> Newest:
    query = text(
        "select item, annotator, occurred_at, action, platform_annotation from annotations "
        "where platform = :platform and platform_project = :number and project = :project"
    )
    asked = {
        "platform": connection.platform,
        "number": connection.platform_project,
        "project": connection.project,
    }
    with open_engine(ArchiveSettings().database_url).connect() as archive:
        rows = archive.execute(query, asked).all()
    return _newest(
        (item, annotator, _time(at), None if action == "deleted" else number)
        for item, annotator, at, action, number in rows
    )


def _time(value: object) -> datetime:
    found = datetime.fromisoformat(str(value))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _newest(said: Iterable[tuple[ItemId, AnnotatorId, datetime, str | None]]) -> Newest:
    found: Newest = {}
    for item, annotator, at, number in said:
        before = found.get((item, annotator))
        if before is None or at >= before[0]:
            found[item, annotator] = (at, number)
    return found


def _live_annotations(found: Newest) -> dict[ItemAnnotator, str]:
    return {place: number for place, (_, number) in sorted(found.items()) if number is not None}


def _source(connection: Connection) -> str:
    return f"{connection.platform}:{connection.platform_project}"


def _named(places: Sequence[ItemAnnotator]) -> str:
    shown = ", ".join(f"{annotator} on {item}" for item, annotator in places[:_SHOWN])
    return shown + (" …" if len(places) > _SHOWN else "")
