"""`assay connections`, `assay disconnect`, `assay rotate`: manage connections to platforms."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from assay_services.gateway.reconcile.connect import disconnect
from assay_services.gateway.reconcile.sources.http_client import PlatformError
from assay_services.gateway.settings import GatewaySettings
from assay_services.stores.control.connection_store import (
    ConnectionStore,
    NoSuchConnectionError,
    Secrets,
    new_hook_secret,
)
from assay_services.stores.control.database import open_control
from assay_services.stores.control.vault import Vault
from assay_services.terminal import escape, fail, out, plain_errors


def open_connections() -> ConnectionStore:
    """Open the control database and return its connections."""
    settings = GatewaySettings()
    return ConnectionStore(open_control(settings), Vault(settings))


@plain_errors
def connections() -> None:
    """Show all connections, their traffic and their problems.

    The table has the last event, the last poll, how many events webhooks delivered and how many polling recovered.
    Below it stand each connection's problem, and what was left out of its annotations, by tag or shape.

    Example: assay connections
    """
    now = datetime.now(UTC)
    table = Table(
        "connection", "platform", "into", "last event", "asked", "webhooks", "recovered", "known", "refused", box=None
    )
    for column in table.columns[5:]:
        column.justify = "right"
    store = open_connections()
    every, unread = store.all(), store.unread()
    for one in every:
        table.add_row(
            one.name, one.platform, one.project, _ago(one.last_event_at, now), _ago(one.polled_at, now),
            f"{one.webhooks:,}", f"{one.recovered:,}", f"{one.duplicates:,}", f"{one.refused:,}",
        )  # fmt: skip
    out.print(table if every else "nothing is connected yet: `assay connect --help`")
    for one in every:
        if one.problem is not None:
            out.print(f"[bold red]![/] {one.name}: {escape(one.problem)}", highlight=False)
        if one.name in unread:
            parts = ", ".join(f"{count:,} {what}" for what, count in unread[one.name].items())
            out.print(f"[yellow]·[/] {one.name}: left out of annotations: {escape(parts)}", highlight=False)


@plain_errors
def disconnect_one(name: Annotated[str, typer.Argument(help="The connection's name.")]) -> None:
    """Disconnect a platform and remove its webhook.

    Published annotations stay on their topics.

    Example: assay disconnect label-studio-3
    """
    store = open_connections()
    try:
        asyncio.run(disconnect(store, name))
    except (PlatformError, NoSuchConnectionError) as error:
        fail(str(error))
    out.print(f"[green]✓[/] {name} is disconnected")


@plain_errors
def rotate(name: Annotated[str, typer.Argument(help="The connection's name.")]) -> None:
    """Give a connection a new signing secret.

    The previous secret stays valid until the next rotation.

    Example: assay rotate label-studio-3
    """
    store = open_connections()
    try:
        found = store.get(name)
    except NoSuchConnectionError as error:
        fail(str(error))
    before, made = store.secrets_of(found), new_hook_secret()
    store.set_secrets(name, Secrets((made, *before.hooks[:1]), before.token, before.webhook_id))
    out.print(f"[green]✓[/] {name} has a new secret, shown only once. Set it at the platform; the old one still works:")
    typer.echo(made)


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    seconds = max(0.0, (now - moment).total_seconds())
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word} ago"
    return f"{seconds:.0f} s ago"
