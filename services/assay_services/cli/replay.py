"""`assay replay`: judge files without Kafka."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from assay_schemas.annotation import ProjectId
from assay_services.cli.file_arguments import InputPaths, progress_bar
from assay_services.engine.garbage import tame_garbage_collector
from assay_services.engine.settings import RuntimeSettings
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.ingest.file_readers import count_annotations, read_all
from assay_services.replay.run import replay
from assay_services.terminal import out, plain_errors
from assay_services.validator.core.step import ValidatorProject
from assay_services.validator.projects import load_project

_ContractPaths = Annotated[
    list[Path], typer.Option("--contract", "-c", help="A contract in YAML; repeat for more projects.")
]


@plain_errors
def replay_files(
    inputs: InputPaths,
    contract: _ContractPaths,
    to: Annotated[Path, typer.Option("--out", "-o", help="The folder for the results.")],
    conduct: Annotated[bool, typer.Option(help="Also run conduct and alerts, which take half of the time.")] = True,
) -> None:
    """Judge annotations from files, without Kafka.

    The services' own code runs over the files and writes one JSONL file per output topic.

    Example: assay replay --contract contracts/ads-safety.yaml --out results history.csv

    For the labels alone: assay replay --no-conduct --contract contracts/ads-safety.yaml --out results history.csv
    """
    settings = RuntimeSettings()
    agreed = [load_contract(path) for path in contract]
    projects: dict[ProjectId, ValidatorProject] = {
        one.project: loaded for one in agreed if (loaded := load_project(one, settings.models)) is not None
    }
    first = agreed[0]
    records = read_all(inputs, first)
    now = time.time_ns() // 1_000_000
    tame_garbage_collector()
    with progress_bar("replaying") as progress:
        task = progress.add_task("", total=sum(count_annotations(path, first) for path in inputs))
        verdicts: dict[str, int] = {}
        for total in replay(records, projects=projects, folder=to, now=now, watched=conduct):
            progress.update(task, completed=sum(total.values()))
            verdicts = dict(total)
    _print_verdicts(verdicts)
    out.print(f"[green]✓[/] written to {to}")


def _print_verdicts(verdicts: dict[str, int]) -> None:
    total = sum(verdicts.values())
    table = Table("verdict", "records", "share")
    for name in ("validated", "rejected", "dead", "superseded"):
        count = verdicts.get(name, 0)
        table.add_row(name, f"{count:,}", f"{count / total:.1%}" if total else "-")
    table.add_row("records in", f"{total:,}", "")
    out.print(table)
