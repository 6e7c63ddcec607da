"""Annotations from files: JSONL as it is, CSV and Parquet by their columns."""

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from schemas.contract import LabelContract

_REQUIRED = ("item", "annotator", "label")
_OPTIONAL = ("occurred_at", "lead_time_seconds", "text", "gold", "project")


class InputError(Exception):
    """A file that cannot be read as annotations; the message names file, line and what was expected."""


class InputRecord(NamedTuple):
    """One record as it would lie on the topic `annotations`, and the line it comes from."""

    line: int
    key: bytes | None
    value: bytes


def read_annotations(path: Path, contract: LabelContract | None) -> Iterator[InputRecord]:
    """Yield every record of a `.jsonl`, `.csv` or `.parquet` file, in its order. Raise InputError.

    JSONL lines go as they are, whatever they hold: judging them is the validator's work. The contract says how to
    read a CSV label, and which project it is where the file does not.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    if path.suffix == ".csv":
        yield from _read_csv(path, contract)
    elif path.suffix == ".parquet":
        yield from _read_parquet(path, contract)
    elif path.suffix in {".jsonl", ".ndjson", ".json"}:
        yield from _read_jsonl(path)
    else:
        raise InputError(f"{path}: '{path.suffix}' is not known; give a .jsonl, .csv or .parquet file")


def _read_jsonl(path: Path) -> Iterator[InputRecord]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            value = line.rstrip(b"\r\n")
            if value:
                yield InputRecord(number, key_of(value), value)


def key_of(value: bytes) -> bytes | None:
    """Return the key the record should have, or None for bytes that name no item."""
    try:
        found = orjson.loads(value)
        return f"{found['project']}:{found['item']['id']}".encode()
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _read_csv(path: Path, contract: LabelContract | None) -> Iterator[InputRecord]:
    file_time = _file_time(path)
    seen: Counter[tuple[str, ...]] = Counter()
    with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
        rows = csv.DictReader(file)
        _check_columns(path, rows.fieldnames or ())
        try:
            for number, row in enumerate(rows):
                yield _record(path, rows.line_num, row, contract, file_time + timedelta(microseconds=number), seen)
        except csv.Error as error:
            raise InputError(f"{path}:{rows.line_num}: no CSV: {error}") from None


def _read_parquet(path: Path, contract: LabelContract | None) -> Iterator[InputRecord]:
    try:
        from pyarrow import ArrowInvalid, parquet  # noqa: PLC0415  # it belongs to the extra `train`
    except ImportError:
        raise InputError(f"{path}: Parquet needs the extra `assay[train]`; install it, or give CSV") from None
    file_time, seen = _file_time(path), Counter[tuple[str, ...]]()
    try:
        table = parquet.ParquetFile(path)
    except ArrowInvalid as error:
        raise InputError(f"{path}: no Parquet file: {error}") from None
    _check_columns(path, table.schema_arrow.names)
    number = 0
    for batch in table.iter_batches():
        for found in batch.to_pylist():
            row = {name: None if value is None else _as_text(value) for name, value in found.items()}
            number += 1
            yield _record(path, number, row, contract, file_time + timedelta(microseconds=number), seen)


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _file_time(path: Path) -> datetime:
    """Return the file's own time. Rows without one take it, a microsecond apart: the same at every reading."""
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


def _record(
    path: Path,
    line: int,
    row: Mapping[str, Any],
    contract: LabelContract | None,
    default_time: datetime,
    seen: Counter[tuple[str, ...]],
) -> InputRecord:
    project = row.get("project") or (contract.project if contract is not None else "")
    if not project:
        raise InputError(f"{path}:{line}: no project: add a column 'project', or name the contract with --contract")
    read = _label_reader(contract)
    fact = (project, row["item"] or "", row["annotator"] or "", row["label"] or "", row.get("occurred_at") or "")
    seen[fact] += 1
    attributes = {name[5:]: value for name, value in row.items() if name and name.startswith("attr.") and value}
    annotation = {
        "id": hashlib.blake2b(
            "\0".join((*fact, str(seen[fact]))).encode(errors="surrogateescape"), digest_size=16
        ).hexdigest(),
        "action": "created",
        "project": project,
        "item": {
            "id": row["item"] or "",
            "text": row.get("text"),
            "gold": read(row["gold"]) if row.get("gold") else None,
            "attributes": attributes,
        },
        "annotator": {"id": row["annotator"] or "", "kind": "human"},
        "label": read(row["label"] or ""),
        "occurred_at": row.get("occurred_at") or default_time.isoformat(),
        "lead_time_seconds": _number(row["lead_time_seconds"]) if row.get("lead_time_seconds") else None,
    }
    key = f"{project}:{row['item']}"
    return InputRecord(line, key.encode(errors="surrogateescape"), _json(annotation))


def _json(annotation: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(annotation)
    except orjson.JSONEncodeError:  # bytes that were no UTF-8: handed on as they were, for the dead letters
        text = repr(annotation)
        return text.encode(errors="surrogateescape")


def _label_reader(contract: LabelContract | None) -> Callable[[str], Any]:
    kind = "categorical" if contract is None else contract.label.kind
    if kind == "ordinal":
        return _number
    if kind == "multilabel":
        return lambda text: _parsed(text) if text.startswith("[") else [part for part in text.split("|") if part]
    return _parsed if kind in {"spans", "boxes"} else str


def _number(text: str) -> Any:  # noqa: ANN401  # what is no number stays text, and is rejected with a reason
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _parsed(text: str) -> Any:  # noqa: ANN401
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
