"""`assay connect`, `assay connections`, `assay disconnect`: labelling platforms."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from schemas.control import Connection
from services.cli.console import escape, fail, out, plain_errors
from services.gateway.connecting import Connected, Wish, connect, disconnect, projects_of
from services.gateway.connections import (
    ConnectionExistsError,
    Connections,
    NoSuchConnectionError,
    Secrets,
    new_hook_secret,
)
from services.gateway.platforms.register import PLATFORMS
from services.gateway.settings import GatewaySettings
from services.gateway.sources.client import PlatformError
from services.runtime.control import Vault, open_control

app = typer.Typer(no_args_is_help=True, help="Connect a labelling platform.")
_FAILURES = (PlatformError, ConnectionExistsError, NoSuchConnectionError)


def _store() -> Connections:
    settings = GatewaySettings()
    return Connections(open_control(settings), Vault(settings))


def _hooks_at(given: str | None) -> str:
    settings = GatewaySettings()
    scheme = "http" if settings.gateway_certificate_file is None else "https"
    return (given or f"{scheme}://{settings.gateway_host}:{settings.gateway_port}").rstrip("/")


@app.command("label-studio")
@plain_errors
def label_studio(  # noqa: PLR0913, PLR0917  # options of a command
    url: Annotated[str, typer.Option(help="Where Label Studio is, e.g. http://127.0.0.1:8080.")],
    project: Annotated[str, typer.Option(help="The project's number there (it is in its address), or `all`.")],
    token: Annotated[str, typer.Option(envvar="LABEL_STUDIO_TOKEN", prompt=True, hide_input=True, help="API token.")],
    name: Annotated[str | None, typer.Option(help="The connection's name; else label-studio-NUMBER.")] = None,
    into: Annotated[str | None, typer.Option(help="Assay's project; else the connection's name.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Where Label Studio reaches the gateway.")] = None,
    control: Annotated[list[str] | None, typer.Option(help="The control that holds the label, the best first.")] = None,
    item_field: Annotated[str | None, typer.Option(help="The field of the task's data with the item's id.")] = None,
    text_field: Annotated[str | None, typer.Option(help="The field of the task's data with the text.")] = None,
    *,
    follow: Annotated[bool, typer.Option(help="Connect new projects, too, as they are made.")] = False,
    write_back: Annotated[bool, typer.Option(help="Write consensus and findings back to Label Studio.")] = False,
) -> None:
    """Connect a Label Studio project: register the webhook, fetch what is there, then keep both in step.

    Example: assay connect label-studio --url http://127.0.0.1:8080 --project 3 --into ads-safety
    """
    settings = {"controls": control or [], "item_field": item_field, "text_field": text_field}
    wish = Wish("label-studio", url, token, project, _hooks_at(gateway), name, into, follow, write_back, settings)
    try:
        made = asyncio.run(_connect(wish, project))
    except _FAILURES as error:
        fail(str(error))
    for one in (each.connection for each in made):
        out.print(
            f"[green]✓[/] {one.name}: project {one.platform_project} of {one.url} → Assay's project "
            f"[bold]{one.project}[/]; its webhook posts to {wish.hooks_at}/v1/hooks/{one.name}",
            highlight=False,
        )
    out.print("The gateway fetches the history and keeps both in step while it runs: `assay connections` shows it.")


async def _connect(wish: Wish, project: str) -> list[Connected]:
    store, now = _store(), datetime.now(UTC)
    numbers = await projects_of(wish.url, wish.token) if project == "all" else [project]
    return [await connect(store, replace(wish, number=number), now) for number in numbers]


@app.command("webhook")
@plain_errors
def webhook(
    platform: Annotated[str, typer.Argument(help=f"One of: {', '.join(PLATFORMS)}.")],
    name: Annotated[str, typer.Option(help="The connection's name; it is part of the webhook's address.")],
    into: Annotated[str, typer.Option(help="Assay's project.")],
    secret: Annotated[str | None, typer.Option(help="The platform's signing secret; else one is made.")] = None,
    header: Annotated[str | None, typer.Option(help="The header that carries it, where that can be chosen.")] = None,
    control: Annotated[list[str] | None, typer.Option(help="The question or field that holds the label.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Where the platform reaches the gateway.")] = None,
) -> None:
    """Take the webhooks of any platform that Assay can read; you register the address there yourself.

    Example: assay connect webhook argilla --name tickets --into tickets --secret SECRET
    """
    if platform not in PLATFORMS:
        fail(f"there is no platform '{platform}'; there are: {', '.join(PLATFORMS)}")
    made = secret or new_hook_secret()
    connection = Connection(
        name=name, platform=platform, project=into, secrets="", created_at=datetime.now(UTC),
        settings={"controls": control or [], "header": header},
    )  # fmt: skip
    try:
        _store().add(connection, Secrets((made,)))
    except ConnectionExistsError as error:
        fail(str(error))
    out.print(f"[green]✓[/] {name}: let {platform} post to {_hooks_at(gateway)}/v1/hooks/{name}", highlight=False)
    if secret is None:
        out.print("Its secret, shown only now:")
        typer.echo(made)


@plain_errors
def connections() -> None:
    """Show every connection: last event, when it was last asked, what webhooks brought and what was recovered.

    Example: assay connections
    """
    now = datetime.now(UTC)
    table = Table("connection", "into", "last event", "asked", "webhooks", "recovered", "known", "refused", box=None)
    for column in table.columns[4:]:
        column.justify = "right"
    every = _store().all()
    for one in every:
        table.add_row(
            one.name, one.project, _ago(one.last_event_at, now), _ago(one.polled_at, now),
            f"{one.webhooks:,}", f"{one.recovered:,}", f"{one.duplicates:,}", f"{one.refused:,}",
        )  # fmt: skip
    out.print(table if every else "nothing is connected yet: `assay connect --help`")
    for one in every:
        if one.problem is not None:
            out.print(f"[bold red]![/] {one.name}: {escape(one.problem)}", highlight=False)


@plain_errors
def disconnect_one(name: Annotated[str, typer.Argument(help="The connection's name.")]) -> None:
    """Take a connection's webhook away and forget it; what was published stays.

    Example: assay disconnect label-studio-3
    """
    store = _store()
    try:
        asyncio.run(disconnect(store, name))
    except _FAILURES as error:
        fail(str(error))
    out.print(f"[green]✓[/] {name} is disconnected")


@plain_errors
def rotate(name: Annotated[str, typer.Argument(help="The connection's name.")]) -> None:
    """Make a new webhook secret; the one before stays valid until the next rotation.

    Example: assay rotate label-studio-3
    """
    store = _store()
    try:
        found = store.get(name)
    except NoSuchConnectionError as error:
        fail(str(error))
    before, made = store.secrets_of(found), new_hook_secret()
    store.set_secrets(name, Secrets((made, *before.hooks[:1]), before.token, before.webhook_id))
    out.print(f"[green]✓[/] {name} has a new secret, shown only now; set it at the platform, the old one still works:")
    typer.echo(made)


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    seconds = max(0.0, (now - moment).total_seconds())
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word} ago"
    return f"{seconds:.0f} s ago"
