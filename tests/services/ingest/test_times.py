"""Times are read as they are meant, or a person is asked; they are never guessed."""

from datetime import datetime
from pathlib import Path

import orjson
import pytest

from assay_schemas.annotation import Annotation
from assay_services.ingest.file_readers import count_annotations
from assay_services.ingest.input_record import InputError
from assay_services.ingest.read_options import DateOrder, ReadOptions, encoding_named
from assay_services.ingest.times import time_format, zone_named
from tests.services.ingest.messy_files import annotations_of, records_of, written
from tests.support.builders import a_contract, annotation_input

BERLIN = ReadOptions(timezone=zone_named("Europe/Berlin"))
UTC_DMY = ReadOptions(timezone=zone_named("UTC"), dates=DateOrder.DAY_FIRST)
UTC_MDY = ReadOptions(timezone=zone_named("UTC"), dates=DateOrder.MONTH_FIRST)
UTC_YMD = ReadOptions(timezone=zone_named("UTC"), dates=DateOrder.YEAR_FIRST)


def with_time(folder: Path, *times: str) -> Path:
    rows = "".join(f'i{place},ann,safe,"{one}"\n' for place, one in enumerate(times))
    return written(folder, "item,annotator,label,occurred_at\n" + rows)


@pytest.mark.parametrize(
    ("cell", "options", "moment"),
    [
        ("2026-11-20T10:00:00Z", ReadOptions(), "2026-11-20T10:00:00Z"),
        ("2026-11-20 10:00:00+01:00", ReadOptions(), "2026-11-20T09:00:00Z"),
        ("2026-11-20 10:00:00 +0100", ReadOptions(), "2026-11-20T09:00:00Z"),
        ("2026-11-20 10:00:00 UTC", ReadOptions(), "2026-11-20T10:00:00Z"),
        ("1795168800", ReadOptions(), "2026-11-20T10:00:00Z"),
        ("1795168800.5", ReadOptions(), "2026-11-20T10:00:00.5Z"),
        ("1795168800000", ReadOptions(), "2026-11-20T10:00:00Z"),
        ("1795168800000000", ReadOptions(), "2026-11-20T10:00:00Z"),
        ("2026-11-20T10:00:00", BERLIN, "2026-11-20T09:00:00Z"),
        ("2026-07-20 10:00", BERLIN, "2026-07-20T08:00:00Z"),
        ("2026-11-20", BERLIN, "2026-11-19T23:00:00Z"),
        ("20261120", BERLIN, "2026-11-19T23:00:00Z"),
        ("2026/11/20 10:00", UTC_DMY, "2026-11-20T10:00:00Z"),
        ("03/04/2026", UTC_DMY, "2026-04-03T00:00:00Z"),
        ("03/04/2026", UTC_MDY, "2026-03-04T00:00:00Z"),
        ("3.4.2026 09:05:06", UTC_DMY, "2026-04-03T09:05:06Z"),
        ("03-04-26 9:05", UTC_DMY, "2026-04-03T09:05:00Z"),
        ("26/04/03", UTC_YMD, "2026-04-03T00:00:00Z"),
        ("3/4/2026, 9:05 PM", UTC_MDY, "2026-03-04T21:05:00Z"),
        ("3/4/2026 12:05 a.m.", UTC_MDY, "2026-03-04T00:05:00Z"),
        ("Fri, 20 Nov 2026 10:00:00 +0100", ReadOptions(), "2026-11-20T09:00:00Z"),
        ("Fri Nov 20 2026 10:00:00 GMT+0100 (CET)", ReadOptions(), "2026-11-20T09:00:00Z"),
        ("20-Nov-2026 10:00", BERLIN, "2026-11-20T09:00:00Z"),
        ("November 20, 2026 3:05 PM", UTC_DMY, "2026-11-20T15:05:00Z"),
        ("03/04/2026 10:00 +02:00", UTC_DMY, "2026-04-03T08:00:00Z"),
    ],
)
def test_a_time_is_read_as_it_is_meant(tmp_path: Path, cell: str, options: ReadOptions, moment: str) -> None:
    (found,) = annotations_of(with_time(tmp_path, cell), options=options)

    assert Annotation.model_validate(found).occurred_at == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    ("cell", "options", "said"),
    [
        ("2026-11-20T10:00:00", ReadOptions(), "have no time zone.*--timezone UTC"),
        ("2026-11-20 10:00", ReadOptions(), "have no time zone.*--timezone UTC"),
        ("2026-11-20", ReadOptions(), "have no time zone.*--timezone UTC"),
        ("03/04/2026", ReadOptions(), "may have the day or the month first; say which with --dates dmy, mdy or ymd"),
        ("20/11/2026", BERLIN, "here only dmy is possible"),
        ("20/11/26", BERLIN, "here only dmy or ymd is possible"),
        ("03/04/2026", ReadOptions(), "--dates dmy, mdy or ymd, and the time zone with --timezone UTC"),
        ("11/20/2026", BERLIN, "here only mdy is possible"),
        ("03/04/2026", ReadOptions(dates=DateOrder.DAY_FIRST), "have no time zone"),
    ],
)
def test_times_that_need_an_option_are_one_error_for_the_file(
    tmp_path: Path, cell: str, options: ReadOptions, said: str
) -> None:
    path = with_time(tmp_path, "2026-11-20T10:00:00Z", cell, cell)

    with pytest.raises(InputError, match=rf"a\.csv:3: .*{said}"):
        count_annotations(path, a_contract(), options)


