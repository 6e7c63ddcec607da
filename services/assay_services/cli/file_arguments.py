"""Shared by the commands that read files: the argument for their paths, and a progress bar."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assay_services.terminal import out

InputPaths = Annotated[
    list[Path], typer.Argument(help="JSONL of annotations, or CSV or Parquet: item,annotator,label[,text,…].")
]


def progress_bar(label: str) -> Progress:
    """Return a progress bar that counts records."""
    return Progress(
        TextColumn(label), BarColumn(), MofNCompleteColumn(), TextColumn("records"), TimeRemainingColumn(), console=out
    )
