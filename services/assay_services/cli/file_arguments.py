"""Shared by the commands that read files: the argument for their paths, and a progress bar."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assay_services.ingest.input_record import InputRecord
from assay_services.ingest.read_options import DateOrder, ReadOptions, encoding_named
from assay_services.ingest.recognised_file import RecognisedFile
from assay_services.ingest.times import zone_named
from assay_services.terminal import err, escape, out

InputPaths = Annotated[
    list[Path],
    typer.Argument(
        help="Annotations in JSON, tables of item,annotator,label[,text,…] (CSV, Excel, Parquet), "
        "or a platform's export; see docs/supported-files.md."
    ),
]
Timezone = Annotated[
    str | None, typer.Option("--timezone", help="The zone of times that have none: UTC, Europe/Berlin or +02:00.")
]
Dates = Annotated[
    DateOrder | None, typer.Option("--dates", help="The order in dates like 03/04/2026: day, month or year first.")
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", help="The encoding of a text file that is not UTF-8, e.g. windows-1252.")
]
AnnotatorName = Annotated[
    str | None, typer.Option("--annotator", help="Who made the labels, for formats that name nobody (COCO, YOLO, …).")
]
LabelField = Annotated[
    str | None, typer.Option("--label", help="The field, question or control with the label, if an export has several.")
]
AllowDead = Annotated[
    int, typer.Option("--allow-dead", min=0, help="End with exit code 0 even if so many records cannot be read.")
]
_REASONS_SHOWN = 5


def options_of(
    timezone: str | None, dates: DateOrder | None, encoding: str | None, annotator: str | None, label: str | None
) -> ReadOptions:
    """Return the options of a command as values. Raise InputError for a zone or an encoding that does not exist."""
    return ReadOptions(
        None if timezone is None else zone_named(timezone),
        dates,
        None if encoding is None else encoding_named(encoding),
        annotator,
        label,
    )


def notes_of(file: RecognisedFile) -> list[str]:
    """Return what a person should know of how a file was read, each note once."""
    return [f"{note} ({count:,} times)" if count > 1 else note for note, count in file.notes.items()]


def print_notes(files: Iterable[RecognisedFile]) -> None:
    """Print what a person should know of how the files were read."""
    for file in files:
        for note in notes_of(file):
            err.print(f"[yellow]note[/] {escape(f'{file.path}: {note}')}", highlight=False, soft_wrap=True)


class DeadRecords:
    """Counts the records that cannot be read, and keeps the first reasons for the end of the command."""

    def __init__(self, allowed: int) -> None:
        """Start at none; `allowed` of them do not change the exit code."""
        self._allowed, self.count = allowed, 0
        self._reasons: list[str] = []

    def add(self, reason: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self._reasons) < _REASONS_SHOWN:
            self._reasons.append(reason)

    def watch(self, path: Path, records: Iterable[InputRecord]) -> Iterator[InputRecord]:
        """Pass records on, and count those that say themselves that they are no annotation."""
        for record in records:
            if record.problem is not None:
                self.add(record.problem)
            elif record.key is None:
                self.add(f"{path}:{record.line}: no annotation: wanted is a JSON object with a project and an item")
            yield record

    def finish(self, *, shown: bool = False) -> None:
        """Print the count and the first reasons; end with exit code 1 if there are more than allowed.

        `shown`: the reasons were printed already.
        """
        if self.count and not shown:
            self._print()
        if self.count > self._allowed:
            raise typer.Exit(1)

    def _print(self) -> None:
        for reason in self._reasons:
            err.print(f"[bold red]dead[/] {escape(reason)}", highlight=False, soft_wrap=True)
        more = self.count - len(self._reasons)
        err.print(
            f"{self.count} record{'s' if self.count > 1 else ''} cannot be read"
            + (f"; {more} more than are shown" if more else "")
            + ("" if self.count > self._allowed else " (--allow-dead)"),
            highlight=False,
            soft_wrap=True,
        )


def progress_bar(label: str) -> Progress:
    """Return a progress bar that counts records."""
    return Progress(
        TextColumn(label), BarColumn(), MofNCompleteColumn(), TextColumn("records"), TimeRemainingColumn(), console=out
    )
