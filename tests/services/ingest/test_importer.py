"""An interrupted import resumes at the right record, whichever version noted where it stopped."""

from pathlib import Path

import pytest

from assay_services.engine.settings import RuntimeSettings
from assay_services.ingest.importer import Bookmark, ImportedPart, bookmark_of
from assay_services.ingest.input_record import InputRecord
from assay_services.ingest.read_options import ReadOptions
from tests.services.ingest.messy_files import written

RECORDS = [InputRecord(line, None, b"") for line in (2, 2, 3, 5)]
"""Two of them stand in one line, as in an array of JSON or in an export."""


@pytest.mark.parametrize(
    ("note", "left"),
    [('{"records": 1, "line": 0}', 3), ('{"records": 4, "line": 0}', 0), ('{"line": 2}', 2), ('{"line": 5}', 0)],
)
def test_records_are_counted_and_lines_of_earlier_versions_still_count(tmp_path: Path, note: str, left: int) -> None:
    bookmark = Bookmark(tmp_path / "b.json")
    bookmark.path.write_text(note)

    there = bookmark.read()

    assert sum(not there.has(number, one) for number, one in enumerate(RECORDS, 1)) == left


def test_a_bookmark_is_kept_until_it_is_forgotten(tmp_path: Path) -> None:
    bookmark = Bookmark(tmp_path / "imports" / "b.json")

    bookmark.write(ImportedPart(7, 3))
    kept = bookmark.read()
    bookmark.forget()

    assert kept == (7, 3)
    assert bookmark.read() == (0, 0)


def test_other_options_read_another_file(tmp_path: Path) -> None:
    path, settings = written(tmp_path, "item,annotator,label\n"), RuntimeSettings(folder=tmp_path)

    plain = bookmark_of(path, settings)

    assert plain == bookmark_of(path, settings, ReadOptions())
    assert plain != bookmark_of(path, settings, ReadOptions(encoding="cp1252"))