@pytest.mark.parametrize(
    "cell", ["yesterday", "20/11/2026", "2026-13-40", "12345", "10:00", "Fri Nov 20", "20 Foo 2026"]
)
def test_what_is_no_time_is_a_row_that_cannot_be_read(tmp_path: Path, cell: str) -> None:
    broken, good = records_of(with_time(tmp_path, cell, "2026-11-20T10:00:00Z"), options=UTC_MDY)

    assert ":2: occurred_at: " in (broken.problem or "")
    assert cell.encode() in broken.value
    assert good.problem is None


def test_a_day_that_excel_wrote_as_a_number_says_so(tmp_path: Path) -> None:
    (broken,) = records_of(with_time(tmp_path, "45981.4166"))

    assert "it may be Excel's number of a day" in (broken.problem or "")


def test_other_zones_of_one_local_time_are_other_facts(tmp_path: Path) -> None:
    path = with_time(tmp_path, "2026-11-20T10:00:00")

    (berlin,), (utc,) = annotations_of(path, options=BERLIN), annotations_of(path, options=UTC_DMY)

    assert berlin["id"] != utc["id"]


def test_times_of_annotations_in_json_are_read_as_a_person_says(tmp_path: Path) -> None:
    cells = ["2026-11-20T10:00:00", "2026-11-20T10:00:00Z", 1795168800, "3.4.2026", "soon", None]
    lines = [orjson.dumps(annotation_input(occurred_at=one)) for one in cells]
    path = written(tmp_path, b"\n".join(lines), "a.jsonl")

    zoned, kept, epoch, unclear, broken, none = records_of(path, options=BERLIN)

    assert orjson.loads(zoned.value)["occurred_at"] == "2026-11-20T10:00:00+01:00"
    assert (kept.value, none.value) == (lines[1], lines[5])
    assert orjson.loads(epoch.value)["occurred_at"] == "2026-11-20T10:00:00+00:00"
    assert "a.jsonl:4: the date '3.4.2026' may have the day or the month first" in (unclear.problem or "")
    assert "a.jsonl:5: occurred_at: 'soon' is no time" in (broken.problem or "")
    assert broken.value == lines[4]


@pytest.mark.parametrize(("name", "hours"), [("UTC", 0), ("+02:00", 2), ("UTC-3", -3), ("Asia/Tokyo", 9)])
def test_zones_have_names_or_offsets(name: str, hours: int) -> None:
    offset = datetime(2026, 1, 1, tzinfo=zone_named(name)).utcoffset()

    assert offset is not None
    assert offset.total_seconds() == hours * 3_600


@pytest.mark.parametrize("name", ["Berlin", "", "+99:00", "../etc/passwd"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="is no time zone; give UTC, Europe/Berlin"):
        zone_named(name)


def test_an_encoding_that_does_not_exist_is_refused() -> None:
    assert encoding_named("Windows-1252") == "cp1252"
    for name in ("windows-9999", "base64", "a\0b"):
        with pytest.raises(InputError, match="is no text encoding"):
            encoding_named(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-20T10:00:00Z", "ISO 8601 with a zone"),
        ("1795168800", "s since 1970"),
        ("1795168800000", "ms since 1970"),
        ("03/04/2026", "dates like 03/04/2026"),
        ("2026-11-20", "without a time zone"),
    ],
)
def test_how_a_time_is_written_is_said_in_words(text: str, said: str) -> None:
    assert time_format(text) == said
