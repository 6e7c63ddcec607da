"""`assay import`: send annotations from files into Kafka."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from assay_models.rules.ruleset import compile_contract
from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_services.cli.file_arguments import (
    AllowDead,
    AnnotatorName,
    Dates,
    DeadRecords,
    Encoding,
    InputPaths,
    LabelField,
    Timezone,
    options_of,
    print_notes,
    progress_bar,
)
from assay_services.cli.import_preview import preview_files
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.ingest.file_readers import recognise
from assay_services.ingest.importer import ImportedPart, bookmark_of, send_records
from assay_services.ingest.read_options import ReadOptions
from assay_services.terminal import out, plain_errors, run_async
from assay_services.validator.core.step import ValidatorProject
from assay_services.validator.projects import load_scorer


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
    label: LabelField = None,
    allow_dead: AllowDead = 0,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show how the files will be read and what would be rejected; send nothing."),
    ] = False,
) -> None:
    """Send annotations from files into Kafka.

    An interrupted import resumes where it stopped. A row that cannot be read becomes a dead letter with the file, the
    line and the reason, and the exit code is 1.

    Example: assay import --contract contracts/ads-safety.yaml history.csv

    To look before: assay import --dry-run --contract contracts/ads-safety.yaml history.csv
    """
    options = options_of(timezone, dates, encoding, annotator, label)
    settings, dead = RuntimeSettings(), DeadRecords(allow_dead)
    agreed = None if contract is None else load_contract(contract)
    if dry_run:
        preview_files(inputs, agreed, options, _projects(agreed, settings), dead)
    else:
        _send(inputs, agreed, options, _Sending(settings, rate, restart), dead)
    dead.finish(shown=dry_run)


@dataclass(frozen=True, slots=True)
class _Sending:
    settings: RuntimeSettings
    rate: float | None
    restart: bool


def _projects(contract: LabelContract | None, settings: RuntimeSettings) -> Mapping[ProjectId, ValidatorProject]:
    if contract is None:
        return {}
    scorer = None
    if contract.model is not None:
        path = settings.models / contract.model.path
        scorer = load_scorer(contract, settings.models) if path.is_file() else None
        if scorer is None:
            out.print(f"there is no model {path}, so its scores are left out", highlight=False, soft_wrap=True)
    return {contract.project: ValidatorProject(compile_contract(contract), scorer)}


def _send(
    inputs: Sequence[Path], contract: LabelContract | None, options: ReadOptions, how: _Sending, dead: DeadRecords
) -> None:
    found = [recognise(path, contract, options) for path in inputs]
    counts = [one.count() for one in found]
    run_async(ensure_topics(how.settings))
    total = 0
    for one in found:
        out.print(f"{one.path}: {one.summary}", markup=False, highlight=False, soft_wrap=True)
    with progress_bar("importing") as progress:
        for one, count in zip(found, counts, strict=True):
            bookmark = bookmark_of(one.path, how.settings, options)
            if how.restart:
                bookmark.forget()
            there = bookmark.read()
            if there != (0, 0):
                out.print(f"{one.path}: resuming after {_place(there)} (--restart starts over)")
            task = progress.add_task("", total=count, completed=there.records)
            total += run_async(
                send_records(
                    dead.watch(one.path, one.records()),
                    how.settings,
                    bookmark=bookmark,
                    rate=how.rate,
                    sent=lambda count, task=task: progress.advance(task, count),  # type: ignore[misc]
                )
            )
    print_notes(found)
    out.print(f"[green]✓[/] {total} records sent to {how.settings.prefix}annotations")


def _place(there: ImportedPart) -> str:
    return f"record {there.records}" if there.records else f"line {there.line}"
