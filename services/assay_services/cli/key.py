"""`assay key`: manage API keys of the gateway and the console."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from assay_services.stores.control.api_keys import ApiKeyStore, NoSuchKeyError
from assay_services.stores.control.database import ControlSettings, open_control
from assay_services.stores.control.tables.connections_and_keys import Scope
from assay_services.terminal import fail, out, plain_errors, print_rows

app = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke.")


@app.command("create")
@plain_errors
def create(
    name: Annotated[str, typer.Option(help="Who or what will use it.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; repeat for more.")],
    *,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the key and nothing else.")] = False,
) -> None:
    """Create an API key. It is shown once: only its digest is stored.

    Example: assay key create --name importer --scope write
    """
    key, text = ApiKeyStore(open_control(ControlSettings())).create(name, scope, now=datetime.now(UTC))
    if quiet:
        typer.echo(text)
        return
    out.print(f"[green]✓[/] key {key.id} for {name}: {key.scopes}. It is shown only once:")
    typer.echo(text)


@app.command("list")
@plain_errors
def show(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False) -> None:
    """Show all keys: their scopes and when they were last used. The keys themselves are never shown.

    Example: assay key list
    """
    rows = [
        {
            "id": key.id,
            "name": key.name,
            "scopes": key.scopes,
            "created": _time(key.created_at),
            "last used": _time(key.last_used_at),
            "state": "in force" if key.revoked_at is None else f"revoked {_time(key.revoked_at)}",
        }
        for key in ApiKeyStore(open_control(ControlSettings())).all()
    ]
    columns = ("id", "name", "scopes", "created", "last used", "state")
    print_rows(rows, columns, as_json=as_json, empty="no key yet: assay key create --name NAME --scope write")


@app.command("revoke")
@plain_errors
def revoke(key: Annotated[str, typer.Argument(help="The id that `assay key list` shows.")]) -> None:
    """Revoke a key. It stops working within two seconds.

    Example: assay key revoke 3f9a41c2d7e0
    """
    try:
        found = ApiKeyStore(open_control(ControlSettings())).revoke(key, now=datetime.now(UTC))
    except NoSuchKeyError as error:
        fail(str(error))
    out.print(f"[green]✓[/] {found.id} ({found.name}) is revoked")


def _time(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M}Z"
