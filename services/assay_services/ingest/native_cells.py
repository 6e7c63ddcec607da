"""Cells of typed files (Parquet, Arrow, Excel): each value as the text, or the label, that it stands for."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial

import orjson

from assay_services.ingest.input_record import InputRecord, UnreadableRowError
from assay_services.ingest.recognised_file import ID_COLUMNS
from assay_services.ingest.row_cells import Cell, RowReader

LABELS = ("label", "gold")
_EXACT = 2**53


def cell_reader(column: str) -> Callable[[object], Cell]:
    """Return how to read the cells of a column: labels keep lists and numbers, everything else is text."""
    if column in LABELS:
        return native_label
    return _id_text if column in ID_COLUMNS else native_text


def native_text(value: object) -> str | None:
    """Return a value as text; None for an empty cell. Raise UnreadableRowError for bytes that are no text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return _text(value)


def _text(value: object) -> str:
    match value:
        case bytes():
            return _decoded(value)
        case datetime() | date() | time():
            return value.isoformat()
        case Mapping() | list() | tuple():
            return orjson.dumps(plain_json(value)).decode()
        case Decimal():
            return f"{value:f}"
        case timedelta():
            return str(value.total_seconds())
    return str(value)


def _id_text(value: object) -> str | None:
    """Return an id; a whole number that was made a float (`12.0`) is the whole number again."""
    number = float(value) if isinstance(value, float | Decimal) else math.nan
    if math.isinf(number):
        raise UnreadableRowError("an id is an infinite number; store ids as texts or whole numbers")
    if number.is_integer() and abs(number) < _EXACT:
        return str(int(number))
    return native_text(value)


def native_label(value: object) -> Cell:
    """Return a label: a list, an object or a number as such, anything else as text."""
    if isinstance(value, list | tuple | Mapping):
        return plain_json(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = float(value) if isinstance(value, float | Decimal) else None
    if number is None:
        return native_text(value)
    return None if math.isnan(number) else number


def plain_json(value: object) -> Cell:
    """Return a nested value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(name): plain_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        if value and all(isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], str) for part in value):  # noqa: PLR2004  # a map's pairs
            return {str(name): plain_json(part) for name, part in value}
        return [plain_json(part) for part in value]
    return value if isinstance(value, bool) else native_label(value)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise UnreadableRowError(
            f"a cell holds bytes that are no UTF-8 text (0x{value[error.start]:02x} at {error.start}); store it as text"
        ) from None


def raw_row(columns: Sequence[str], values: Sequence[object]) -> bytes:
    """Return a row of a typed file as JSON, which is what is kept of one that cannot be read."""
    return orjson.dumps(dict(zip(columns, values, strict=False)), default=_shown, option=orjson.OPT_NON_STR_KEYS)


def _shown(value: object) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def read_rows(
    rows: RowReader, columns: Sequence[str], found: Iterable[tuple[int, Sequence[object]]]
) -> Iterator[InputRecord]:
    """Yield a record for each numbered row of a typed table that has a cell."""
    readers = [cell_reader(name) for name in columns]
    for number, values in found:
        raw = partial(raw_row, columns, values)
        try:
            cells = [read(value) for read, value in zip(readers, values, strict=False)]
        except UnreadableRowError as error:
            yield rows.unreadable(number, raw, error)
            continue
        if any(cell is not None and cell != "" for cell in cells):
            yield rows.record(number, cells, raw)
