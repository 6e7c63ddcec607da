"""Files as people have them, made for a test, and what becomes of their rows."""

from pathlib import Path
from typing import Any

import orjson

from assay_schemas.contract.label_contract import LabelContract
from assay_services.ingest.file_readers import count_annotations, read_annotations
from assay_services.ingest.input_record import InputRecord
from assay_services.ingest.read_options import ReadOptions
from tests.support.builders import a_contract

NO_OPTIONS = ReadOptions()


def written(folder: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def records_of(
    path: Path, contract: LabelContract | None = None, options: ReadOptions = NO_OPTIONS
) -> list[InputRecord]:
    """Return the records of a file, which are as many as are counted."""
    agreed = contract or a_contract()
    found = list(read_annotations(path, agreed, options))
    assert count_annotations(path, agreed, options) == len(found)
    return found


def annotations_of(
    path: Path, contract: LabelContract | None = None, options: ReadOptions = NO_OPTIONS
) -> list[dict[str, Any]]:
    """Return the annotations of a file in which every row can be read."""
    found = records_of(path, contract, options)
    assert [one.problem for one in found] == [None] * len(found)
    return [orjson.loads(one.value) for one in found]


def votes_of(path: Path, contract: LabelContract | None = None, options: ReadOptions = NO_OPTIONS) -> list[Any]:
    """Return item, annotator and label of every annotation."""
    found = annotations_of(path, contract, options)
    return [(one["item"]["id"], one["annotator"]["id"], one["label"]) for one in found]
