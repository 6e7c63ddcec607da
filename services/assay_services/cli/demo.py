"""`assay demo`: everything on one machine, with synthetic annotators."""

from typing import Annotated

import typer

from assay_services.engine.settings import RuntimeSettings
from assay_services.terminal import plain_errors


@plain_errors
def demo(
    seconds: Annotated[float | None, typer.Option(min=1, help="Stop after this many seconds of events.")] = None,
    seed: Annotated[int, typer.Option(help="The seed of texts, truth and annotators.")] = 7,
) -> None:
    """Run everything with synthetic annotators, and watch.

    Starts a real Kafka and all services, shows live verdicts, and prints the ledger at the end.

    Example: assay demo --seconds 20
    """
    from assay_services.demo.run import run_demo  # needs the extra `train`

    run_demo(seconds=seconds, seed=seed, folder=RuntimeSettings().folder / "demo")
