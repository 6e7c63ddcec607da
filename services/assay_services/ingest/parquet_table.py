"""Read Parquet files: native lists, structs, decimals, times and numbers by their types."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from assay_schemas.contract.label_contract import LabelContract
from assay_services.ingest.input_record import InputError, InputRecord
from assay_services.ingest.native_cells import IDS, read_rows
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.row_cells import RowReader, check_columns, column_name

_INDEX = re.compile(r"__index_level_\d+__").fullmatch
ArrowSchema: TypeAlias = Any
"""pyarrow has no types."""


def open_parquet(path: Path) -> Any:  # noqa: ANN401  # pyarrow has no types
    """Open a Parquet file. Raise InputError."""
    from pyarrow import ArrowException, parquet  # noqa: PLC0415  # heavy, and needed for these files only

    try:
        return parquet.ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise InputError(f"{path}: no Parquet file: {error}") from None


def read_parquet(path: Path, contract: LabelContract | None, options: ReadOptions) -> Iterator[InputRecord]:
    """Yield the rows of a Parquet file; their numbers count from 1. Raise InputError."""
    from pyarrow import ArrowException  # noqa: PLC0415  # heavy, and needed for these files only

    file = open_parquet(path)
    names = [name for name in file.schema_arrow.names if _INDEX(name) is None]  # pandas' row numbers
    columns = [column_name(name) for name in names]
    check_columns(path, columns)
    rows = RowReader(path, columns, contract, options, first=1)
    try:
        batches = (zip(*_columns(batch), strict=True) for batch in file.iter_batches(columns=names))
        values = (row for batch in batches for row in batch)
        yield from read_rows(rows, columns, enumerate(values, 1))
    except (ArrowException, OSError) as error:
        raise InputError(f"{path}: the Parquet file is damaged: {error}") from None


def _columns(batch: Any) -> Iterator[Sequence[object]]:  # noqa: ANN401  # pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415  # heavy, and needed for these files only

    for column in batch.columns:
        if pa.types.is_timestamp(column.type):  # Python's times have microseconds
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # noqa: PLW2901  # the same column
        yield column.to_pylist()


def float_ids(schema: ArrowSchema) -> Sequence[str]:
    """Return the columns with ids whose type is a float: pandas makes it of whole numbers if one is missing."""
    from pyarrow import types  # noqa: PLC0415  # heavy, and needed for these files only

    return [field.name for field in schema if column_name(field.name) in IDS and types.is_floating(field.type)]
