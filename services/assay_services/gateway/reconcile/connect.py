"""Connect a platform's project: check it, register its webhook, store the connection."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from assay_schemas.annotation import ProjectId
from assay_services.gateway.core.decode_result import DecodeContext
from assay_services.gateway.reconcile.sources.label_studio_api import LabelStudioApi
from assay_services.gateway.reconcile.sources.label_studio_source import HEADER
from assay_services.gateway.reconcile.sources.source import PlatformSource, Setting
from assay_services.gateway.reconcile.sources.source_registry import SOURCES
from assay_services.stores.control.connection_store import ConnectionStore, Secrets, new_hook_secret
from assay_services.stores.control.tables.connections_and_keys import Connection

_KEPT = {"controls", "item_field", "text_field", "attributes", "annotator"}
_HEADERS = {"label-studio": HEADER}


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """A connection to create. `hooks_at` is the gateway's address as the platform sees it, without a path.

    `name` and `project` None are derived from the platform and its project `number`. `follow`: also connect new
    projects.
    """

    platform: str
    url: str
    token: str
    number: str
    hooks_at: str
    name: str | None = None
    project: ProjectId | None = None
    follow: bool = False
    write_back: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connected:
    """A new connection. `secret` is for a webhook that a person has to register; None: it is registered."""

    connection: Connection
    secret: str | None = None


def hook_address(connection: Connection) -> str:
    """Return the address that a connection's platform posts to."""
    return f"{connection.settings['hooks_at']}/v1/hooks/{connection.name}"


async def connect(connections: ConnectionStore, wish: ConnectionRequest, now: datetime) -> Connected:
    """Connect one project. Raise PlatformError or ConnectionExistsError; in that case nothing is changed."""
    async with _source(wish.platform, wish.url, wish.token, wish.number) as source:
        await source.check()
        name = wish.name or f"{wish.platform}-{wish.number}"
        connection = Connection(
            name=name,
            platform=wish.platform,
            project=wish.project or name,
            platform_project=wish.number,
            url=wish.url,
            secrets="",
            settings={
                **wish.settings,
                "hooks_at": wish.hooks_at,
                "follow": wish.follow,
                "header": wish.settings.get("header") or _HEADERS.get(wish.platform),
            },
            write_back=wish.write_back,
            created_at=now,
        )
        secret = new_hook_secret()
        connections.add(connection, Secrets((secret,), wish.token))
        try:
            made = await source.register_webhook(hook_address(connection), secret)
        except BaseException:
            connections.remove(name)
            raise
    if made is not None:
        connections.set_secrets(name, Secrets((made.secret or secret,), wish.token, made.id))
    return Connected(connections.get(name), secret if made is None else None)


async def disconnect(connections: ConnectionStore, name: str) -> None:
    """Remove a connection and its webhook."""
    connection = connections.get(name)
    secrets = connections.secrets_of(connection)
    if secrets.webhook_id is not None and connection.url is not None:
        number = connection.platform_project or ""
        async with _source(connection.platform, connection.url, secrets.token or "", number) as source:
            await source.remove_webhook(secrets.webhook_id)
    connections.remove(name)


def _source(platform: str, url: str, token: str, number: str) -> PlatformSource:
    nothing = DecodeContext(project=None, now=datetime.min)  # noqa: DTZ901  # nothing is decoded
    return SOURCES[platform](Setting(url, token, number, nothing))


async def projects_of(url: str, token: str) -> list[str]:
    """Return the ids of a Label Studio's projects."""
    async with LabelStudioApi(url, token) as api:
        return [number async for number in api.projects()]


async def connect_new_projects(connections: ConnectionStore, one: Connection, now: datetime) -> list[str]:
    """Connect projects that are not connected yet, with the settings of this connection; return their names."""
    known = {each.platform_project for each in connections.all() if each.url == one.url}
    url, token = one.url or "", connections.secrets_of(one).token or ""
    wish = ConnectionRequest(
        platform=one.platform,
        url=url,
        token=token,
        number="",
        hooks_at=str(one.settings["hooks_at"]),
        write_back=one.write_back,
        settings={key: value for key, value in one.settings.items() if key in _KEPT},
    )
    fresh = [number for number in await projects_of(url, token) if number not in known]
    return [(await connect(connections, replace(wish, number=number), now)).connection.name for number in fresh]
