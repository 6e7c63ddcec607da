"""`assay worker`: run one service in this process."""

import runpy
from typing import Annotated

import typer

from assay_services.devtools.supervisor import WORKERS
from assay_services.engine.kafka import kafka_address
from assay_services.engine.settings import RuntimeSettings
from assay_services.terminal import fail, plain_errors


@plain_errors
def worker(name: Annotated[str, typer.Argument(help=f"One of: {', '.join(WORKERS)}.")]) -> None:
    """Run one worker in this process.

    Example: assay worker validator
    """
    if name not in WORKERS:
        fail(f"no worker is named '{name}'; workers: {', '.join(WORKERS)}")
    kafka_address(RuntimeSettings())
    runpy.run_module(WORKERS[name], run_name="__main__")
