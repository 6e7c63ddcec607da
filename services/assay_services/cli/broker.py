"""`assay broker`: run a local Kafka."""

import signal
from types import FrameType
from typing import Annotated

import typer

from assay_services.devtools.local_broker import LocalBroker
from assay_services.engine.settings import RuntimeSettings
from assay_services.terminal import fail, out, plain_errors


@plain_errors
def broker(port: Annotated[int, typer.Option(help="The port on loopback; 0 picks a free one.")] = 9092) -> None:
    """Run a real single-node Kafka on loopback.

    It runs until Ctrl-C. Its data stay in the folder `.assay`.

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
    fail(f"Kafka stopped with exit code {code}: {local.why_it_ended()}")


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
