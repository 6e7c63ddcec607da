"""Read a table of text row by row: CSV with any of the usual delimiters, quotes and line ends."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from assay_schemas.contract.label_contract import LabelContract
from assay_services.ingest.character_set import open_text, undecodable
from assay_services.ingest.csv_dialect import DELIMITERS, CsvDialect, delimiter_hint, dialect_of, first_rows
from assay_services.ingest.file_format import FileFormat
from assay_services.ingest.input_record import InputError, InputRecord, UnreadableRowError, unreadable
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.recognised_file import FileColumn, RecognisedFile, column_of, float_id_notes, text_facts
from assay_services.ingest.row_cells import REQUIRED, RowReader, check_columns

RowMaker: TypeAlias = Callable[[int, list[str]], InputRecord]
"""A function from a row's line and cells to its record; it may raise UnreadableRowError."""
_LARGEST_CELL = 16 * 1024 * 1024
_AT_THE_END = "unexpected end of data"
_SNIFFED_CHARACTERS = 256 * 1024


class CsvTable:
    """A table of text in a file: how it is written, and its rows."""

    def __init__(self, path: Path, found: FileFormat, contract: LabelContract | None, options: ReadOptions) -> None:
        """Look at the table's beginning. Raise InputError if it is not in its encoding."""
        self._path, self._found, self._contract, self._options = path, found, contract, options
        with open_text(path, found.compression, found.encoding) as text:
            try:
                self._head = text.read(_SNIFFED_CHARACTERS)
            except UnicodeDecodeError as error:
                raise undecodable(path, error) from None
        self.dialect = dialect_of(self._head)
        self._rows: _TableRows | None = None

    def records(self, *, only_count: bool = False) -> Iterator[InputRecord]:
        """Yield the rows as annotations. Raise InputError for what concerns the whole file.

        `only_count`: as many records are yielded, and the same is raised, but the records are empty.
        """
        dialect = self.dialect
        if any("\n" in name or "\r" in name for name in dialect.columns):
            raise InputError(f"{self._path}:{dialect.header_line}: a quote that opens in the header is never closed")
        check_columns(self._path, dialect.columns, line=dialect.header_line, hint=delimiter_hint(dialect))
        rows = RowReader(
            self._path, dialect.columns, self._contract, self._options, decimal_comma=dialect.decimal_comma
        )
        yield from self.rows(rows.check if only_count else rows.annotation)

    def rows(self, make: RowMaker) -> Iterator[InputRecord]:
        """Yield what `make` makes of each row. A row for which it raises UnreadableRowError is kept with the reason."""
        with open_text(self._path, self._found.compression, self._found.encoding) as text:
            self._rows = _TableRows(self._path, self._found.encoding, self.dialect)
            try:
                yield from self._rows.read(text, make)
            except UnicodeDecodeError as error:
                raise undecodable(self._path, error) from None

    def raw(self) -> str:
        """Return the current row as it is written."""
        return "" if self._rows is None else self._rows.text()

    def recognised(self) -> RecognisedFile:
        """Return what was found."""
        names = {",": "CSV", "\t": "TSV"}
        facts = [("delimiter", DELIMITERS.get(self.dialect.delimiter, f"'{self.dialect.delimiter}'"))]
        if self.dialect.decimal_comma:
            facts.append(("decimal sign", "comma"))
        if self.dialect.header_line > 1:
            facts.append(("header in line", str(self.dialect.header_line)))
        if self.dialect.unnamed:
            facts.append(("not read", "a column without a name"))
        return RecognisedFile(
            self._path,
            names.get(self.dialect.delimiter, "CSV"),
            self.records,
            lambda: sum(1 for _ in self.records(only_count=True)),
            (*facts, *text_facts(self._found)),
            columns := self.columns(),
            float_id_notes(columns),
        )

    def columns(self) -> Sequence[FileColumn]:
        """Return the columns with the types that the first rows show."""
        rows = first_rows(self._head, self.dialect)
        return [
            column_of(
                name,
                [row[place] for row in rows if len(row) == len(self.dialect.columns)],
                self._options,
                decimal_comma=self.dialect.decimal_comma,
            )
            for place, name in enumerate(self.dialect.columns)
        ]


