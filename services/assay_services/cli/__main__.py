"""The `assay` command. A command's module is imported only when that command runs.

`assay --help` therefore imports no command: the table below has each command's summary, and a test compares it with the
command's own docstring.
"""

import logging
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


class CommandEntry(NamedTuple):
    """A command's module and name within `assay_services.cli`, and its summary for `assay --help`."""

    module: str
    name: str
    summary: str


COMMANDS: Mapping[str, CommandEntry] = MappingProxyType(
    {
        "contract": CommandEntry("contract", "app", "Check, apply, show and list label contracts."),
        "key": CommandEntry("key", "app", "API keys: create, list, revoke."),
        "user": CommandEntry("user", "app", "Users of the console: add, list, change."),
        "connect": CommandEntry("connect", "app", "Connect labelling platforms: their webhooks and their API."),
        "connections": CommandEntry(
            "connections", "connections", "Show all connections, their traffic and their problems."
        ),
        "disconnect": CommandEntry("connections", "disconnect_one", "Disconnect a platform and remove its webhook."),
        "rotate": CommandEntry("connections", "rotate", "Give a connection a new signing secret."),
        "alerts": CommandEntry("alerts", "app", "Alerts: list, respond, silence, backtest rules."),
        "subscribe": CommandEntry(
            "subscribe", "subscribe_one", "Send alerts to a webhook, Slack, e-mail or a Kafka topic."
        ),
        "subscriptions": CommandEntry(
            "subscribe", "subscriptions", "Show the subscriptions to alerts, and their problems."
        ),
        "unsubscribe": CommandEntry("subscribe", "remove", "End a subscription."),
        "import": CommandEntry("import_files", "import_files", "Send annotations from files into Kafka."),
        "replay": CommandEntry("replay", "replay_files", "Judge annotations from files, without Kafka."),
        "train": CommandEntry("train", "train", "Fit the consistency model on validated history."),
        "broker": CommandEntry("broker", "broker", "Run a real single-node Kafka on loopback."),
        "worker": CommandEntry("worker", "worker", "Run one worker in this process."),
        "up": CommandEntry("up", "up", "Run all services under one supervisor."),
        "demo": CommandEntry("demo", "demo", "Run everything with synthetic annotators, and watch."),
        "decode": CommandEntry("decode", "decode", "Decode recorded webhook deliveries of a platform."),
        "tail": CommandEntry("tail", "tail", "Print the records of a topic as they arrive."),
        "audit": CommandEntry("audit", "audit", "Check the ledgers: records in against outcomes."),
        "schema": CommandEntry("schema", "schema", "Print the JSON Schema of an event, or the AsyncAPI document."),
        "sql": CommandEntry("sql", "sql", "Query the archive with SQL, read only."),
        "forget": CommandEntry("forget", "forget", "Erase an item or an annotator."),
        "archive": CommandEntry("archive", "app", "The archive: its database and its progress."),
        "export": CommandEntry("export", "app", "Export training sets."),
    }
)


def load_command(name: str) -> Any:  # noqa: ANN401  # a command or a group
    """Import a command of the table and return it."""
    entry = COMMANDS[name]
    found = getattr(import_module(f"assay_services.cli.{entry.module}"), entry.name)
    if isinstance(found, typer.Typer):
        command: Any = get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        command = get_command(alone)
    command.name = name
    return command


class _LazyGroup(TyperGroup):
    """The group of all commands. Listing them imports none; running one imports only that one."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002  # Typer's signature
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002  # the same
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else TyperCommand(cmd_name, help=entry.summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401  # Typer's types are its own
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load_command(name), rest


app = typer.Typer(name="assay", cls=_LazyGroup, no_args_is_help=True, pretty_exceptions_show_locals=False)


def _show_version(*, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"assay {version('assay')}")
        raise typer.Exit


@app.callback()
def assay(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Test labels as they arrive. Settings come from ASSAY_… variables or a file .env.

    Exit codes: 0 success; 1 a check failed, or the input or the world is at fault; 2 wrong usage.
    """


def main() -> None:
    """Run the command line. Kafka's errors are shown to the user as sentences, so its client does not log them too."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    app()


if __name__ == "__main__":
    main()
