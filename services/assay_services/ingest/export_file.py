"""Exports of platforms and data sets: recognised by their structure, and read offline."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from assay_schemas.contract.label_contract import LabelContract
from assay_services.gateway.core.platforms.coercion import Malformed, parse
from assay_services.ingest.byte_stream import open_bytes
from assay_services.ingest.character_set import open_text, undecodable
from assay_services.ingest.csv_table import CsvTable
from assay_services.ingest.file_format import FileFormat
from assay_services.ingest.input_record import InputError, InputRecord, UnreadableRowError
from assay_services.ingest.json_text import JsonLayout, read_lines, read_values
from assay_services.ingest.platform_exports import conll_text, cvat_xml
from assay_services.ingest.platform_exports.export_context import ExportContext
from assay_services.ingest.platform_exports.export_register import JsonExport, export_of
from assay_services.ingest.platform_exports.label_studio_export import ROW_FIELDS, LabelStudioRows
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.recognised_file import FileColumn, RecognisedFile, text_facts

_SAMPLE = 20
LABEL_STUDIO_TABLE = "Label Studio's export (CSV)"


def json_export(
    path: Path, found: FileFormat, contract: LabelContract | None, options: ReadOptions
) -> RecognisedFile | None:
    """Return a platform's export in JSON; None if the file holds annotations, or nothing that is known."""
    sample = [parse(raw) for _, raw in islice(_values(path, found), _SAMPLE)]
    export = export_of([one for one in sample if not isinstance(one, Malformed)])
    if export is None:
        return None
    context = ExportContext.of(path, contract, options)
    return _recognised(export.name, found, context, lambda: _json_records(export, found, context))


def _json_records(export: JsonExport, found: FileFormat, context: ExportContext) -> Iterator[InputRecord]:
    reader = export.reader(context)
    for line, raw in _values(context.path, found):
        value = parse(raw)
        yield from context.records(line, raw, [value] if isinstance(value, Malformed) else export.read(value, reader))


def _values(path: Path, found: FileFormat) -> Iterator[tuple[int, str]]:
    if found.layout is JsonLayout.LINES:
        for line, raw in read_lines(path, found.compression, found.encoding):
            yield line, raw.decode(errors="surrogateescape")
        return
    for value in read_values(path, found.compression, found.encoding, found.layout or JsonLayout.ARRAY):
        yield value.line, value.raw


def is_label_studio_table(table: CsvTable) -> bool:
    """Return whether a table has the columns of Label Studio's export."""
    return set(table.dialect.columns) >= ROW_FIELDS


def label_studio_table(
    path: Path, table: CsvTable, found: FileFormat, contract: LabelContract | None, options: ReadOptions
) -> RecognisedFile:
    """Return Label Studio's export as CSV."""
    context, columns = ExportContext.of(path, contract, options), table.dialect.columns

    def records() -> Iterator[InputRecord]:
        read = LabelStudioRows(context).read

        def make(line: int, row: Sequence[str]) -> InputRecord:
            if len(row) != len(columns):
                raise UnreadableRowError(f"the row has {len(row)} cells, the header {len(columns)}")
            one = context.records(line, table.raw(), read(dict(zip(columns, row, strict=True))))
            return next(one)

        return table.rows(make)

    return _recognised(LABEL_STUDIO_TABLE, found, context, records, table.columns())


def token_file(path: Path, found: FileFormat, contract: LabelContract | None, options: ReadOptions) -> RecognisedFile:
    """Return a file of tokens and tags."""
    context = ExportContext.of(path, contract, options)

    def records() -> Iterator[InputRecord]:
        with open_text(path, found.compression, found.encoding) as text:
            try:
                yield from conll_text.read_conll(text, context)
            except UnicodeDecodeError as error:
                raise undecodable(path, error) from None

    return _recognised(conll_text.NAME, found, context, records)


def xml_export(path: Path, found: FileFormat, contract: LabelContract | None, options: ReadOptions) -> RecognisedFile:
    """Return CVAT's export in XML. Raise InputError for other XML."""
    if not cvat_xml.is_cvat(found.head):
        raise InputError(f"{path}: of XML, only '{cvat_xml.NAME}' is read; export the labels in another format")
    context = ExportContext.of(path, contract, options)

    def records() -> Iterator[InputRecord]:
        with open_bytes(path, found.compression, lines=False) as stream:
            yield from cvat_xml.read_cvat(stream, context)

    return _recognised(cvat_xml.NAME, found, context, records)


def _recognised(
    name: str,
    found: FileFormat,
    context: ExportContext,
    records: Callable[[], Iterator[InputRecord]],
    columns: Sequence[FileColumn] = (),
) -> RecognisedFile:
    read = partial(_afresh, context, records)
    return RecognisedFile(
        context.path, name, read, lambda: sum(1 for _ in read()), text_facts(found), columns, context.notes
    )


def _afresh(context: ExportContext, records: Callable[[], Iterator[InputRecord]]) -> Iterator[InputRecord]:
    context.notes.clear()  # of an earlier reading
    yield from records()
