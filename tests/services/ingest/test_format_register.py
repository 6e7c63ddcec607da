"""The documentation of files is generated, current, and names every format that is recognised."""

from pathlib import Path

from assay_services.devtools.supported_files import DOCUMENT, document, main
from assay_services.ingest.export_file import LABEL_STUDIO_TABLE
from assay_services.ingest.file_readers import recognise
from assay_services.ingest.format_register import SUPPORTED_FILES
from assay_services.ingest.json_text import JsonLayout
from assay_services.ingest.platform_exports import conll_text, cvat_xml
from assay_services.ingest.platform_exports.export_register import JSON_EXPORTS
from tests.services.ingest.messy_files import written


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `make schemas`"
    assert main(["--check"]) == 0


def test_every_format_that_is_recognised_is_documented_by_the_name_that_the_command_says() -> None:
    said = {one.name for one in JSON_EXPORTS} | {f"annotations in {layout}" for layout in JsonLayout}
    said |= {"CSV", "TSV", "Excel", "Parquet", conll_text.NAME, cvat_xml.NAME, LABEL_STUDIO_TABLE}

    assert {one.name for one in SUPPORTED_FILES} == said


def test_names_are_those_of_recognition(tmp_path: Path) -> None:
    names = {one.name for one in SUPPORTED_FILES}

    assert recognise(written(tmp_path, "item,annotator,label\n"), None).name in names
    assert recognise(written(tmp_path, "item\tannotator\tlabel\n"), None).name in names
    assert recognise(written(tmp_path, '{"a": 1}\n', "a.jsonl"), None).name in names
