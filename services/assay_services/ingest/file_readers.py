"""Read annotations from files: recognise what a file is, and yield its records."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from assay_schemas.contract.label_contract import LabelContract
from assay_services.ingest.annotation_json import read_annotation_lines, read_annotation_values
from assay_services.ingest.csv_table import read_dialect, read_table
from assay_services.ingest.file_format import FileFormat, FileKind, format_of
from assay_services.ingest.input_record import InputError, InputRecord
from assay_services.ingest.json_text import JsonLayout, read_lines
from assay_services.ingest.parquet_table import read_parquet
from assay_services.ingest.read_options import ReadOptions

_NO_OPTIONS = ReadOptions()


def read_annotations(
    path: Path, contract: LabelContract | None, options: ReadOptions = _NO_OPTIONS
) -> Iterator[InputRecord]:
    """Yield every record of a file, in order. Raise InputError for what concerns the whole file.

    Lines of JSON are not checked: the validator judges them. The contract defines how to read a label in a table, and
    the project if the file has no column for it. A row that cannot be read is a record with a problem.
    """
    return _records(path, format_of(path, options), contract, options)


def read_all(
    paths: Iterable[Path], contract: LabelContract | None, options: ReadOptions = _NO_OPTIONS
) -> Iterator[InputRecord]:
    """Yield the records of several files, one file after the other. Raise InputError."""
    return chain.from_iterable(read_annotations(path, contract, options) for path in paths)


def count_annotations(path: Path, contract: LabelContract | None, options: ReadOptions = _NO_OPTIONS) -> int:
    """Return how many records `read_annotations` would yield. Raise InputError if it would."""
    found = format_of(path, options)
    if found.layout is JsonLayout.LINES:  # every line counts, so none has to be parsed
        return sum(1 for _ in read_lines(path, found.compression, found.encoding))
    return sum(1 for _ in _records(path, found, contract, options, only_count=True))


def _records(
    path: Path, found: FileFormat, contract: LabelContract | None, options: ReadOptions, *, only_count: bool = False
) -> Iterator[InputRecord]:
    match found.kind:
        case FileKind.JSON if found.layout is JsonLayout.LINES:
            return read_annotation_lines(path, found.compression, found.encoding)
        case FileKind.JSON:
            layout = found.layout or JsonLayout.ARRAY
            return read_annotation_values(path, found.compression, found.encoding, layout)
        case FileKind.TABLE:
            dialect = read_dialect(path, found.compression, found.encoding)
            return read_table(
                path, found.compression, found.encoding, dialect, contract, options, only_count=only_count
            )
        case FileKind.PARQUET:
            return read_parquet(path, contract, options)
    raise InputError(f"{path}: {found.kind} is not read; give CSV, JSON Lines or Parquet")
