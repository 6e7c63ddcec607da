"""`assay sql`: query the archive."""

import itertools
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.table import Table
from rich.text import Text

from assay_services.archive.settings import ArchiveSettings
from assay_services.export.formats import WRITERS, write_parquet
from assay_services.stores.archive.sql_query import Cell, QueryResult, run_query
from assay_services.terminal import err, escape, fail, out, plain_errors

_SHOWN = 100


class ResultFormat(StrEnum):
    """The format of the result."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@plain_errors
def sql(
    query: Annotated[str, typer.Argument(help="One read-only query; docs/sql.md explains the views.")],
    shape: Annotated[
        ResultFormat, typer.Option("--format", "-f", help="The format of the result.")
    ] = ResultFormat.TABLE,
    to: Annotated[Path | None, typer.Option("--out", "-o", help="Write the result to this file.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=f"The most rows to return (a table shows {_SHOWN}).")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds after which the query is cancelled.")] = 60.0,
) -> None:
    """Query the archive with SQL, read only.

    The same query works on SQLite and PostgreSQL where docs/sql.md says so.

    Example: assay sql "select market, label, n from label_mix_daily order by n desc" --limit 5
    """
    if shape is ResultFormat.PARQUET and to is None:
        fail("Parquet needs a file: give --out FILE")
    most = limit or (_SHOWN if shape is ResultFormat.TABLE else None)
    with run_query(ArchiveSettings().database_url, query, timeout_seconds=timeout) as answer:
        rows = answer.rows if most is None else itertools.islice(answer.rows, most)
        count = _write(QueryResult(answer.columns, iter(rows)), shape, to)
        if most is not None and next(answer.rows, None) is not None:
            err.print(f"more rows exist than the {most} shown; see --limit", highlight=False)
    if to is not None:
        err.print(f"[green]✓[/] {count} rows in {to}", highlight=False)


def _write(answer: QueryResult, shape: ResultFormat, to: Path | None) -> int:
    if to is None:
        return _print(answer) if shape is ResultFormat.TABLE else WRITERS[shape.value](answer, sys.stdout)
    part = to.with_name(f".{to.name}.part")
    try:
        if shape is ResultFormat.PARQUET:
            count = write_parquet(answer.columns, answer.rows, part)
        else:
            with part.open("w", encoding="utf-8", newline="") as file:
                count = _print(answer, file) if shape is ResultFormat.TABLE else WRITERS[shape.value](answer, file)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return count


def _print(answer: QueryResult, file: IO[str] | None = None) -> int:
    table = Table(*map(escape, answer.columns), box=None)
    rows = list(answer.rows)
    for column, cells in zip(table.columns, _turned(rows), strict=False):
        if cells and all(isinstance(cell, int | float) for cell in cells if cell is not None):
            column.justify = "right"
    for row in rows:
        table.add_row(*(Text(_shown(cell)) for cell in row))
    if file is None:
        out.print(table)
    else:
        type(out)(file=file, width=10_000).print(table)
    return len(rows)


def _turned(rows: Sequence[Sequence[Cell]]) -> Iterator[tuple[Cell, ...]]:
    return zip(*rows, strict=True)


def _shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, bytes):
        return cell.hex()
    text = f"{cell:.4g}" if isinstance(cell, float) else str(cell)
    return text.replace("\x1b", "\N{SYMBOL FOR ESCAPE}")  # a cell must not control the terminal
