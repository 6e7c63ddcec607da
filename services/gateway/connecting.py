"""Connect a Label Studio project: look at it, register its webhook, store the connection."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.control import Connection
from services.gateway.connections import Connections, Secrets, new_hook_secret
from services.gateway.label_studio_api import LabelStudio

HEADER = "X-Assay-Secret"
PLATFORM = "label-studio"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants connected. `hooks_at` is where the platform reaches the gateway, without a path.

    `name` and `project` None are made of the platform and its project. `follow`: connect new projects, too.
    """

    url: str
    token: str
    hooks_at: str
    name: str | None = None
    project: str | None = None
    follow: bool = False
    write_back: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


async def connect(api: LabelStudio, connections: Connections, number: str, wish: Wish, now: datetime) -> Connection:
    """Connect one project of a Label Studio. Raise PlatformError or ConnectionExistsError; then nothing is changed."""
    await api.project(number)
    name = wish.name or f"{PLATFORM}-{number}"
    connection = Connection(
        name=name,
        platform=PLATFORM,
        project=wish.project or name,
        platform_project=number,
        url=wish.url,
        secrets="",
        settings={
            **wish.settings, "header": HEADER, "hooks_at": wish.hooks_at, "follow": wish.follow, "me": await api.me(),
        },
        write_back=wish.write_back,
        created_at=now,
    )  # fmt: skip
    secret = new_hook_secret()
    connections.add(connection, Secrets((secret,), wish.token))
    try:
        webhook = await api.register_webhook(number, f"{wish.hooks_at}/v1/hooks/{name}", {HEADER: secret})
    except BaseException:
        connections.remove(name)
        raise
    connections.set_secrets(name, Secrets((secret,), wish.token, webhook))
    return connections.get(name)


async def disconnect(api: LabelStudio, connections: Connections, name: str) -> None:
    """Take a connection's webhook away and forget the connection."""
    webhook = connections.secrets_of(connections.get(name)).webhook_id
    if webhook is not None:
        await api.remove_webhook(webhook)
    connections.remove(name)


async def connect_new_projects(api: LabelStudio, connections: Connections, one: Connection, now: datetime) -> list[str]:
    """Connect the projects that nobody connected yet, like this connection; return their names."""
    known = {each.platform_project for each in connections.all() if each.url == one.url}
    kept = {"controls", "item_field", "text_field", "attributes", "annotator"}
    wish = Wish(
        url=one.url or "",
        token=connections.secrets_of(one).token or "",
        hooks_at=str(one.settings["hooks_at"]),
        write_back=one.write_back,
        settings={key: value for key, value in one.settings.items() if key in kept},
    )
    fresh = [number async for number in api.projects() if number not in known]
    return [(await connect(api, connections, number, wish, now)).name for number in fresh]
