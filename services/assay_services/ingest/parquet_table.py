"""Read Parquet files: native lists, structs, decimals, times and numbers by their types."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from assay_schemas.contract.label_contract import LabelContract
from assay_services.ingest.input_record import InputError, InputRecord
from assay_services.ingest.native_cells import read_rows
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.recognised_file import ID_COLUMNS, FileColumn, RecognisedFile
from assay_services.ingest.row_cells import RowReader, check_columns, column_name

_INDEX = re.compile(r"__index_level_\d+__").fullmatch
_FLOATS = {"halffloat", "float", "double"}


def open_parquet(path: Path) -> Any:  # noqa: ANN401  # pyarrow has no types
    """Open a Parquet file. Raise InputError."""
    from pyarrow import ArrowException, parquet  # noqa: PLC0415  # heavy, and needed for these files only

    try:
        return parquet.ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise InputError(f"{path}: no Parquet file: {error}") from None


class ParquetTable:
    """A Parquet file: its columns and its rows."""

    def __init__(self, path: Path, contract: LabelContract | None, options: ReadOptions) -> None:
        """Open it. Raise InputError."""
        self._path, self._contract, self._options = path, contract, options
        self._file = open_parquet(path)
        fields = [one for one in self._file.schema_arrow if _INDEX(one.name) is None]  # pandas' row numbers
        self._names = [one.name for one in fields]
        self._columns = [column_name(name) for name in self._names]
        self._types = [str(one.type) for one in fields]

    def records(self) -> Iterator[InputRecord]:
        """Yield the rows; their numbers count from 1. Raise InputError."""
        from pyarrow import ArrowException  # noqa: PLC0415  # heavy, and needed for these files only

        check_columns(self._path, self._columns)
        rows = RowReader(self._path, self._columns, self._contract, self._options, first=1)
        try:
            batches = (zip(*_columns(batch), strict=True) for batch in self._file.iter_batches(columns=self._names))
            values = (row for batch in batches for row in batch)
            yield from read_rows(rows, self._columns, enumerate(values, 1))
        except (ArrowException, OSError) as error:
            raise InputError(f"{self._path}: the Parquet file is damaged: {error}") from None

    def recognised(self) -> RecognisedFile:
        """Return what was found."""
        examples = self._first_row()
        columns = [FileColumn(*one) for one in zip(self._columns, self._types, examples, strict=True)]
        floats = [
            name
            for name, kind in zip(self._columns, self._types, strict=True)
            if name in ID_COLUMNS and kind in _FLOATS
        ]
        notes = Counter(f"the column '{name}' holds numbers with a point: 12.0 is read as 12" for name in floats)
        rows = self._file.metadata.num_rows
        return RecognisedFile(
            self._path, "Parquet", self.records, self._count, (("rows", f"{rows:,}"),), columns, notes
        )

    def _count(self) -> int:
        return sum(1 for _ in self.records())

    def _first_row(self) -> Sequence[str]:
        from pyarrow import ArrowException  # noqa: PLC0415  # heavy, and needed for these files only

        try:
            first = next(self._file.iter_batches(1, columns=self._names), None)
        except (ArrowException, OSError):
            return [""] * len(self._names)
        return [""] * len(self._names) if first is None else [str(column[0]) for column in _columns(first)]


def _columns(batch: Any) -> Iterator[Sequence[object]]:  # noqa: ANN401  # pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415  # heavy, and needed for these files only

    for column in batch.columns:
        if pa.types.is_timestamp(column.type):  # Python's times have microseconds
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # noqa: PLW2901  # the same column
        try:
            yield column.to_pylist()
        except (OverflowError, ValueError):  # a time outside of Python's calendar
            yield [_value(one) for one in column]


def _value(scalar: Any) -> object:  # noqa: ANN401  # pyarrow has no types
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return f"{scalar.value} as {scalar.type}"
