"""What a file is: its compression, encoding, format and layout, by its content and its name."""

import zipfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assay_services.ingest.byte_stream import Compression, compression_of, open_bytes
from assay_services.ingest.character_set import encoding_of, mark_length
from assay_services.ingest.input_record import InputError
from assay_services.ingest.json_text import JsonLayout, layout_of
from assay_services.ingest.platform_exports.conll_text import is_conll
from assay_services.ingest.read_options import ReadOptions

_HEAD_BYTES = 256 * 1024
_LINES = {".jsonl", ".ndjson", ".jsonlines"}
_TABLES = {".csv", ".tsv", ".tab", ".txt", ".psv"}
_CONLL = {".conll", ".iob", ".iob2", ".bio", ".conll2003"}
_PACKED = {".gz", ".zst", ".zstd", ".bz2", ".xz"}


class FileKind(StrEnum):
    """The kinds of files that Assay tells apart."""

    JSON = "JSON"
    TABLE = "table of text"
    PARQUET = "Parquet"
    EXCEL = "Excel"
    XML = "XML"
    TOKENS = "tokens and tags"


_MAGIC = {
    b"PAR1": FileKind.PARQUET,
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": FileKind.EXCEL,
}
_ZIP, _ARROW, _WORKBOOK = b"PK\x03\x04", b"ARROW1", "xl/workbook.xml"
_BINARY_NAMES = {".parquet": FileKind.PARQUET, ".pq": FileKind.PARQUET, ".xlsx": FileKind.EXCEL, ".xls": FileKind.EXCEL}
_FOLDER = (
    "a folder, not a file. Of a Hugging Face data set, save a table: ds.to_parquet('votes.parquet') with the columns "
    "item, annotator and label. Of YOLO, export COCO: YOLO's boxes are shares of an image size that is not there"
)
_NOT_READ = {
    ".spacy": "spaCy's binary DocBin needs spaCy; write the documents as JSON Lines: "
    '{"text": doc.text, "entities": [[e.start_char, e.end_char, e.label_] for e in doc.ents]}',
    ".arrow": "an Arrow file; save it as Parquet: datasets' ds.to_parquet('votes.parquet') or pyarrow's write_table",
    ".zip": "a zip archive; unpack it, and give the files inside",
}
_KNOWN = "CSV, TSV, JSON, JSON Lines, Parquet or Excel (also .gz and .zst)"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What a file is. `head`: the beginning of its text, decoded; empty if it is no text."""

    kind: FileKind
    compression: Compression | None = None
    encoding: str = ""
    layout: JsonLayout | None = None
    head: str = ""


def format_of(path: Path, options: ReadOptions) -> FileFormat:
    """Return what a file is. Raise InputError if it is nothing that Assay reads."""
    if not path.is_file():
        raise InputError(f"{path}: {_FOLDER if path.is_dir() else 'there is no such file'}")
    name = _suffix(path)
    if name in _NOT_READ:
        raise InputError(f"{path}: {_NOT_READ[name]}")
    compression = compression_of(path)
    with open_bytes(path, compression, lines=False) as stream:
        head = stream.read(_HEAD_BYTES)
    binary = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), _BINARY_NAMES.get(name))
    if binary is not None or head.startswith((_ZIP, _ARROW)):
        return _binary(path, binary, head, compression)
    encoding = encoding_of(head, options.encoding)
    text = head[mark_length(head, encoding) :].decode(encoding, errors="replace")
    kind = _text_kind(path, name, text)
    return FileFormat(kind, compression, encoding, layout_of(text) if kind is FileKind.JSON else None, text)


def _suffix(path: Path) -> str:
    """Return the ending that tells the format, in small letters: `.csv` of `A.CSV.gz`."""
    endings = [one.lower() for one in path.suffixes]
    while endings and endings[-1] in _PACKED:
        endings.pop()
    return endings[-1] if endings else ""


def _binary(path: Path, kind: FileKind | None, head: bytes, compression: Compression | None) -> FileFormat:
    if compression is not None:
        raise InputError(f"{path}: {kind or 'an archive'} inside of {compression}; unpack it first")
    if kind is not FileKind.EXCEL and head.startswith(_ZIP):  # a workbook is one, too
        with path.open("rb") as file:
            is_workbook = zipfile.is_zipfile(file) and _WORKBOOK in zipfile.ZipFile(file).namelist()
        kind = FileKind.EXCEL if is_workbook else None
    if kind is None:
        raise InputError(f"{path}: {_NOT_READ['.zip' if head.startswith(_ZIP) else '.arrow']}")
    return FileFormat(kind)


def _text_kind(path: Path, name: str, text: str) -> FileKind:
    begin = text.lstrip()[:1]
    if name in _CONLL or (name not in _LINES and is_conll(text)):
        return FileKind.TOKENS
    if name in _LINES or begin in {"{", "["}:
        return FileKind.JSON
    if begin == "<":
        return FileKind.XML
    if name == ".json":
        return FileKind.JSON
    if name in _TABLES or ("\0" not in text and _first_line_divides(text)):
        return FileKind.TABLE
    raise InputError(f"{path}: the format '{name or path.name}' is not known, and its content is none of {_KNOWN}")


def _first_line_divides(text: str) -> bool:
    return any(sign in text.partition("\n")[0] for sign in ",;\t|")
