"""Records from JSON values: an annotation as it is written, or the annotation inside a CloudEvents envelope."""

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path

from assay_services.gateway.core.platforms.coercion import Malformed, fields, kind_of, parse
from assay_services.ingest.byte_stream import Compression
from assay_services.ingest.character_set import is_utf_8, not_utf_8
from assay_services.ingest.file_format import FileFormat
from assay_services.ingest.input_record import InputRecord, UnreadableRowError, key_of, unreadable
from assay_services.ingest.json_text import JsonLayout, read_lines, read_values
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.recognised_file import RecognisedFile, text_facts
from assay_services.ingest.times import TimeReader, TimesUnclearError

_ENVELOPE_MARK = b'"specversion"'
_LINE_ENDS = str.maketrans("\r\n", "  ")


def recognised_json(path: Path, found: FileFormat, options: ReadOptions) -> RecognisedFile:
    """Return a file of annotations in JSON. Their times are read as a person says, if one says anything."""
    asked = options.timezone is not None or options.dates is not None

    def timed(records: Iterator[InputRecord]) -> Iterator[InputRecord]:
        return read_times(path, records, options) if asked else records

    packed, encoding, layout = found.compression, found.encoding, found.layout or JsonLayout.LINES
    if layout is JsonLayout.LINES:  # every line counts, so none has to be parsed
        return RecognisedFile(
            path,
            "annotations in JSON Lines",
            lambda: timed(read_annotation_lines(path, packed, encoding)),
            lambda: sum(1 for _ in read_lines(path, packed, encoding)),
            text_facts(found),
        )
    return RecognisedFile(
        path,
        f"annotations in {layout}",
        lambda: timed(read_annotation_values(path, packed, encoding, layout)),
        lambda: sum(1 for _ in read_values(path, packed, encoding, layout)),
        text_facts(found),
    )


def read_annotation_lines(path: Path, compression: Compression | None, encoding: str) -> Iterator[InputRecord]:
    """Yield every line as it is; the validator judges it. Envelopes of CloudEvents are opened."""
    for line, value in read_lines(path, compression, encoding):
        key = key_of(value)
        yield InputRecord(line, key, value) if key is not None else opened(path, line, value)


def read_annotation_values(
    path: Path, compression: Compression | None, encoding: str, layout: JsonLayout
) -> Iterator[InputRecord]:
    """Yield the members of an array, or written-out objects, each on one line."""
    for found in read_values(path, compression, encoding, layout):
        value = found.raw.translate(_LINE_ENDS).encode(errors="surrogateescape")
        yield (
            opened(path, found.line, value)
            if _ENVELOPE_MARK in value
            else InputRecord(found.line, key_of(value), value)
        )


def opened(path: Path, line: int, value: bytes) -> InputRecord:
    """Return the annotation inside an envelope; a value that is no envelope stays as it is."""
    text = value.decode(errors="surrogateescape")
    if not text.isascii() and not is_utf_8(text):
        return unreadable(path, line, value, f"the line {not_utf_8(text)}")
    if _ENVELOPE_MARK not in value:
        return InputRecord(line, None, value)
    try:
        inside = _inside(value)
    except UnreadableRowError as error:
        return unreadable(path, line, value, error)
    return InputRecord(line, key_of(inside), inside)


def _inside(value: bytes) -> bytes:
    envelope = parse(value)
    if isinstance(envelope, Malformed) or not isinstance(envelope, dict) or "specversion" not in envelope:
        return value
    if "data_base64" in envelope:
        try:
            return base64.b64decode(envelope["data_base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise UnreadableRowError("the CloudEvents envelope's data_base64 is no base64") from None
    data = envelope.get("data")
    if isinstance(data, str):
        return data.encode(errors="surrogatepass")
    if not isinstance(data, dict):
        found = f"its data is {kind_of(data)}" if "data" in envelope else "it has no data"
        raise UnreadableRowError(f"the CloudEvents envelope has no annotation inside: {found}; an object is wanted")
    return json.dumps(data, ensure_ascii=False).encode(errors="surrogatepass")


def read_times(path: Path, records: Iterator[InputRecord], options: ReadOptions) -> Iterator[InputRecord]:
    """Pass records on; write `occurred_at` anew where it has no zone, a date like 03/04/2026, or a number."""
    reader = TimeReader(options.timezone, options.dates)
    for record in records:
        found = fields(parse(record.value)) if record.problem is None and record.key is not None else {}
        moment = found.get("occurred_at")
        if not isinstance(moment, str | int | float):
            yield record
            continue
        try:
            said = reader.read(str(moment))
        except (UnreadableRowError, TimesUnclearError) as error:
            yield unreadable(path, record.line, record.value, error)
            continue
        yield record if said == moment else record._replace(value=json.dumps({**found, "occurred_at": said}).encode())
