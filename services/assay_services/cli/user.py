"""`assay user`: manage the console's users and their roles."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from assay_services.stores.control.database import ControlSettings, open_control
from assay_services.stores.control.passwords import PasswordTooWeak
from assay_services.stores.control.tables.accounts import Role
from assay_services.stores.control.users import UserError, UserStore
from assay_services.terminal import escape, fail, out, plain_errors, print_rows

app = typer.Typer(no_args_is_help=True, help="Users of the console: add, list, change.")
_UserName = Annotated[str, typer.Argument(help="The name to sign in with.")]
_Password = Annotated[
    str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="12 characters or more; asked for.")
]


@app.command("add")
@plain_errors
def add(name: _UserName, role: Annotated[Role, typer.Option(help="What they may do.")], password: _Password) -> None:
    """Create a user. Asks for the password twice.

    Example: assay user add anna --role reviewer
    """
    try:
        user = _users().add(name, role, now=datetime.now(UTC), password=password)
    except (UserError, PasswordTooWeak) as wrong:
        fail(str(wrong))
    out.print(f"[green]✓[/] {escape(user.name)} is a {user.role.value}")


@app.command("list")
@plain_errors
def show(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False) -> None:
    """Show all users: their role, when they were last seen, whether they are disabled.

    Example: assay user list
    """
    rows = [
        {
            "name": user.name,
            "role": user.role.value,
            "last seen": "never" if user.last_seen_at is None else f"{user.last_seen_at:%Y-%m-%d %H:%M}Z",
            "state": "disabled" if user.disabled else "active",
        }
        for user in _users().all()
    ]
    columns = ("name", "role", "last seen", "state")
    print_rows(rows, columns, as_json=as_json, empty="no user yet; the console prints a link for the first admin")


@app.command("role")
@plain_errors
def role(name: _UserName, role: Annotated[Role, typer.Argument(help="What they may do from now on.")]) -> None:
    """Change a user's role; they are signed out everywhere.

    Example: assay user role anna lead
    """
    _change(name, role=role)


@app.command("disable")
@plain_errors
def disable(name: _UserName) -> None:
    """Disable a user; they are signed out everywhere.

    Example: assay user disable anna
    """
    _change(name, disabled=True)


@app.command("enable")
@plain_errors
def enable(name: _UserName) -> None:
    """Enable a disabled user.

    Example: assay user enable anna
    """
    _change(name, disabled=False)


@app.command("password")
@plain_errors
def password(name: _UserName, password: _Password) -> None:
    """Set a user's password; they are signed out everywhere.

    Example: assay user password anna
    """
    _change(name, password=password)


def _change(name: str, *, role: Role | None = None, password: str | None = None, disabled: bool | None = None) -> None:
    try:
        user = _users().change(name, role=role, password=password, disabled=disabled)
    except (UserError, PasswordTooWeak) as wrong:
        fail(str(wrong))
    out.print(f"[green]✓[/] {escape(user.name)} is {'disabled' if user.disabled else 'a ' + user.role.value}")


def _users() -> UserStore:
    return UserStore(open_control(ControlSettings()))
