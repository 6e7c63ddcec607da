"""How a table of text is written: its delimiter, its header, and whether its numbers have decimal commas."""

import csv
import io
import re
from dataclasses import dataclass
from itertools import islice

from assay_services.ingest.row_cells import ATTRIBUTE, OPTIONAL, REQUIRED, column_name

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_SNIFFED_LINES = 200
_LINES_ABOVE = 10
_DIRECTIVE = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE).fullmatch
_WITH_POINT = re.compile(r"[+-]?\d+\.\d+", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """How a table is written. `header_line` is the header's line; a line `sep=;` may stand before it.

    `unnamed` is the number of columns without a name at the left; pandas writes its row numbers there.
    """

    delimiter: str
    columns: tuple[str, ...]
    header_line: int = 1
    space_after_delimiter: bool = False
    decimal_comma: bool = False
    unnamed: int = 0


def dialect_of(head: str) -> CsvDialect:
    """Return how a table is written, by its first lines.

    The delimiter is the one that divides the header into the most columns that Assay knows; else the commonest one.
    """
    lines = list(islice(io.StringIO(head, newline=""), _SNIFFED_LINES))
    directive = _DIRECTIVE(lines[0]) if lines else None
    start = 0 if directive is None else 1
    while start < len(lines) and not lines[start].strip():
        start += 1
    rest = lines[start:]
    candidates = [directive[1]] if directive is not None else list(DELIMITERS)
    above = next((place for place in range(min(len(rest), _LINES_ABOVE)) if _is_header(rest[place:], candidates)), 0)
    rest, start = rest[above:], start + above
    delimiter = max(candidates, key=lambda one: _known_columns(rest, one))
    names = _first_row(rest, delimiter)
    columns, unnamed = _named(names)
    spaced = len(names) > 1 and all(name.startswith(" ") for name in names[1:])
    comma = delimiter == ";" and not _has_decimal_points(rest, delimiter, columns, unnamed)
    return CsvDialect(delimiter, columns, start + 1, spaced, comma, unnamed)


def _named(names: list[str]) -> tuple[tuple[str, ...], int]:
    """Return the columns that have a name, and how many at the left have none; those at the right are left out."""
    columns = [column_name(name) for name in names]
    while columns and not columns[-1]:
        columns.pop()
    unnamed = next((place for place, name in enumerate(columns) if name), 0)
    return tuple(columns[unnamed:]), unnamed


def _first_row(lines: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return []


def _is_header(lines: list[str], delimiters: list[str]) -> bool:
    """Return whether a line has the columns of annotations; a title or a remark may stand above it."""
    return any(set(REQUIRED) <= set(map(column_name, _first_row(lines, one))) for one in delimiters)


def _known_columns(lines: list[str], delimiter: str) -> tuple[int, int]:
    names = _first_row(lines, delimiter)
    known = {*REQUIRED, *OPTIONAL}
    found = {name for name in map(column_name, names) if name in known or name.startswith(ATTRIBUTE)}
    return len(found), len(names)


def _has_decimal_points(lines: list[str], delimiter: str, columns: tuple[str, ...], unnamed: int) -> bool:
    """Return whether a number in the first rows has a decimal point: then a comma means something else."""
    places = [place for place, name in enumerate(columns, unnamed) if name in {"lead_time_seconds", "label", "gold"}]
    rows = csv.reader(lines[1:], delimiter=delimiter)
    try:
        return any(_WITH_POINT(row[place].strip()) for row in rows for place in places if place < len(row))
    except csv.Error:
        return False


def first_rows(head: str, dialect: CsvDialect) -> list[list[str]]:
    """Return the first rows below the header, as they are written."""
    lines = islice(io.StringIO(head, newline=""), dialect.header_line, _SNIFFED_LINES)
    rows = csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=dialect.space_after_delimiter)
    try:
        return [row[dialect.unnamed :] for row in rows]
    except csv.Error:
        return []


def delimiter_hint(dialect: CsvDialect) -> str:
    """Return what was found, for an error about missing columns."""
    names = ("".join(sign if sign.isprintable() else "·" for sign in name[:30]) for name in dialect.columns[:8])
    found = ", ".join(f"'{name}'" for name in names) or "nothing"
    divided = DELIMITERS.get(dialect.delimiter, f"'{dialect.delimiter}'")
    return f". Found, divided by {divided}: {found}"
