"""Turn the cells of a table's rows into annotations. Positions of columns are looked up once."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import TypeAlias

import orjson

from assay_schemas.contract.label_contract import LabelContract
from assay_services.ingest.character_set import is_utf_8, not_utf_8
from assay_services.ingest.input_record import InputError, InputRecord, UnreadableRowError, unreadable
from assay_services.ingest.label_cells import label_reader, label_text
from assay_services.ingest.number_text import NumberUnclearError, read_number
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.times import TimeReader, TimesUnclearError, has_zone

REQUIRED = ("item", "annotator", "label")
OPTIONAL = ("occurred_at", "lead_time_seconds", "text", "gold", "project")
ATTRIBUTE = "attr."
Cell: TypeAlias = object
"""A text, or None for an empty cell; a label may be what a typed file has: a list, a dictionary, a number."""
_INVISIBLE = "\ufeff\u200b\u2060"
_BYTE_COUNT = 16
_EMPTY = InputRecord(0, None, b"")


def column_name(written: str) -> str:
    """Return a column's name: without spaces around it, and a known one in small letters."""
    name = written.strip(_INVISIBLE).strip()
    if name.lower() in {*REQUIRED, *OPTIONAL}:
        return name.lower()
    return ATTRIBUTE + name[len(ATTRIBUTE) :] if name.lower().startswith(ATTRIBUTE) else name


def check_columns(path: Path, columns: Sequence[str], *, line: int = 1, hint: str = "") -> None:
    """Raise InputError if a column is missing, unknown, or stands twice. `hint` says more of what is missing."""
    strange = next((name for name in columns if not is_utf_8(name)), None)
    if strange is not None:
        raise InputError(f"{path}:{line}: the column '{strange}' {not_utf_8(strange)}")
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise InputError(
            f"{path}:{line}: the column {', '.join(missing)} is missing; wanted are {', '.join(REQUIRED)}, "
            f"and where there is one {', '.join(OPTIONAL)}, attr.NAME{hint}"
        )
    known = {*REQUIRED, *OPTIONAL}
    unknown = [name for name in columns if name not in known and not name.startswith(ATTRIBUTE)]
    if unknown:
        raise InputError(
            f"{path}:{line}: the column {', '.join(unknown)} is not known; "
            f"name it attr.{unknown[0]} to keep it as an attribute"
        )
    twice = [name for name, count in Counter(columns).items() if count > 1 and name in known]
    if twice:
        raise InputError(f"{path}:{line}: the column {', '.join(twice)} stands twice; rename or remove one of them")


