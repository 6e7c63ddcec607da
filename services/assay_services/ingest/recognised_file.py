"""What a file was recognised as, for the reader and for the person who checks it before it is used."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay_services.ingest.file_format import FileFormat
from assay_services.ingest.input_record import InputRecord
from assay_services.ingest.number_text import NumberUnclearError, read_number
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.times import DATES_LIKE, WITHOUT_ZONE, time_format

ID_COLUMNS = ("item", "annotator", "project")
_FLOAT_ID = re.compile(r"\d+\.0", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a table, with the type of its cells and one of them."""

    name: str
    type: str
    example: str


@dataclass(frozen=True, slots=True)
class RecognisedFile:
    """A file with what it was recognised as.

    `facts` are further things that were found: delimiter, encoding, compression. `records` reads the file, `count`
    returns how many records it has; both raise InputError. `notes` has what a person should know of what was read,
    with how often it happened; reading fills it.
    """

    path: Path
    name: str
    records: Callable[[], Iterator[InputRecord]]
    count: Callable[[], int]
    facts: tuple[tuple[str, str], ...] = ()
    columns: Sequence[FileColumn] = ()
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def summary(self) -> str:
        """What was recognised, on one line."""
        return ", ".join((self.name, *(f"{name} {value}" for name, value in self.facts)))


def text_facts(found: FileFormat) -> tuple[tuple[str, str], ...]:
    """Return the encoding, and the compression if there is one."""
    packed = () if found.compression is None else (("compression", str(found.compression)),)
    return (("encoding", found.encoding), *packed)


def column_of(name: str, cells: Sequence[str], options: ReadOptions, *, decimal_comma: bool = False) -> FileColumn:
    """Return a column with the type that its first cells show."""
    filled = [cell for cell in cells if cell.strip()]
    if not filled:
        return FileColumn(name, "empty", "")
    if name == "occurred_at":
        return FileColumn(name, _time_type(filled[0], options), filled[0])
    return FileColumn(name, _type_of(filled, decimal_comma=decimal_comma), filled[0])


def float_id_notes(columns: Sequence[FileColumn]) -> Counter[str]:
    """Return a note for each column of a table of text whose ids look like whole numbers that pandas made floats."""
    return Counter(
        f"the ids in the column '{one.name}' look like {one.example}: so pandas writes 12 if another cell is empty. "
        f"They are read as they are written, and '12.0' is another {one.name} than '12'"
        for one in columns
        if one.name in ID_COLUMNS and _FLOAT_ID(one.example)
    )


def _time_type(cell: str, options: ReadOptions) -> str:
    found = time_format(cell)
    dates = found.startswith(DATES_LIKE)
    said = [str(options.dates)] if dates and options.dates is not None else []
    said += [str(options.timezone)] if (dates or found == WITHOUT_ZONE) and options.timezone is not None else []
    return f"time: {found}" + (f", read as {', '.join(said)}" if said else "")


def _type_of(cells: Sequence[str], *, decimal_comma: bool) -> str:
    if any(cell.strip() != "0" and cell.strip().startswith("0") and cell.strip().isdigit() for cell in cells):
        return "text"
    try:
        numbers = [read_number(cell, decimal_comma=decimal_comma) for cell in cells]
    except NumberUnclearError:
        return "text"
    return "whole number" if all(isinstance(one, int) for one in numbers) else "number"
