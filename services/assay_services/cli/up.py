"""`assay up`: all services under one supervisor, with one merged log."""

import asyncio
from contextlib import ExitStack

import orjson
from rich.text import Text

from assay_services.devtools.local_broker import LocalBroker
from assay_services.devtools.ports import health_addresses
from assay_services.devtools.supervisor import WORKERS, Supervisor
from assay_services.engine.settings import RuntimeSettings
from assay_services.gateway.settings import GatewaySettings
from assay_services.terminal import out, plain_errors

_COLOURS = {"error": "bold red", "critical": "bold red", "warning": "yellow", "info": "green", "debug": "dim"}


@plain_errors
def up() -> None:
    """Run all services under one supervisor.

    Prints one merged log. Ctrl-C stops everything.

    Without ASSAY_KAFKA the local broker is started too.

    Example: assay up
    """
    settings = RuntimeSettings()
    with ExitStack() as stack:
        address = settings.kafka
        if address is None:
            local = LocalBroker(settings.folder)
            with out.status("starting Kafka …"):
                stack.enter_context(local)
            address = local.address
        ports = {name: settings.web_port + number for number, name in enumerate(WORKERS)}
        shown = ", ".join(f"{name} (http://{settings.web_host}:{port}/metrics)" for name, port in ports.items())
        out.print(f"Kafka at {address}; services: {shown}; Ctrl-C stops all")
        there = health_addresses(ports, host=settings.web_host, gateway_port=GatewaySettings().gateway_port)
        environment = {"ASSAY_KAFKA": address, "ASSAY_CONSOLE_SERVICES": there}
        asyncio.run(Supervisor(log=print_log, environment=environment, ports=ports).run())
        out.print("stopping …")


def print_log(name: str, line: str) -> None:
    """Print one line of a worker's log in readable form."""
    out.print(readable(name, line), soft_wrap=True)


def readable(name: str, line: str) -> Text:
    """Return a log line for people: time, worker, level, event, fields."""
    text = Text(f"{name:<10} ", style="cyan")
    try:
        fields = orjson.loads(line.replace("\x1b[?25h", ""))
    except orjson.JSONDecodeError:
        return text.append(line, style="dim")
    if not isinstance(fields, dict):
        return text.append(line, style="dim")
    level = str(fields.pop("level", "info"))
    clock, event = str(fields.pop("timestamp", ""))[11:19], str(fields.pop("event", ""))
    trace = str(fields.pop("exception", ""))
    fields.pop("logger", None)
    text.append(f"{clock}Z ", style="dim").append(f"{level:<8}", style=_COLOURS.get(level, ""))
    text.append(event).append("".join(f" {key}={value}" for key, value in fields.items()), style="dim")
    return text.append("\n" + trace, style="red") if trace else text
