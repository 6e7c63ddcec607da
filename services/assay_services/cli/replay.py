"""`assay replay`: judge files without Kafka."""

import time
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from assay_schemas.annotation import ProjectId
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
from assay_services.engine.garbage import tame_garbage_collector
from assay_services.engine.settings import RuntimeSettings
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.ingest.file_readers import recognise
from assay_services.replay.dead_letters import RecordPlaces, read_dead_letters
from assay_services.replay.run import replay
from assay_services.terminal import out, plain_errors
from assay_services.validator.core.step import UNREADABLE, ValidatorProject
from assay_services.validator.projects import load_project

_ContractPaths = Annotated[
    list[Path], typer.Option("--contract", "-c", help="A contract in YAML; repeat for more projects.")
]


@plain_errors
def replay_files(  # noqa: PLR0913, PLR0917  # options of a command
    inputs: InputPaths,
    contract: _ContractPaths,
    to: Annotated[Path, typer.Option("--out", "-o", help="The folder for the results.")],
    conduct: Annotated[bool, typer.Option(help="Also run conduct and alerts, which take half of the time.")] = True,
    timezone: Timezone = None,
    dates: Dates = None,
    encoding: Encoding = None,
    annotator: AnnotatorName = None,
    label: LabelField = None,
    allow_dead: AllowDead = 0,
) -> None:
    """Judge annotations from files, without Kafka.

    The services' own code runs over the files and writes one JSONL file per output topic. The exit code is 1 if a
    record is dead, that is, if it cannot be read as an annotation.

    Example: assay replay --contract contracts/ads-safety.yaml --out results history.csv

    For the labels alone: assay replay --no-conduct --contract contracts/ads-safety.yaml --out results history.csv
    """
    settings = RuntimeSettings()
    agreed = [load_contract(path) for path in contract]
    projects: dict[ProjectId, ValidatorProject] = {
        one.project: loaded for one in agreed if (loaded := load_project(one, settings.models)) is not None
    }
    first = agreed[0]
    options = options_of(timezone, dates, encoding, annotator, label)
    files = [recognise(path, first, options) for path in inputs]
    count, places = sum(one.count() for one in files), RecordPlaces()
    records = chain.from_iterable(places.note(one.path, one.records()) for one in files)
    now = time.time_ns() // 1_000_000
    tame_garbage_collector()
    with progress_bar("replaying") as progress:
        task = progress.add_task("", total=count)
        verdicts: dict[str, int] = {}
        for total in replay(records, projects=projects, folder=to, now=now, watched=conduct):
            progress.update(task, completed=sum(total.values()))
            verdicts = dict(total)
    _print_verdicts(verdicts)
    print_notes(files)
    out.print(f"[green]✓[/] written to {to}")
    dead = DeadRecords(allow_dead)
    for letter in read_dead_letters(to):
        dead.add(letter.message if letter.reason == UNREADABLE else f"{places.of(letter.offset)}: {letter.message}")
    dead.finish()


def _print_verdicts(verdicts: dict[str, int]) -> None:
    total = sum(verdicts.values())
    table = Table("verdict", "records", "share")
    for name in ("validated", "rejected", "dead", "superseded"):
        count = verdicts.get(name, 0)
        table.add_row(name, f"{count:,}", f"{count / total:.1%}" if total else "-")
    table.add_row("records in", f"{total:,}", "")
    out.print(table)
