"""Read Excel workbooks: the first sheet that has the columns of annotations."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assay_schemas.contract.label_contract import LabelContract
from assay_services.ingest.input_record import InputError, InputRecord
from assay_services.ingest.native_cells import native_text, read_rows
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.recognised_file import FileColumn, RecognisedFile, column_of
from assay_services.ingest.row_cells import REQUIRED, RowReader, check_columns, column_name

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_MOST_UNPACKED_BYTES = 1024**3
_SNIFFED_ROWS = 200


class ExcelTable:
    """One sheet of a workbook: its columns and its rows. A workbook is held in memory; Excel's sheets are bounded."""

    def __init__(self, path: Path, contract: LabelContract | None, options: ReadOptions) -> None:
        """Open the workbook, and choose the sheet. Raise InputError."""
        self._path, self._contract, self._options = path, contract, options
        book = _open(path)
        self._others = list(book.sheet_names)
        self._sheet, self._header = _sheet_of(path, book)
        self._others.remove(self._sheet.name)

    def records(self) -> Iterator[InputRecord]:
        """Yield the rows; their numbers are Excel's. Raise InputError."""
        number, columns = self._header
        check_columns(self._path, columns, line=number)
        rows = RowReader(self._path, columns, self._contract, self._options)
        below = ((place, row[: len(columns)]) for place, row in _rows(self._sheet) if place > number)
        yield from read_rows(rows, columns, below)

    def recognised(self) -> RecognisedFile:
        """Return what was found."""
        number, names = self._header
        below = [row for place, row in _rows(self._sheet, _SNIFFED_ROWS) if place > number]
        columns: list[FileColumn] = [
            column_of(name, [native_text(row[place]) or "" for row in below if place < len(row)], self._options)
            for place, name in enumerate(names)
        ]
        facts = (("sheet", self._sheet.name), *((("not read", ", ".join(self._others)),) if self._others else ()))
        return RecognisedFile(self._path, "Excel", self.records, lambda: sum(1 for _ in self.records()), facts, columns)


def _open(path: Path) -> "CalamineWorkbook":
    import python_calamine  # noqa: PLC0415  # needed for these files only

    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as parts:
                size = sum(part.file_size for part in parts.infolist())
            if size > _MOST_UNPACKED_BYTES:
                raise InputError(f"{path}: the workbook unpacks to {size // 1024**2:,} MiB; save the sheet as CSV")
        with path.open("rb") as file:  # by its content, whatever its name
            return python_calamine.load_workbook(file)
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path}: no Excel workbook that can be read: {error}") from None


def _sheet_of(path: Path, book: "CalamineWorkbook") -> tuple["CalamineSheet", tuple[int, Sequence[str]]]:
    """Return the first sheet with the columns of annotations, else the first one; and its header with its row."""
    from python_calamine import CalamineError  # noqa: PLC0415  # needed for these files only

    found: list[tuple[CalamineSheet, tuple[int, Sequence[str]]]] = []
    for name in book.sheet_names:
        try:
            sheet = book.get_sheet_by_name(name)
        except CalamineError as error:
            raise InputError(f"{path}: the sheet '{name}' cannot be read: {error}") from None
        header = _header_of(sheet)
        found.append((sheet, header))
        if set(header[1]) >= set(REQUIRED):
            return sheet, header
    if not found:
        raise InputError(f"{path}: the workbook has no sheet")
    return found[0]


def _header_of(sheet: "CalamineSheet") -> tuple[int, Sequence[str]]:
    for number, row in _rows(sheet, _SNIFFED_ROWS):
        names = [column_name(native_text(cell) or "") for cell in row]
        while names and not names[-1]:
            names.pop()
        if names:
            return number, names
    return 1, ()


def _rows(sheet: "CalamineSheet", most: int | None = None) -> Iterator[tuple[int, Sequence[object]]]:
    """Yield the rows with Excel's numbers. Excel has only floats: whole ones are whole numbers again."""
    for number, row in enumerate(sheet.to_python(skip_empty_area=False, nrows=most), 1):
        yield number, [int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in row]
