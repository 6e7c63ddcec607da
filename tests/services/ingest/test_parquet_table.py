"""Parquet is read by its types."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from assay_services.ingest.input_record import InputError
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.times import zone_named
from tests.services.ingest.messy_files import annotations_of, records_of, votes_of
from tests.support.builders import a_contract

SPAN = {"start": 0, "end": 4, "label": "person"}


def a_file(folder: Path, **columns: Any) -> Path:  # noqa: ANN401  # a column of any type
    count = max(len(one) for one in columns.values())
    plain = {"item": [f"i{n}" for n in range(count)], "annotator": ["ann"] * count, "label": ["safe"] * count}
    path = folder / "a.parquet"
    parquet.write_table(pa.table({**plain, **columns}), path)
    return path


@pytest.mark.parametrize(
    ("kind", "column", "labels"),
    [
        ("multilabel", [["safe", "scam"], []], [["safe", "scam"], []]),
        ("multilabel", [None, ["safe"]], [None, ["safe"]]),
        ("multilabel", pa.array([["safe"], ["scam"]], pa.large_list(pa.string())), [["safe"], ["scam"]]),
        ("multilabel", [[1, 2], [3]], [["1", "2"], ["3"]]),
        ("multilabel", ["safe|scam", ""], [["safe", "scam"], None]),
        ("spans", [[SPAN], []], [[SPAN], []]),
        ("spans", ['[{"start": 1}]', None], [[{"start": 1}], None]),
        ("categorical", pa.array(["safe", "adult"]).dictionary_encode(), ["safe", "adult"]),
        ("categorical", [1, 2], ["1", "2"]),
        ("categorical", [1.0, None], ["1", None]),
        ("categorical", ["01", ""], ["01", None]),
        ("categorical", [b"safe", b"scam"], ["safe", "scam"]),
        ("ordinal", [3, 4], [3, 4]),
        ("ordinal", [3.0, 2.5], [3, 2.5]),
        ("ordinal", [Decimal("2.50"), Decimal("3.00")], [2.5, 3]),
        ("ordinal", ["3", "2,5"], [3, 2.5]),
        ("ordinal", [float("nan"), 1.0], [None, 1]),
    ],
)
def test_labels_are_read_by_type(tmp_path: Path, kind: str, column: Any, labels: list[object]) -> None:  # noqa: ANN401  # the same
    found = annotations_of(a_file(tmp_path, label=column), a_contract(kind))

    assert [one["label"] for one in found] == labels


def test_ids_that_became_floats_are_the_whole_numbers_again_and_leading_zeros_survive(tmp_path: Path) -> None:
    floats = a_file(tmp_path, item=[7.0, 8.0], annotator=[1.0, 2.0])
    assert votes_of(floats) == [("7", "1", "safe"), ("8", "2", "safe")]

    others = a_file(tmp_path, item=[7.5, None, 7.0], annotator=["007", "08", "09"])
    first, broken, last = records_of(others)
    assert (first.key, last.key) == (b"ads-safety:7.5", b"ads-safety:7")
    assert "the cell 'item' is empty" in (broken.problem or "")


def test_times_dates_and_decimals_keep_their_meaning(tmp_path: Path) -> None:
    nanos = pa.array([1795168800000000123], pa.timestamp("ns", "UTC"))
    (found,) = annotations_of(a_file(tmp_path, occurred_at=nanos, lead_time_seconds=[Decimal("2.50")], text=[7]))
    assert datetime.fromisoformat(found["occurred_at"]) == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert (found["lead_time_seconds"], found["item"]["text"]) == (2.5, "7")

    naive = a_file(tmp_path, occurred_at=[datetime(2026, 11, 20, 10)])  # noqa: DTZ001  # the case
    with pytest.raises(InputError, match=r"a\.parquet:1: times have no time zone"):
        records_of(naive)
    (berlin,) = annotations_of(naive, options=ReadOptions(timezone=zone_named("Europe/Berlin")))
    assert datetime.fromisoformat(berlin["occurred_at"]) == datetime(2026, 11, 20, 9, tzinfo=UTC)

    (day,) = annotations_of(a_file(tmp_path, occurred_at=[date(2026, 11, 20)]), options=ReadOptions(timezone=UTC))
    assert day["occurred_at"].startswith("2026-11-20T00:00")
    (epoch,) = annotations_of(a_file(tmp_path, occurred_at=[1795168800000]))
    assert epoch["occurred_at"].startswith("2026-11-20T10:00")


def test_an_empty_list_is_gold_that_says_that_nothing_applies(tmp_path: Path) -> None:
    path = a_file(tmp_path, label=[["safe"], ["safe"]], gold=[[], None])

    assert [one["item"]["gold"] for one in annotations_of(path, a_contract("multilabel"))] == [[], None]


def test_a_time_outside_of_the_calendar_and_an_infinite_id_are_rows_that_cannot_be_read(tmp_path: Path) -> None:
    times = pa.array([2**62, 1795168800000000], pa.timestamp("us", "UTC"))
    broken, good = records_of(a_file(tmp_path, occurred_at=times))
    (infinite,) = records_of(a_file(tmp_path, item=[float("inf")]))

    assert "occurred_at: '4611686018427387904 as timestamp" in (broken.problem or "")
    assert good.problem is None
    assert "a.parquet:1: an id is an infinite number" in (infinite.problem or "")


def test_bytes_that_are_no_text_are_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    broken, good = records_of(a_file(tmp_path, text=[b"caf\xe9", b"fine"]))

    assert "a.parquet:1: a cell holds bytes that are no UTF-8 text (0xe9 at 3)" in (broken.problem or "")
    assert b"caf\\\\xe9" in broken.value
    assert good.problem is None


def test_structs_become_attributes_in_json_and_the_index_of_pandas_is_left_out(tmp_path: Path) -> None:
    path = a_file(tmp_path, **{"attr.meta": [{"a": 1, "b": [True]}], "__index_level_0__": [3]})

    (found,) = annotations_of(path)

    assert found["item"]["attributes"] == {"meta": '{"a":1,"b":[true]}'}


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path, label=["safe"])
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(InputError, match="no Parquet file"):
        records_of(path)
