"""`assay import`, `assay replay`, `assay train`: files in."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from assay_schemas.contract.label_contract import LabelContract
from assay_services.engine.garbage import tame_garbage_collector
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.ingest.file_readers import InputRecord, count_annotations, read_annotations
from assay_services.ingest.importer import bookmark_of, send_records
from assay_services.replay.run import replay
from assay_services.terminal import fail, out, plain_errors, run_async
from assay_services.validator.core.step import ValidatorProject
from assay_services.validator.projects import load_project

_Inputs = Annotated[
    list[Path], typer.Argument(help="JSONL of annotations, or CSV or Parquet: item,annotator,label[,text,…].")
]
_ContractPaths = Annotated[
    list[Path], typer.Option("--contract", "-c", help="A contract in YAML; give it again for another project.")
]


def _bar(label: str) -> Progress:
    return Progress(
        TextColumn(label), BarColumn(), MofNCompleteColumn(), TextColumn("records"), TimeRemainingColumn(), console=out
    )


@plain_errors
def import_files(
    inputs: _Inputs,
    contract: Annotated[
        Path | None,
        typer.Option("--contract", "-c", help="The contract: says how to read CSV labels, and the project."),
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="At most so many records per second.")] = None,
    restart: Annotated[bool, typer.Option(help="Begin anew, also where an earlier import stopped half-way.")] = False,
) -> None:
    """Send annotations from files into Kafka. An import that was stopped goes on where it was.

    Example: assay import --contract contracts/ads-safety.yaml history.csv
    """
    settings = RuntimeSettings()
    agreed = None if contract is None else load_contract(contract)
    run_async(ensure_topics(settings))
    total = 0
    with _bar("importing") as progress:
        for path in inputs:
            task = progress.add_task("", total=count_annotations(path, agreed))
            bookmark = bookmark_of(path, settings)
            if restart:
                bookmark.forget()
            elif bookmark.read():
                out.print(f"{path}: going on after line {bookmark.read()} (--restart begins anew)")
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


@plain_errors
def replay_files(
    inputs: _Inputs,
    contract: _ContractPaths,
    to: Annotated[Path, typer.Option("--out", "-o", help="The folder for the results.")],
    conduct: Annotated[
        bool, typer.Option(help="Watch the annotators' conduct and raise alerts, too: that is half of the work.")
    ] = True,
) -> None:
    """Judge annotations from files with the same cores, without Kafka; one JSONL file per output topic.

    Example: assay replay --contract contracts/ads-safety.yaml --out results history.csv

    For the labels alone: assay replay --no-conduct --contract contracts/ads-safety.yaml --out results history.csv
    """
    settings = RuntimeSettings()
    agreed = [load_contract(path) for path in contract]
    projects: dict[str, ValidatorProject] = {
        one.project: loaded for one in agreed if (loaded := load_project(one, settings.models)) is not None
    }
    first = agreed[0]
    records = _all(inputs, first)
    now = time.time_ns() // 1_000_000
    tame_garbage_collector()
    with _bar("replaying") as progress:
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


@plain_errors
def train(
    inputs: _Inputs,
    contract: Annotated[Path, typer.Option("--contract", "-c", help="The contract in YAML: it says the labels.")],
    to: Annotated[Path, typer.Option("--out", "-o", help="The ONNX file to write, or a folder for it.")],
    seed: Annotated[int, typer.Option(help="The seed of the folds.")] = 0,
) -> None:
    """Fit the consistency model on validated history; write one ONNX file and its model card.

    Example: assay train --contract contracts/ads-safety.yaml --out models/ history.csv
    """
    try:
        from assay_services.ingest.training_run import train_model  # noqa: PLC0415  # needs the extra `train`
    except ImportError as error:
        fail(f"training needs the extra `assay[train]` ({error.name} is missing); install it and try again")
    agreed = load_contract(contract)
    if to.suffix != ".onnx":
        to = to / (f"{agreed.project}.onnx" if agreed.model is None else agreed.model.path)
    with out.status("fitting, out of fold …"):
        card = train_model(_all(inputs, agreed), agreed, to, seed=seed)
    for line in card:
        out.print(line)
    out.print(f"[green]✓[/] {to} and its card {to}.card.json")


def _all(inputs: list[Path], contract: LabelContract) -> Iterator[InputRecord]:
    return itertools.chain.from_iterable(read_annotations(path, contract) for path in inputs)