def file_time(path: Path) -> datetime:
    """Return the file's modification time. Rows without a time get it, a microsecond apart, at every reading."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


class RowReader:
    """Makes records of rows. Of two attribute columns with one name, the last counts."""

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        contract: LabelContract | None,
        options: ReadOptions,
        *,
        first: int = 0,
        decimal_comma: bool = False,
    ) -> None:
        """Read rows with these columns. Row number `first` gets the file's time if it has none."""
        places = {name: place for place, name in enumerate(columns)}
        self._path, self._columns = path, columns
        self._width = len(columns)
        self._cells = itemgetter(*(places.get(name, self._width) for name in (*REQUIRED, *OPTIONAL)))
        self._attributes = [(name[5:], place) for name, place in places.items() if name.startswith(ATTRIBUTE)]
        self._project = contract.project if contract is not None else ""
        self._read = label_reader(contract, decimal_comma=decimal_comma)
        self._time_of = TimeReader(options.timezone, options.dates).read
        self._time, self._number = file_time(path), first - 1
        self._decimal_comma = decimal_comma
        self._seen: set[bytes] = set()
        self._repeats: dict[bytes, int] = {}

    def record(self, line: int, row: Sequence[Cell], raw: Callable[[], bytes]) -> InputRecord:
        """Return a row as a record; one that cannot be read has its own bytes (`raw`), and the problem."""
        try:
            return self.annotation(line, row)
        except UnreadableRowError as error:
            return self.unreadable(line, raw, error)

    def unreadable(self, line: int, raw: Callable[[], bytes], reason: Exception) -> InputRecord:
        """Return the record of a row that cannot be read: its own bytes, and the reason with the place."""
        return unreadable(self._path, line, raw(), reason)

    def check(self, line: int, row: Sequence[Cell]) -> InputRecord:
        """Raise what `annotation` raises about the whole file, in a third of the time; return an empty record."""
        if len(row) == self._width:
            _, _, _, occurred_at, _, _, _, project = self._cells([*row, None])
            _ = project or self._project or self._no_project(line)
            if occurred_at and not has_zone(occurred_at):
                self._when(line, occurred_at)
        return _EMPTY

    def annotation(self, line: int, row: Sequence[Cell]) -> InputRecord:
        """Return a row as a record. Raise UnreadableRowError, or InputError for what concerns the whole file."""
        self._number += 1
        cells = [*row, None] if len(row) == self._width else self._fitted(row)
        item, annotator, label, occurred_at, lead, text, gold, project = self._cells(cells)
        project = project or self._project or self._no_project(line)
        if not item or not annotator:
            raise UnreadableRowError(f"the cell '{'annotator' if item else 'item'}' is empty")
        when = occurred_at and (occurred_at if has_zone(occurred_at) else self._when(line, occurred_at))
        said = label if isinstance(label, str) else "" if label is None else label_text(label)
        annotation = {
            "id": self._id(f"{project}\0{item}\0{annotator}\0{said}\0{when or ''}\0"),
            "action": "created",
            "project": project,
            "item": {
                "id": item,
                "text": text,
                "gold": self._read(gold) if gold or gold == [] else None,
                "attributes": {name: cells[place] for name, place in self._attributes if cells[place]},
            },
            "annotator": {"id": annotator, "kind": "human"},
            "label": self._read(label),
            "occurred_at": when or (self._time + timedelta(microseconds=self._number)).isoformat(),
            "lead_time_seconds": self._seconds(lead) if lead else None,
        }
        try:
            return InputRecord(line, f"{project}:{item}".encode(), orjson.dumps(annotation))
        except (orjson.JSONEncodeError, UnicodeEncodeError):
            raise self._not_utf_8(cells) from None

    def _no_project(self, line: int) -> str:
        where = f"{self._path}:{line}"
        raise InputError(f"{where}: no project: add a column 'project', or name the contract with --contract")

    def _when(self, line: int, cell: str) -> str:
        try:
            return self._time_of(cell)
        except TimesUnclearError as error:
            raise InputError(f"{self._path}:{line}: {error}") from None

    def _fitted(self, row: Sequence[Cell]) -> list[Cell]:
        """Return a row without the empty cells that are too many at its end. Raise UnreadableRowError."""
        if len(row) > self._width and not any(row[self._width :]):
            return [*row[: self._width], None]
        raise UnreadableRowError(
            f"the row has {len(row)} cell{'s' if len(row) != 1 else ''}, the header {self._width}, "
            "so it is not certain which is which; put quotes around a cell that holds the delimiter"
        )

    def _seconds(self, text: str) -> int | float:
        try:
            return read_number(text, decimal_comma=self._decimal_comma)
        except NumberUnclearError as error:
            raise UnreadableRowError(f"lead_time_seconds: {error}") from None

    def _not_utf_8(self, cells: Sequence[Cell]) -> UnreadableRowError:
        for name, cell in zip(self._columns, cells, strict=False):
            if isinstance(cell, str) and not is_utf_8(cell):
                return UnreadableRowError(f"the cell '{name}' {not_utf_8(cell)}")
        return UnreadableRowError("a cell holds a value that JSON cannot express")

    def _id(self, fact: str) -> str:
        """Return the row's id: the same at every reading, and distinct for equal rows."""
        first = f"{fact}1".encode(errors="surrogateescape")
        found = hashlib.blake2b(first, digest_size=_BYTE_COUNT).digest()
        if found in self._seen:
            count = self._repeats[found] = self._repeats.get(found, 1) + 1
            said = f"{fact}{count}".encode(errors="surrogateescape")
            return hashlib.blake2b(said, digest_size=_BYTE_COUNT).hexdigest()
        self._seen.add(found)
        return found.hex()
