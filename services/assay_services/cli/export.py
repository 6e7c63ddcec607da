"""`assay export dataset`: write a training set and its data card."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from assay_schemas.annotation import ProjectId
from assay_services.archive.settings import ArchiveSettings
from assay_services.export.core.data_card import Request
from assay_services.export.core.dataset import UNSPLIT, ExportImpossible, read_splits, split_all
from assay_services.export.writer import projects_in, read_examples, votes_of, write_dataset
from assay_services.terminal import fail, out, plain_errors

app = typer.Typer(no_args_is_help=True, help="Export training sets.")


class ExportFormat(StrEnum):
    """The file format of the data."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@app.callback()
def _export() -> None:
    """Make `dataset` a subcommand, which leaves room for other exports."""


@app.command()
@plain_errors
def dataset(
    project: Annotated[str, typer.Option("--project", "-p", help="The project.")],
    to: Annotated[Path, typer.Option("--out", "-o", help="The folder for data.FORMAT, card.json and card.md.")],
    shape: Annotated[ExportFormat, typer.Option("--format", "-f", help="The format of the data.")] = ExportFormat.JSONL,
    since: Annotated[str | None, typer.Option(help="Only items annotated since, e.g. 2026-11-01T00:00:00Z.")] = None,
    min_probability: Annotated[
        float | None, typer.Option(min=0, max=1, help="Only labels with at least this probability.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Splits by item, e.g. train/val/test=0.8/0.1/0.1.")] = None,
    stratify: Annotated[str | None, typer.Option(help="Stratify by label, status, or attributes.")] = None,
    seed: Annotated[int, typer.Option(help="The seed of the split; the same seed gives the same split.")] = 0,
) -> None:
    """Write the validated, corrected training set of a project and its data card.

    Example: assay export dataset -p ads-safety -o out --split train/test=0.9/0.1 --stratify label,market --seed 7
    """
    splits = UNSPLIT if split is None else read_splits(split)
    strata = [name.strip() for name in (stratify or "").split(",") if name.strip()]
    request = Request(ProjectId(project), shape.value, _moment(since), min_probability, dict(splits), strata, seed)
    url = ArchiveSettings().database_url
    examples, versions = read_examples(url, request)
    if not examples:
        fail(
            f"the archive has no labelled item of '{project}' that matches; its projects: {', '.join(projects_in(url))}"
        )
    divided = split_all(examples, splits, stratify=strata, seed=seed)
    votes = votes_of(url, request.project, {one.item for one in divided})
    card = write_dataset(divided, to, request=request, versions=versions, votes=votes)
    out.print(f"[green]✓[/] {card.rows:,} items in {to / card.data_file}; the card: {to / 'card.md'}", highlight=False)


def _moment(text: str | None) -> str | None:
    """Return a time in the archive's format, in UTC; a time without a zone is UTC. None stays None."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ExportImpossible(f"'{text}' is no time; write it like 2026-11-24T12:00:00Z") from None
    moment = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")
