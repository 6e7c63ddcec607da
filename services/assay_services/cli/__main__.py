"""The `assay` command: each command's module is imported when it is asked for."""

import logging
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "contract": "contract.app",
        "key": "key.app",
        "user": "user.app",
        "connect": "connect.app",
        "connections": "connections.connections",
        "disconnect": "connections.disconnect_one",
        "rotate": "connections.rotate",
        "alerts": "alerts.app",
        "subscribe": "subscribe.subscribe_one",
        "subscriptions": "subscribe.subscriptions",
        "unsubscribe": "subscribe.remove",
        "import": "data.import_files",
        "replay": "data.replay_files",
        "train": "data.train",
        "broker": "running.broker",
        "worker": "running.worker",
        "up": "running.up",
        "demo": "running.demo",
        "decode": "decode.decode",
        "tail": "looking.tail",
        "audit": "looking.audit",
        "schema": "looking.schema",
        "sql": "sql.sql",
        "forget": "forget.forget",
        "archive": "archive.app",
        "export": "export.app",
    }
)
"""Where each command is, within `assay_services.cli`."""


class _Commands(TyperGroup):
    """The commands of the table: importing all of them for one takes longer than most of them run."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002  # theirs
        return list(_COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> Any:  # noqa: ANN401, ARG002  # a command or a group
        where = _COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(".")
        found = getattr(import_module(f"assay_services.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            command: Any = get_group(found)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(found)
            command = get_command(alone)
        command.name = cmd_name
        return command


app = typer.Typer(name="assay", cls=_Commands, no_args_is_help=True, pretty_exceptions_show_locals=False)


@app.callback()
def assay() -> None:
    """Test labels as they arrive. Settings come from ASSAY_… variables or a file .env."""


def main() -> None:
    """Run the command line. Errors of Kafka reach the user as sentences, so its client need not log them too."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    app()


if __name__ == "__main__":
    main()
