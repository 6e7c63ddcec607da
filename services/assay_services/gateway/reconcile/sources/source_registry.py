"""The platforms with an API, by name."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from assay_schemas.annotation import ProjectId
from assay_services.gateway.core.decode_result import DecodeContext, FetchTarget
from assay_services.gateway.core.platforms import argilla, cvat, doccano, label_studio, toloka
from assay_services.gateway.decode_context import LabelKindOf, asked_of, kind_unknown, settings_of
from assay_services.gateway.published_index import PublishedIndex
from assay_services.gateway.reconcile.sources.argilla_source import Argilla
from assay_services.gateway.reconcile.sources.cvat_source import Cvat
from assay_services.gateway.reconcile.sources.doccano_source import Doccano
from assay_services.gateway.reconcile.sources.label_studio_source import LabelStudio
from assay_services.gateway.reconcile.sources.source import PlatformSource, Seen, Setting, nothing_copied
from assay_services.gateway.reconcile.sources.toloka_source import Toloka
from assay_services.stores.control.connection_store import ConnectionStore
from assay_services.stores.control.tables.connections_and_keys import Connection


class _SourceFactory(Protocol):
    def __call__(self, setting: Setting, /) -> PlatformSource: ...


SOURCES: Mapping[str, _SourceFactory] = {
    label_studio.NAME: LabelStudio,
    cvat.NAME: Cvat,
    toloka.NAME: Toloka,
    argilla.NAME: Argilla,
    doccano.NAME: Doccano,
}
"""The source class of each platform that has an API."""


def can_be_asked(connection: Connection) -> bool:
    """Return whether Assay can read the API of a connection's platform."""
    return connection.platform in SOURCES and bool(connection.url)


def source_of(
    connection: Connection,
    connections: ConnectionStore,
    held: PublishedIndex,
    now: datetime,
    *,
    remembering: bool = True,
    kind_of: LabelKindOf = kind_unknown,
) -> PlatformSource:
    """Return the source of a connection whose platform has an API. Raise PlatformError if its address is invalid.

    Without `remembering`, earlier copies are ignored and everything counts as new.
    """
    setting = replace(
        setting_of(connection, connections),
        asked=asked_of(connection, held, now, kind_of),
        copy_of=held.copy if remembering else nothing_copied,
    )
    return SOURCES[connection.platform](setting)


def setting_of(connection: Connection, connections: ConnectionStore) -> Setting:
    """Return what is needed to call a connection's platform, without any stored annotations."""
    return Setting(
        url=connection.url or "",
        token=connections.secrets_of(connection).token or "",
        number=connection.platform_project or "",
        asked=DecodeContext(
            project=ProjectId(connection.project), now=connection.created_at, default=settings_of(connection)
        ),
    )


async def everything_on(source: PlatformSource) -> AsyncIterator[Seen]:
    """Yield every thing in its current state; a source without memory yields all annotations."""
    if source.polled:
        async for seen in source.changed_since(None):
            yield seen
        return
    async for listed in source.everything():
        found = listed.seen or await source.one(FetchTarget(source.kind, listed.id))
        if found is not None:
            yield found
