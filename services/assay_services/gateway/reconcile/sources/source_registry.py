"""The platforms that can be asked, by name."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from assay_services.gateway.core.decode_result import DecodeContext, FetchTarget
from assay_services.gateway.core.platforms import argilla, cvat, doccano, label_studio, toloka
from assay_services.gateway.decode_context import asked_of, settings_of
from assay_services.gateway.reconcile.sources.argilla_source import Argilla
from assay_services.gateway.reconcile.sources.cvat_source import Cvat
from assay_services.gateway.reconcile.sources.doccano_source import Doccano
from assay_services.gateway.reconcile.sources.label_studio_source import LabelStudio
from assay_services.gateway.reconcile.sources.source import PlatformSource, Seen, Setting, nothing_copied
from assay_services.gateway.reconcile.sources.toloka_source import Toloka
from assay_services.stores.control.connection_store import ConnectionStore
from assay_services.stores.control.published_index import PublishedIndex
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
"""How to make the source of each platform that has an API."""


def can_be_asked(connection: Connection) -> bool:
    """Tell whether a connection has an API that we read."""
    return connection.platform in SOURCES and bool(connection.url)


def source_of(
    connection: Connection,
    connections: ConnectionStore,
    held: PublishedIndex,
    now: datetime,
    *,
    remembering: bool = True,
) -> PlatformSource:
    """Return the source of a connection that can be asked. Raise PlatformError where its address is none.

    Without `remembering` what was read before is left aside, so that all of it is news.
    """
    setting = replace(
        setting_of(connection, connections),
        asked=asked_of(connection, held, now),
        copy_of=held.copy if remembering else nothing_copied,
    )
    return SOURCES[connection.platform](setting)


def setting_of(connection: Connection, connections: ConnectionStore) -> Setting:
    """Return what is needed to speak to a connection's platform, without anything that is held."""
    return Setting(
        url=connection.url or "",
        token=connections.secrets_of(connection).token or "",
        number=connection.platform_project or "",
        asked=DecodeContext(project=connection.project, now=connection.created_at, default=settings_of(connection)),
    )


async def everything_on(source: PlatformSource) -> AsyncIterator[Seen]:
    """Yield every thing as it is now. Of a source without memory all annotations."""
    if source.polled:
        async for seen in source.changed_since(None):
            yield seen
        return
    async for listed in source.everything():
        found = listed.seen or await source.one(FetchTarget(source.kind, listed.id))
        if found is not None:
            yield found
