"""`assay import`: send annotations from files into Kafka."""

from pathlib import Path
from typing import Annotated

import typer

from assay_services.cli.file_arguments import InputPaths, progress_bar
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.ingest.file_readers import count_annotations, read_annotations
from assay_services.ingest.importer import bookmark_of, send_records
from assay_services.terminal import out, plain_errors, run_async


@plain_errors
def import_files(
    inputs: InputPaths,
    contract: Annotated[
        Path | None,
        typer.Option("--contract", "-c", help="The contract: defines the project and how to read CSV labels."),
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="The most records per second.")] = None,
    restart: Annotated[bool, typer.Option(help="Start over, even if an earlier import was interrupted.")] = False,
) -> None:
    """Send annotations from files into Kafka.

    An interrupted import resumes where it stopped.

    Example: assay import --contract contracts/ads-safety.yaml history.csv
    """
    settings = RuntimeSettings()
    agreed = None if contract is None else load_contract(contract)
    run_async(ensure_topics(settings))
    total = 0
    with progress_bar("importing") as progress:
        for path in inputs:
            task = progress.add_task("", total=count_annotations(path, agreed))
            bookmark = bookmark_of(path, settings)
            if restart:
                bookmark.forget()
            elif bookmark.read():
                out.print(f"{path}: resuming after line {bookmark.read()} (--restart starts over)")
            progress.update(task, completed=sum(1 for r in read_annotations(path, agreed) if r.line <= bookmark.read()))
            total += run_async(
                send_records(
                    read_annotations(path, agreed),
                    settings,
                    bookmark=bookmark,
                    rate=rate,
                    sent=lambda count, task=task: progress.advance(task, count),  # type: ignore[misc]
                )
            )
    out.print(f"[green]✓[/] {total} records sent to {settings.prefix}annotations")
