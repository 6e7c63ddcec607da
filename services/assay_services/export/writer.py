"""Write a training set and its data card from the archive."""

import csv
import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from assay_schemas.annotation import ItemId, ProjectId
from assay_schemas.json_data import Json
from assay_services.export.core.data_card import Card, Request, agreement_of, as_markdown, counted
from assay_services.export.core.dataset import DatasetRow, label_of
from assay_services.export.formats import write_parquet
from assay_services.stores.archive.sql_query import Cell, run_query

_PATIENCE_SECONDS = 3_600.0
_EXAMPLES = """
SELECT c.item, i.text, c.label, c.label_kind, c.probability, c.status, c.votes, coalesce(w.n, 0), i.gold, i.gold_kind,
    i.attributes, i.media, i.features, c.contract_version
FROM consensus AS c
JOIN items AS i ON i.project = c.project AND i.item = c.item
LEFT JOIN (
    SELECT item, count(*) AS n FROM current_corrections WHERE project = ? GROUP BY item
) AS w ON w.item = c.item
WHERE c.project = ? AND c.label IS NOT NULL AND i.seen_at >= ?
"""
_VOTES = "SELECT item, label, label_kind FROM live_annotations WHERE project = ? AND label IS NOT NULL"
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "item": "the item's id",
        "text": "its text, as its newest annotation shows it",
        "label": "the consensus of its validated annotations",
        "probability": "how probable that label is, 0-1",
        "status": "open, accepted, disputed, gold or adjudicated",
        "votes": "how many annotations it rests on",
        "corrections": "how many of them are called wrong",
        "gold": "its known label, if any",
        "attributes": "its attributes",
        "media": "its picture, sound or film, if any",
        "features": "its features, if any",
        "split": "which part it belongs to",
    }
)


def read_examples(url: str, request: Request) -> tuple[list[DatasetRow], list[int]]:
    """Return the matching labelled items, and the contract versions that judged them."""
    since = request.since or "0001-01-01 00:00:00.000000"
    found: list[DatasetRow] = []
    versions: set[int] = set()
    with run_query(
        url, _EXAMPLES, timeout_seconds=_PATIENCE_SECONDS, parameters=(request.project, request.project, since)
    ) as answer:
        for row in answer.rows:
            example = _example(row)
            if request.min_probability is None or (example.probability or 0.0) >= request.min_probability:
                found.append(example)
                versions.add(int(row[-1] or 0))
    return found, sorted(versions)


def _example(row: Sequence[Any]) -> DatasetRow:
    item, text, label, kind, probability, status, votes, corrections, gold, gold_kind, *rest, _ = row
    attributes, media, features = (None if one is None else orjson.loads(one) for one in rest)
    return DatasetRow(
        item,
        text,
        label_of(label, kind),
        probability,
        status,
        votes,
        int(corrections),
        label_of(gold, gold_kind),
        dict(sorted((attributes or {}).items())),
        media and dict(sorted(media.items())),
        features,
        "",
    )


def write_dataset(
    examples: Sequence[DatasetRow],
    folder: Path,
    *,
    request: Request,
    versions: Sequence[int],
    votes: Mapping[ItemId, Sequence[Any]],
) -> Card:
    """Write the data and their card; each file appears only when it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"data.{request.format}"
    part = folder / f".{name}.part"
    _WRITERS[request.format](examples, part)
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    part.replace(folder / name)
    card = Card(
        request=request,
        data_file=name,
        sha256=digest,
        made_at=_now(),
        made_by=f"assay {version('assay')}",
        contract_versions=versions,
        agreement=agreement_of(votes[one.item] for one in examples if one.item in votes),
        columns=dict(_COLUMNS),
        **counted(examples),
    )
    _write(folder / "card.json", orjson.dumps(card.as_dict(), option=orjson.OPT_INDENT_2) + b"\n")
    _write(folder / "card.md", as_markdown(card).encode())
    return card


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _write_jsonl(examples: Sequence[DatasetRow], path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(orjson.dumps(one._asdict(), option=orjson.OPT_APPEND_NEWLINE) for one in examples)


def _write_csv(examples: Sequence[DatasetRow], path: Path) -> None:
    """Write CSV for programs. Texts are unchanged: do not open it in a spreadsheet."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(DatasetRow._fields)
        writer.writerows(map(_flat, examples))


def _write_parquet(examples: Sequence[DatasetRow], path: Path) -> None:
    write_parquet(DatasetRow._fields, map(_flat, examples), path)


_WRITERS: Mapping[str, Callable[[Sequence[DatasetRow], Path], None]] = MappingProxyType(
    {"jsonl": _write_jsonl, "csv": _write_csv, "parquet": _write_parquet}
)


def _flat(example: DatasetRow) -> list[Cell]:
    """Return a row of plain cells; structured values become JSON."""
    return [_cell(value) for value in example]


def _cell(value: Json) -> Cell:
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    cell: Cell = value
    return cell


def votes_of(url: str, project: ProjectId, wanted: set[ItemId]) -> dict[ItemId, list[Any]]:
    """Return the live labels of these items, by item."""
    found: defaultdict[ItemId, list[Any]] = defaultdict(list)
    with run_query(url, _VOTES, timeout_seconds=_PATIENCE_SECONDS, parameters=(project,)) as answer:
        for item, label, kind in answer.rows:
            if item in wanted:
                found[ItemId(str(item))].append(label_of(str(label), str(kind)))
    return found


def projects_in(url: str) -> list[str]:
    """Return the names of up to 20 projects in the archive."""
    query = "SELECT DISTINCT project FROM items ORDER BY project LIMIT 20"
    with run_query(url, query, timeout_seconds=_PATIENCE_SECONDS) as answer:
        return [str(row[0]) for row in answer.rows]


def _now() -> str:
    """Return the current time; SOURCE_DATE_EPOCH overrides it, to reproduce a card byte for byte."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    if re.fullmatch(r"\d{1,11}", fixed):
        return datetime.fromtimestamp(int(fixed), UTC).isoformat(timespec="seconds")
    return datetime.now(UTC).isoformat(timespec="seconds")
