"""Excel workbooks are read by their cells' types."""

import zipfile
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from assay_services.ingest.file_readers import recognise
from assay_services.ingest.input_record import InputError
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.times import zone_named
from tests.services.ingest.messy_files import annotations_of, records_of, votes_of, written
from tests.support.builders import a_contract

UTC = ReadOptions(timezone=zone_named("UTC"))
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DATE_STYLE = (
    f'<styleSheet {MAIN}><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/>'
    '</borders><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>'
)


def cell(place: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        days = (value - datetime(1899, 12, 30)).total_seconds() / 86_400  # noqa: DTZ001  # Excel has no zones
        return f'<c r="{place}" s="1"><v>{days!r}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    """Write a workbook as Excel would, as far as a reader looks."""
    with zipfile.ZipFile(path, "w") as parts:
        types = "".join(
            f'<Override PartName="/xl/worksheets/s{n}.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'spreadsheetml.worksheet+xml"/>'
            for n in range(len(sheets))
        )
        parts.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types">{types}</Types>')
        names = "".join(f'<sheet name="{name}" sheetId="{n + 1}" r:id="r{n}"/>' for n, name in enumerate(sheets))
        parts.writestr("xl/workbook.xml", f'<workbook {MAIN} xmlns:r="{RELATIONS}"><sheets>{names}</sheets></workbook>')
        links = "".join(
            f'<Relationship Id="r{n}" Type="{RELATIONS}/worksheet" Target="worksheets/s{n}.xml"/>'
            for n in range(len(sheets))
        )
        relations = f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
        parts.writestr("xl/_rels/workbook.xml.rels", relations)
        parts.writestr("xl/styles.xml", DATE_STYLE)
        start = f'<Relationship Id="r0" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
        parts.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{start}</Relationships>')
        for n, rows in enumerate(sheets.values()):
            written_rows = "".join(
                f'<row r="{y}">' + "".join(cell(f"{chr(65 + x)}{y}", one) for x, one in enumerate(row)) + "</row>"
                for y, row in enumerate(rows, 1)
            )
            sheet = f"<worksheet {MAIN}><sheetData>{written_rows}</sheetData></worksheet>"
            parts.writestr(f"xl/worksheets/s{n}.xml", sheet)
    return path


def test_cells_are_read_by_their_types(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["item", "annotator", "label", "occurred_at", "lead_time_seconds", "text"],
        [7, "007", 3, datetime(2026, 11, 20, 10), 2.5, "hello"],  # noqa: DTZ001  # Excel has no zones
        [8, "007", 2.5, datetime(2026, 11, 20, 11), 3, 12],  # noqa: DTZ001  # the same
        [],
        [9, None, 2, None, None, None],
    ]
    path = workbook(tmp_path / "a.xlsx", votes=rows)

    first, second, broken = records_of(path, a_contract("ordinal"), UTC)

    assert (first.line, first.key, second.line) == (2, b"ads-safety:7", 3)
    assert b'"label":3,' in first.value
    assert b'"occurred_at":"2026-11-20T10:00:00+00:00"' in first.value
    assert b'"lead_time_seconds":2.5' in first.value
    assert b'"text":"12"' in second.value
    assert "a.xlsx:5: the cell 'annotator' is empty" in (broken.problem or "")
    assert broken.value.startswith(b'{"item":9,')
    with pytest.raises(InputError, match=r"a\.xlsx:2: times have no time zone"):
        records_of(path, a_contract("ordinal"))


def test_the_sheet_with_the_columns_is_read_whatever_stands_above_them(tmp_path: Path) -> None:
    table: list[list[object]] = [[], ["Item", "Annotator ", "LABEL", None], ["i1", "ann", "safe", None]]
    path = workbook(tmp_path / "A.XLSX", about=[["our votes"]], votes=table)

    assert votes_of(path) == [("i1", "ann", "safe")]
    assert recognise(path, None).facts == (("sheet", "votes"), ("not read", "about"))
    assert [one["item"]["id"] for one in annotations_of(path.rename(tmp_path / "without-ending"))] == ["i1"]


def test_a_sheet_without_the_columns_and_a_file_that_is_no_workbook_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the column annotator, label is missing"):
        records_of(workbook(tmp_path / "a.xlsx", votes=[["item"], ["i1"]]))
    with pytest.raises(InputError, match="no Excel workbook that can be read"):
        records_of(written(tmp_path, "item,annotator,label\n", "b.xlsx"))
    with zipfile.ZipFile(tmp_path / "c", "w") as parts:
        parts.writestr("votes.csv", "item,annotator,label\n")
    with pytest.raises(InputError, match="a zip archive; unpack it"):
        records_of(tmp_path / "c")