class _TableRows:
    """The rows of one table. The lines of the current row are kept, for the bytes of one that cannot be read."""

    def __init__(self, path: Path, encoding: str, dialect: CsvDialect) -> None:
        self._path, self._encoding, self._dialect = path, encoding, dialect
        self._lines: list[str] = []

    def read(self, text: Iterable[str], make: RowMaker) -> Iterator[InputRecord]:
        """Yield a record for each row below the header that has a cell."""
        csv.field_size_limit(_LARGEST_CELL)
        before = self._dialect.header_line - 1
        found = csv.reader(
            self._kept(islice(text, before, None)),
            delimiter=self._dialect.delimiter,
            skipinitialspace=self._dialect.space_after_delimiter,
            strict=True,
        )
        kept, unnamed = self._lines, self._dialect.unnamed
        self._skip_header(found)
        while True:
            kept.clear()
            line = before + found.line_num + 1
            try:
                row = next(found)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._broken(line, str(error))
                continue
            if len(kept) > 1:
                self._check_quotes(line, all_of=True)
            row = row[unnamed:] if unnamed else row
            try:
                record = make(line, row) if any(row) else None
            except UnreadableRowError as error:
                record = self._unreadable(line, str(error))
            if record is not None:
                yield record

    def _skip_header(self, rows: Iterator[list[str]]) -> None:
        try:
            next(rows, None)
        except csv.Error as error:
            raise InputError(
                f"{self._path}:{self._dialect.header_line}: the header is no row of CSV: {error}"
            ) from None

    def _kept(self, text: Iterable[str]) -> Iterator[str]:
        keep = self._lines.append
        for line in text:
            keep(line)
            yield line

    def text(self) -> str:
        """Return the current row as it is written."""
        return "".join(self._lines).rstrip("\r\n")

    def _unreadable(self, line: int, reason: str) -> InputRecord:
        raw = self.text().encode(self._encoding, errors="surrogateescape")
        return unreadable(self._path, line, raw, reason)

    def _broken(self, line: int, problem: str) -> InputRecord:
        """Return a row whose quotes are wrong as an unreadable record. Raise InputError if it swallowed others."""
        if problem == _AT_THE_END:
            raise self._never_closed(line, "the file ends inside of it")
        if len(self._lines) > 1:
            self._check_quotes(line)
        said = (
            "a quoted cell goes on behind its closing quote; a quote inside a quoted cell is written twice"
            if "expected after" in problem
            else f"it is no row of CSV: {problem}"
        )
        return self._unreadable(line, said)

    def _check_quotes(self, line: int, *, all_of: bool = False) -> None:
        """Raise InputError if the lines inside a quoted cell look like rows: then its quote was never closed.

        `all_of`: the quotes are well-formed, so only a cell that holds nothing but rows is suspicious.
        """
        inside = [self._looks_like_a_row(one) for one in self._lines[1:]]
        if all(inside) if all_of else any(inside):
            raise self._never_closed(line, f"line {line + 1 + inside.index(True)} inside of it looks like a row")

    def _looks_like_a_row(self, line: str) -> bool:
        cells = next(csv.reader([line.replace('"', "")], delimiter=self._dialect.delimiter), [])
        needed = [
            cells[place] for place, name in enumerate(self._dialect.columns) if name in REQUIRED and cells[place:]
        ]
        whole = len(cells) == len(self._dialect.columns) > 1
        return whole and all(cell and cell == cell.strip() for cell in needed)

    def _never_closed(self, line: int, why: str) -> InputError:
        opened, is_open = line, False
        for place, one in enumerate(self._lines):
            turns = one.count('"') % 2 == 1
            opened = line + place if turns and not is_open else opened
            is_open ^= turns
        return InputError(
            f"{self._path}:{opened}: the quote that opens in this line is never closed: {why}. "
            "Close it, or write each quote that belongs to a text twice"
        )
