"""Write query results to files: CSV that is safe in spreadsheets, JSON, Parquet."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from assay_services.stores.archive.sql_query import Cell, QueryResult

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def guarded(cell: Cell) -> Cell:
    """Return a cell that a spreadsheet does not run as a formula: a leading apostrophe, unless it is a number."""
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, str) and cell.startswith(_DANGEROUS) and not _NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def write_csv(answer: QueryResult, file: IO[str]) -> int:
    """Write CSV with a header; return the number of rows."""
    writer, count = csv.writer(file, lineterminator="\n"), 0
    writer.writerow(map(guarded, answer.columns))
    for count, row in enumerate(answer.rows, 1):  # noqa: B007  # the last number is the count
        writer.writerow(map(guarded, row))
    return count


def write_json(answer: QueryResult, file: IO[str]) -> int:
    """Write a JSON array with one object a line; return the number of rows."""
    count = 0
    file.write("[")
    for count, row in enumerate(answer.rows, 1):
        cells = {name: _jsonable(cell) for name, cell in zip(answer.columns, row, strict=True)}
        file.write(("," if count > 1 else "") + "\n" + json.dumps(cells, ensure_ascii=False))
    file.write("\n]\n")
    return count


WRITERS: Mapping[str, Callable[[QueryResult, IO[str]], int]] = MappingProxyType({"csv": write_csv, "json": write_json})


def write_parquet(columns: Iterable[str], rows: Iterable[Iterable[Cell]], path: Path) -> int:
    """Write a Parquet file; return the number of rows."""
    import pyarrow as pa  # noqa: PLC0415  # takes half a second, and most commands do not need it
    from pyarrow import parquet  # noqa: PLC0415

    names, found = list(columns), list(zip(*rows, strict=True))
    cells = found or [() for _ in names]
    table = pa.table([_column(pa, list(one)) for one in cells], names=names)
    parquet.write_table(table, path)
    return int(table.num_rows)


def _column(pa: Any, cells: list[Cell]) -> Any:  # noqa: ANN401  # pyarrow is untyped
    """Return a column of a single type: text where SQLite mixes types in a column."""
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if cell is None else str(cell) for cell in cells])


def _jsonable(cell: Cell) -> str | int | float | None:
    return cell.hex() if isinstance(cell, bytes) else cell
