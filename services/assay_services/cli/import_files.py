"""`assay import`: send annotations from files into Kafka."""

from pathlib import Path
from typing import Annotated

import typer

from assay_services.cli.file_arguments import (
    AllowDead,
    AnnotatorName,
    Dates,
    DeadRecords,
    Encoding,
    InputPaths,
    Timezone,
    options_of,
    progress_bar,
)
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.ingest.file_readers import count_annotations, read_annotations
from assay_services.ingest.importer import ImportedPart, bookmark_of, send_records
from assay_services.terminal import out, plain_errors, run_async


@plain_errors
def import_files(  # noqa: PLR0913, PLR0917  # options of a command
    inputs: InputPaths,
    contract: Annotated[
        Path | None,
        typer.Option("--contract", "-c", help="The contract: defines the project and how to read labels in tables."),
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="The most records per second.")] = None,
    restart: Annotated[bool, typer.Option(help="Start over, even if an earlier import was interrupted.")] = False,
    timezone: Timezone = None,
    dates: Dates = None,
    encoding: Encoding = None,
    annotator: AnnotatorName = None,
    allow_dead: AllowDead = 0,
) -> None:
    """Send annotations from files into Kafka.

    An interrupted import resumes where it stopped. A row that cannot be read becomes a dead letter with the file, the
    line and the reason, and the exit code is 1.

    Example: assay import --contract contracts/ads-safety.yaml history.csv
    """
    options = options_of(timezone, dates, encoding, annotator)
    settings, dead = RuntimeSettings(), DeadRecords(allow_dead)
    agreed = None if contract is None else load_contract(contract)
    counts = {path: count_annotations(path, agreed, options) for path in inputs}
    run_async(ensure_topics(settings))
    total = 0
    with progress_bar("importing") as progress:
        for path, count in counts.items():
            bookmark = bookmark_of(path, settings, options)
            if restart:
                bookmark.forget()
            there = bookmark.read()
            if there != (0, 0):
                out.print(f"{path}: resuming after {_place(there)} (--restart starts over)")
            task = progress.add_task("", total=count, completed=there.records)
            total += run_async(
                send_records(
                    dead.watch(path, read_annotations(path, agreed, options)),
                    settings,
                    bookmark=bookmark,
                    rate=rate,
                    sent=lambda count, task=task: progress.advance(task, count),  # type: ignore[misc]
                )
            )
    out.print(f"[green]✓[/] {total} records sent to {settings.prefix}annotations")
    dead.finish()


def _place(there: ImportedPart) -> str:
    return f"record {there.records}" if there.records else f"line {there.line}"
