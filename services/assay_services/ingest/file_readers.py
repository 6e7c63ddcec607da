"""Read annotations from files: JSONL unchanged, CSV and Parquet by column names."""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.errors import AssayUserError
from assay_schemas.json_data import Json

_REQUIRED = ("item", "annotator", "label")
_LINES = {".jsonl", ".ndjson", ".json"}
_OPTIONAL = ("occurred_at", "lead_time_seconds", "text", "gold", "project")


class InputError(AssayUserError):
    """A file that cannot be read as annotations; the message has the file, the line and what was expected."""


class InputRecord(NamedTuple):
    """One record as on the topic `annotations`, and its line in the file."""

    line: int
    key: bytes | None
    value: bytes


def read_annotations(path: Path, contract: LabelContract | None) -> Iterator[InputRecord]:
    """Yield every record of a `.jsonl`, `.csv` or `.parquet` file, in order. Raise InputError.

    JSONL lines are not checked: the validator judges them. The contract defines how to read a CSV label, and the
    project if the file has no column for it.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    if path.suffix == ".csv":
        yield from _read_csv(path, contract)
    elif path.suffix == ".parquet":
        yield from _read_parquet(path, contract)
    elif path.suffix in _LINES:
        yield from _read_jsonl(path)
    else:
        raise InputError(f"{path}: '{path.suffix}' is not known; give a .jsonl, .csv or .parquet file")


def read_all(paths: Iterable[Path], contract: LabelContract | None) -> Iterator[InputRecord]:
    """Yield the records of several files, one file after the other. Raise InputError."""
    return chain.from_iterable(read_annotations(path, contract) for path in paths)


def count_annotations(path: Path, contract: LabelContract | None) -> int:
    """Return how many records `read_annotations` would yield. Raise InputError if it would."""
    if path.suffix in _LINES and path.is_file():  # every line counts, so none has to be parsed
        return sum(1 for _ in _lines(path))
    return sum(1 for _ in read_annotations(path, contract))


def _read_jsonl(path: Path) -> Iterator[InputRecord]:
    for number, value in _lines(path):
        yield InputRecord(number, key_of(value), value)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            value = line.rstrip(b"\r\n")
            if value:
                yield number, value


def key_of(value: bytes) -> bytes | None:
    """Return the key of a record, or None for bytes without an item."""
    try:
        found = orjson.loads(value)
        return f"{found['project']}:{found['item']['id']}".encode()
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _read_csv(path: Path, contract: LabelContract | None) -> Iterator[InputRecord]:
    with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
        rows = csv.reader(file)
        try:
            table = _TextTable(path, next(rows, []), contract)
            for row in rows:
                if row:
                    yield table.record(rows.line_num, row)
        except csv.Error as error:
            raise InputError(f"{path}:{rows.line_num}: not a CSV file: {error}") from None


def _read_parquet(path: Path, contract: LabelContract | None) -> Iterator[InputRecord]:
    try:
        from pyarrow import ArrowInvalid, parquet  # noqa: PLC0415  # part of the extra `train`
    except ImportError:
        raise InputError(f"{path}: Parquet needs the extra `assay[train]`; install it, or give CSV") from None
    try:
        file = parquet.ParquetFile(path)
    except ArrowInvalid as error:
        raise InputError(f"{path}: no Parquet file: {error}") from None
    columns = file.schema_arrow.names
    table, number = _TextTable(path, columns, contract, first=1), 0
    for batch in file.iter_batches():
        for found in batch.to_pylist():
            number += 1
            yield table.record(number, [None if found[name] is None else _as_text(found[name]) for name in columns])


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _file_time(path: Path) -> datetime:
    """Return the file's modification time. Rows without a time get it, a microsecond apart, at every reading."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _check_columns(path: Path, columns: Any) -> None:  # noqa: ANN401  # csv types them loosely
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise InputError(
            f"{path}:1: the column {', '.join(missing)} is missing; wanted are {', '.join(_REQUIRED)}, "
            f"and where there is one {', '.join(_OPTIONAL)}, attr.NAME"
        )
    unknown = [name for name in columns if name not in {*_REQUIRED, *_OPTIONAL} and not str(name).startswith("attr.")]
    if unknown:
        raise InputError(
            f"{path}:1: the column {', '.join(unknown)} is not known; "
            f"name it attr.{unknown[0]} to keep it as an attribute"
        )


class _TextTable:
    """Rows of text as records. Column positions are looked up once; of two columns with one name, the last counts."""

    def __init__(self, path: Path, columns: Sequence[str], contract: LabelContract | None, *, first: int = 0) -> None:
        """Read rows with these columns. Row number `first` gets the file's time if it has none."""
        _check_columns(path, columns)
        places = {name: place for place, name in enumerate(columns)}
        self._path = path
        self._width = len(columns)
        self._cells = itemgetter(*(places.get(name, self._width) for name in (*_REQUIRED, *_OPTIONAL)))
        self._attributes = [(name[5:], place) for name, place in places.items() if name.startswith("attr.")]
        self._project = contract.project if contract is not None else ""
        self._read = _label_reader(contract)
        self._time, self._number = _file_time(path), first - 1
        self._seen: dict[tuple[str, ...], int] = {}

    def record(self, line: int, row: list[str] | list[str | None]) -> InputRecord:
        """Return a row as a record; missing cells are None, surplus cells are ignored."""
        cells = [*row, None] if len(row) == self._width else self._fitted(row)
        item, annotator, label, occurred_at, lead, text, gold, project = self._cells(cells)
        project = project or self._project
        if not project:
            where = f"{self._path}:{line}"
            raise InputError(f"{where}: no project: add a column 'project', or name the contract with --contract")
        self._number += 1
        fact = (project, item or "", annotator or "", label or "", occurred_at or "")
        annotation = {
            "id": self._id(fact),
            "action": "created",
            "project": project,
            "item": {
                "id": item or "",
                "text": text,
                "gold": self._read(gold) if gold else None,
                "attributes": {name: cells[place] for name, place in self._attributes if cells[place]},
            },
            "annotator": {"id": annotator or "", "kind": "human"},
            "label": self._read(label or ""),
            "occurred_at": occurred_at or (self._time + timedelta(microseconds=self._number)).isoformat(),
            "lead_time_seconds": _number(lead) if lead else None,
        }
        return InputRecord(line, f"{project}:{item}".encode(errors="surrogateescape"), _json(annotation))

    def _fitted(self, row: Sequence[str | None]) -> list[str | None]:
        return [*row[: self._width], *[None] * max(1, self._width + 1 - len(row))]

    def _id(self, fact: tuple[str, ...]) -> str:
        """Return the row's id: the same at every reading, and distinct for equal rows."""
        count = self._seen[fact] = self._seen.get(fact, 0) + 1
        said = "\0".join((*fact, str(count))).encode(errors="surrogateescape")
        return hashlib.blake2b(said, digest_size=16).hexdigest()


def _json(annotation: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(annotation)
    except orjson.JSONEncodeError:  # invalid UTF-8: passed on unchanged, for the dead letters
        text = repr(annotation)
        return text.encode(errors="surrogateescape")


def _label_reader(contract: LabelContract | None) -> Callable[[str], Any]:
    kind = "categorical" if contract is None else contract.label.kind
    if kind == "ordinal":
        return _number
    if kind == "multilabel":
        return lambda text: _parsed(text) if text.startswith("[") else [part for part in text.split("|") if part]
    return _parsed if kind in {"spans", "boxes"} else str


def _number(text: str) -> Any:  # noqa: ANN401  # other text stays, and is rejected with a reason
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _parsed(text: str) -> Json:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
