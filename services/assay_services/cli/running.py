"""`assay broker`, `assay worker`, `assay up`: things that run until they are stopped."""

import asyncio
import runpy
import signal
from contextlib import ExitStack
from types import FrameType
from typing import Annotated

import orjson
import typer
from rich.text import Text

from assay_services.devtools.local_broker import LocalBroker
from assay_services.devtools.ports import health_addresses
from assay_services.devtools.supervisor import WORKERS, Supervisor
from assay_services.engine.kafka import kafka_address
from assay_services.engine.settings import RuntimeSettings
from assay_services.gateway.settings import GatewaySettings
from assay_services.terminal import fail, out, plain_errors

_COLOURS = {"error": "bold red", "critical": "bold red", "warning": "yellow", "info": "green", "debug": "dim"}


@plain_errors
def broker(port: Annotated[int, typer.Option(help="The port on loopback; 0 takes a free one.")] = 9092) -> None:
    """Run a real single-node Kafka on loopback until Ctrl-C. Its data stay in the folder `.assay`.

    Example: assay broker --port 0
    """
    local = LocalBroker(RuntimeSettings().folder, port=port)
    signal.signal(signal.SIGTERM, _interrupt)
    with out.status("starting Kafka (the first time it is fetched, which takes a while) …"):
        local.start()
    out.print(f"[green]✓[/] Kafka answers at {local.address}; Ctrl-C stops it")
    try:
        code = local.wait()
    except KeyboardInterrupt:
        local.stop()
        out.print("stopped")
        return
    fail(f"Kafka ended by itself with exit code {code}: {local.why_it_ended()}")


@plain_errors
def worker(name: Annotated[str, typer.Argument(help=f"One of: {', '.join(WORKERS)}.")]) -> None:
    """Run one worker in this process.

    Example: assay worker validator
    """
    if name not in WORKERS:
        fail(f"there is no worker '{name}'; there are: {', '.join(WORKERS)}")
    kafka_address(RuntimeSettings())
    runpy.run_module(WORKERS[name], run_name="__main__")


@plain_errors
def up() -> None:
    """Run all services under one supervisor, with one merged log; Ctrl-C stops everything.

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
    """Print one line of a worker's log, readable."""
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


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


@plain_errors
def demo(
    seconds: Annotated[float | None, typer.Option(min=1, help="End after so many seconds of events.")] = None,
    seed: Annotated[int, typer.Option(help="The seed of texts, truth and annotators.")] = 7,
) -> None:
    """Watch it work: a real Kafka, synthetic annotators, live verdicts, and the ledger at the end.

    Example: assay demo --seconds 20
    """
    from assay_services.demo.run import run_demo  # noqa: PLC0415  # it needs the extra `train`

    run_demo(seconds=seconds, seed=seed, folder=RuntimeSettings().folder / "demo")
