"""The `assay` command."""

import logging

import typer

from services.cli import (
    access,
    alerting,
    archiving,
    connecting,
    connections,
    contracts,
    data,
    decoding,
    exporting,
    forgetting,
    looking,
    querying,
    running,
    subscribing,
    users,
)

app = typer.Typer(
    name="assay",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Test labels as they arrive. Settings come from ASSAY_… variables or a file .env.",
)
app.add_typer(contracts.app, name="contract")
app.add_typer(access.app, name="key")
app.add_typer(users.app, name="user")
app.add_typer(connecting.app, name="connect")
app.add_typer(alerting.app, name="alerts")
app.command("subscribe")(subscribing.subscribe_one)
app.command("subscriptions")(subscribing.subscriptions)
app.command("unsubscribe")(subscribing.remove)
app.command("connections")(connections.connections)
app.command("disconnect")(connections.disconnect_one)
app.command("rotate")(connections.rotate)
app.command("import")(data.import_files)
app.command("replay")(data.replay_files)
app.command("train")(data.train)
app.command("broker")(running.broker)
app.command("worker")(running.worker)
app.command("up")(running.up)
app.command("demo")(running.demo)
app.command("decode")(decoding.decode)
app.command("tail")(looking.tail)
app.command("audit")(looking.audit)
app.command("schema")(looking.schema)
app.command("sql")(querying.sql)
app.command("forget")(forgetting.forget)
app.add_typer(archiving.app, name="archive")
app.add_typer(exporting.app, name="export")


def main() -> None:
    """Run the command line. Errors of Kafka reach the user as sentences, so its client need not log them too."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    app()


if __name__ == "__main__":
    main()
