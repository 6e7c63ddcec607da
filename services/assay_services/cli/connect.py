"""`assay connect`: connect labelling platforms."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from assay_schemas.annotation import ProjectId
from assay_services.cli.connections import open_connections
from assay_services.cli.platform_options import SET_HELP, read_options
from assay_services.gateway.core.platforms import generic
from assay_services.gateway.core.platforms.registry import PLATFORMS
from assay_services.gateway.reconcile.connect import Connected, ConnectionRequest, connect, hook_address, projects_of
from assay_services.gateway.reconcile.sources.http_client import PlatformError
from assay_services.gateway.settings import GatewaySettings
from assay_services.ingest.contract_files.mapping_file import load_mapping
from assay_services.stores.control.connection_store import (
    ConnectionExistsError,
    NoSuchConnectionError,
    Secrets,
    new_hook_secret,
)
from assay_services.stores.control.tables.connections_and_keys import Connection
from assay_services.terminal import escape, fail, out, plain_errors

app = typer.Typer(no_args_is_help=True, help="Connect labelling platforms: their webhooks and their API.")
_FAILURES = (PlatformError, ConnectionExistsError, NoSuchConnectionError)

_ConnectionName = Annotated[str | None, typer.Option(help="The connection's name. Default: PLATFORM-PROJECT.")]
_Into = Annotated[str | None, typer.Option(help="Assay's project. Default: the connection's name.")]
_Gateway = Annotated[str | None, typer.Option(help="The gateway's address as the platform sees it.")]
_Set = Annotated[list[str] | None, typer.Option("--set", help=SET_HELP)]
_WriteBack = Annotated[bool, typer.Option(help="Write consensus and findings back to the platform.")]


def _token(variable: str, what: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(envvar=variable, prompt=what, hide_input=True, help=what)
    return found


def _hooks_at(given: str | None) -> str:
    settings = GatewaySettings()
    scheme = "http" if settings.gateway_certificate_file is None else "https"
    return (given or f"{scheme}://{settings.gateway_host}:{settings.gateway_port}").rstrip("/")


@app.command("label-studio")
@plain_errors
def label_studio(  # noqa: PLR0913, PLR0917  # options of a command
    url: Annotated[str, typer.Option(help="Label Studio's address, e.g. http://127.0.0.1:8080.")],
    project: Annotated[str, typer.Option(help="The project's number there (it is in its address), or `all`.")],
    token: Annotated[str, _token("LABEL_STUDIO_TOKEN", "API token")],
    name: _ConnectionName = None,
    into: _Into = None,
    gateway: _Gateway = None,
    control: Annotated[
        list[str] | None, typer.Option(help="The control with the label, in order of preference.")
    ] = None,
    item_field: Annotated[str | None, typer.Option(help="The field of the task's data with the item's id.")] = None,
    text_field: Annotated[str | None, typer.Option(help="The field of the task's data with the text.")] = None,
    options: _Set = None,
    *,
    follow: Annotated[bool, typer.Option(help="Also connect new projects when they are created.")] = False,
    write_back: _WriteBack = False,
) -> None:
    """Connect a Label Studio project: register the webhook, fetch what exists, then keep both in step.

    Example: assay connect label-studio --url http://127.0.0.1:8080 --project 3 --into ads-safety
    """
    short = {"item-field": item_field, "text-field": text_field}
    given = [f"{key}={value}" for key, value in short.items() if value is not None]
    given += [f"control={one}" for one in control or []]
    wish = _wish("label-studio", url, token, project, name, into, gateway, [*(options or []), *given])
    _made(replace(wish, follow=follow, write_back=write_back))


@app.command("cvat")
@plain_errors
def cvat(  # options of a command
    url: Annotated[str, typer.Option(help="CVAT's address, e.g. https://app.cvat.ai.")],
    project: Annotated[str, typer.Option(help="The project's number there; it is in its address.")],
    token: Annotated[str, _token("CVAT_TOKEN", "API token")],
    name: _ConnectionName = None,
    into: _Into = None,
    gateway: _Gateway = None,
    options: _Set = None,
) -> None:
    """Connect a CVAT project: register the webhook, fetch what exists, then keep both in step.

    CVAT does not record who drew a shape: it is attributed to the job's assignee, or else to `--set annotator=…`.

    Example: assay connect cvat --url https://app.cvat.ai --project 7 --into street
    """
    _made(_wish("cvat", url, token, project, name, into, gateway, options))


@app.command("toloka")
@plain_errors
def toloka(  # options of a command
    pool: Annotated[str, typer.Option(help="The pool's id; it is in its address.")],
    token: Annotated[str, _token("TOLOKA_TOKEN", "API token")],
    url: Annotated[str, typer.Option(help="The address of Toloka's API.")] = "https://api.toloka.dev",
    name: _ConnectionName = None,
    into: _Into = None,
    gateway: _Gateway = None,
    options: _Set = None,
) -> None:
    """Connect a pool of Toloka: fetch what exists, then keep both in step.

    Example: assay connect toloka --pool 1234567 --into ads-safety --set control=verdict --set item-field=ad_id
    """
    _made(_wish("toloka", url, token, pool, name, into, gateway, options))


@app.command("argilla")
@plain_errors
def argilla(  # options of a command
    url: Annotated[str, typer.Option(help="Argilla's address, e.g. http://127.0.0.1:6900.")],
    dataset: Annotated[str, typer.Option(help="The dataset's id; it is in its address.")],
    token: Annotated[str, _token("ARGILLA_API_KEY", "API key")],
    name: _ConnectionName = None,
    into: _Into = None,
    gateway: _Gateway = None,
    options: _Set = None,
    *,
    write_back: _WriteBack = False,
) -> None:
    """Connect a dataset of Argilla: register the webhook, fetch what exists, then keep both in step.

    Example: assay connect argilla --url http://127.0.0.1:6900 --dataset 4c0d… --into tickets --set control=sentiment
    """
    wish = _wish("argilla", url, token, dataset, name, into, gateway, options)
    _made(replace(wish, write_back=write_back))


@app.command("doccano")
@plain_errors
def doccano(  # options of a command
    url: Annotated[str, typer.Option(help="doccano's address, e.g. http://127.0.0.1:8000.")],
    project: Annotated[str, typer.Option(help="The project's number there; it is in its address.")],
    token: Annotated[str, _token("DOCCANO_TOKEN", "API token")],
    name: _ConnectionName = None,
    into: _Into = None,
    options: _Set = None,
) -> None:
    """Connect a doccano project. It has no webhooks, so Assay reads the whole project repeatedly.

    Example: assay connect doccano --url http://127.0.0.1:8000 --project 2 --into tickets
    """
    _made(_wish("doccano", url, token, project, name, into, None, options))


@app.command("webhook")
@plain_errors
def webhook(  # noqa: PLR0913, PLR0917  # options of a command
    platform: Annotated[str, typer.Argument(help=f"One of: {', '.join(PLATFORMS)}.")],
    name: Annotated[str, typer.Option(help="The connection's name; it is part of the webhook's address.")],
    into: Annotated[str, typer.Option(help="Assay's project.")],
    secret: Annotated[str | None, typer.Option(help="The platform's signing secret. Default: a new one.")] = None,
    header: Annotated[str | None, typer.Option(help="The header with the secret, if the platform allows it.")] = None,
    control: Annotated[list[str] | None, typer.Option(help="The question or field that holds the label.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="The mapping in YAML, for the platform `generic`.")] = None,
    gateway: _Gateway = None,
    options: _Set = None,
) -> None:
    """Receive the webhooks of any platform that Assay can read; you register the address there yourself.

    Example: assay connect webhook argilla --name tickets --into tickets --secret SECRET
    """
    if platform not in PLATFORMS:
        fail(f"there is no platform '{platform}'; there are: {', '.join(PLATFORMS)}")
    if (platform == generic.NAME) != (mapping is not None):
        fail("the platform `generic` needs a --mapping, and no other accepts one; see docs/generic-mapping.yaml")
    given = [f"control={one}" for one in control or []] + ([] if header is None else [f"header={header}"])
    chosen, made = read_options([*(options or []), *given]), secret or new_hook_secret()
    kept = {} if mapping is None else {"mapping": load_mapping(mapping).model_dump(mode="json", exclude_defaults=True)}
    connection = Connection(
        name=name, platform=platform, project=into, secrets="", created_at=datetime.now(UTC),
        platform_project=chosen.last("platform-project"),
        settings={**chosen.stored(), **kept, "hooks_at": _hooks_at(gateway)},
    )  # fmt: skip
    try:
        open_connections().add(connection, Secrets((made,)))
    except ConnectionExistsError as error:
        fail(str(error))
    out.print(
        f"[green]✓[/] {escape(name)}: let {platform} post to {_hooks_at(gateway)}/v1/hooks/{escape(name)}",
        highlight=False,
    )
    if secret is None:
        _show_secret(made)


def _wish(  # the options that all platforms with an API share
    platform: str, url: str, token: str, number: str, name: str | None, into: str | None, gateway: str | None,
    options: list[str] | None,
) -> ConnectionRequest:  # fmt: skip
    project, settings = None if into is None else ProjectId(into), read_options(options or []).stored()
    return ConnectionRequest(platform, url, token, number, _hooks_at(gateway), name, project, settings=settings)


def _made(wish: ConnectionRequest) -> None:
    """Connect, and print what was done and what is left to do."""
    try:
        made = asyncio.run(_connect(wish))
    except _FAILURES as error:
        fail(str(error))
    for one in made:
        connection = one.connection
        out.print(
            f"[green]✓[/] {escape(connection.name)}: {connection.platform} {connection.platform_project} of "
            f"{connection.url} → Assay's project [bold]{escape(connection.project)}[/]"
            + ("" if one.secret else f"; its webhook posts to {hook_address(connection)}"),
            highlight=False,
        )
        if one.secret is not None:
            _print_manual_steps(connection, one.secret)
    out.print("The gateway fetches the history and keeps both in step while it runs: `assay connections` shows it.")


async def _connect(wish: ConnectionRequest) -> list[Connected]:
    store, now = open_connections(), datetime.now(UTC)
    everything = wish.platform == "label-studio" and wish.number == "all"
    numbers = await projects_of(wish.url, wish.token) if everything else [wish.number]
    return [await connect(store, replace(wish, number=number), now) for number in numbers]


def _print_manual_steps(connection: Connection, secret: str) -> None:
    settings = GatewaySettings()
    if connection.platform == "doccano":
        out.print(f"doccano has no webhooks: the whole project is read every {settings.sweep_seconds:g} s.")
        return
    out.print(
        f"Later rejections and acceptances are found every {settings.sweep_seconds:g} s; at once, if you subscribe "
        f"the pool's events ASSIGNMENT_SUBMITTED, _SKIPPED, _APPROVED, _REJECTED (PUT {connection.url}/api/v1/"
        f"webhook-subscriptions) with webhook_url {hook_address(connection)} and the secret_key below.",
        highlight=False,
    )
    _show_secret(secret)


def _show_secret(secret: str) -> None:
    out.print("Its secret, which is shown only once:")
    typer.echo(secret)
