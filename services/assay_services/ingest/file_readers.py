"""Read annotations from files: recognise what a file is, and yield its records."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from assay_schemas.contract.label_contract import LabelContract
from assay_services.ingest.annotation_json import recognised_json
from assay_services.ingest.csv_table import CsvTable
from assay_services.ingest.excel_table import ExcelTable
from assay_services.ingest.export_file import (
    is_label_studio_table,
    json_export,
    label_studio_table,
    token_file,
    xml_export,
)
from assay_services.ingest.file_format import FileFormat, FileKind, format_of
from assay_services.ingest.input_record import InputRecord
from assay_services.ingest.parquet_table import ParquetTable
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.recognised_file import RecognisedFile

_NO_OPTIONS = ReadOptions()


def recognise(path: Path, contract: LabelContract | None, options: ReadOptions = _NO_OPTIONS) -> RecognisedFile:
    """Return what a file is and how to read it. Raise InputError if it is nothing that Assay reads.

    Lines of JSON are not checked: the validator judges them. The contract defines how to read a label in a table, and
    the project if the file has no column for it. A row that cannot be read is a record with a problem.
    """
    found = format_of(path, options)
    recognised: RecognisedFile
    match found.kind:
        case FileKind.JSON:
            recognised = json_export(path, found, contract, options) or recognised_json(path, found, options)
        case FileKind.TABLE:
            recognised = _table(path, found, contract, options)
        case FileKind.TOKENS:
            recognised = token_file(path, found, contract, options)
        case FileKind.XML:
            recognised = xml_export(path, found, contract, options)
        case FileKind.EXCEL:
            recognised = ExcelTable(path, contract, options).recognised()
        case FileKind.PARQUET:
            recognised = ParquetTable(path, contract, options).recognised()
    return recognised


def _table(path: Path, found: FileFormat, contract: LabelContract | None, options: ReadOptions) -> RecognisedFile:
    table = CsvTable(path, found, contract, options)
    if is_label_studio_table(table):
        return label_studio_table(path, table, found, contract, options)
    return table.recognised()


def read_annotations(
    path: Path, contract: LabelContract | None, options: ReadOptions = _NO_OPTIONS
) -> Iterator[InputRecord]:
    """Yield every record of a file, in order. Raise InputError for what concerns the whole file."""
    return recognise(path, contract, options).records()


def read_all(
    paths: Iterable[Path], contract: LabelContract | None, options: ReadOptions = _NO_OPTIONS
) -> Iterator[InputRecord]:
    """Yield the records of several files, one file after the other. Raise InputError."""
    return chain.from_iterable(read_annotations(path, contract, options) for path in paths)


def count_annotations(path: Path, contract: LabelContract | None, options: ReadOptions = _NO_OPTIONS) -> int:
    """Return how many records `read_annotations` would yield. Raise InputError if it would."""
    return recognise(path, contract, options).count()
