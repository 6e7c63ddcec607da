from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from assay_schemas.annotation import Annotation
from assay_services.ingest.file_readers import count_annotations, read_annotations
from assay_services.ingest.input_record import InputError
from tests.support.builders import a_contract


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_csv_row_becomes_an_annotation(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a.csv",
        "item,annotator,label,text,gold,occurred_at,lead_time_seconds,project,attr.market\n"
        "i1,a1,safe,hello,scam,2026-01-01T00:00:00Z,2.5,p,BR\n",
    )

    record = next(read_annotations(path, None))

    annotation = Annotation.model_validate_json(record.value)
    assert record.key == b"p:i1"
    assert record.line == 2
    assert (annotation.item.text, annotation.item.gold, annotation.label) == ("hello", "scam", "safe")
    assert annotation.item.attributes == {"market": "BR"}
    assert annotation.lead_time_seconds == 2.5


def test_rows_without_a_time_take_the_files_own_in_order_and_the_same_each_time(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "item,annotator,label\ni1,a1,safe\ni1,a1,safe\n")
    contract = a_contract()

    first, second = (Annotation.model_validate_json(r.value) for r in read_annotations(path, contract))

    assert first.occurred_at < second.occurred_at
    assert first.id != second.id
    assert list(read_annotations(path, contract)) == list(read_annotations(path, contract))


@pytest.mark.parametrize(
    ("kind", "text", "label"),
    [
        ("categorical", "3", "3"),
        ("ordinal", "3", 3),
        ("ordinal", "2.5", 2.5),
        ("ordinal", "high", "high"),
        ("multilabel", "safe|scam", ["safe", "scam"]),
        ("multilabel", '["safe"]', ["safe"]),
        ("spans", "oops", "oops"),
    ],
)
def test_the_contract_says_how_a_label_is_read(tmp_path: Path, kind: str, text: str, label: object) -> None:
    quoted = text.replace('"', '""')
    path = written(tmp_path, "a.csv", f'item,annotator,label\ni1,a1,"{quoted}"\n')

    record = next(read_annotations(path, a_contract(kind)))

    assert orjson.loads(record.value)["label"] == label


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "item,label\n", "annotator is missing"),
        ("a.csv", "item,annotator,label,txt\n", "attr.txt"),
        ("a.csv", "item,annotator,label\ni,a,l\n", "no project"),
        ("a.docx", "", "'.docx' is not known"),
        ("a.csv", "item,item,annotator,label\n", "item stands twice"),
        ("a.csv", "item:annotator:label\n", "Found, divided by comma: 'item:annotator:label'"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_way_out(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    path = written(tmp_path, name, text)

    with pytest.raises(InputError, match=r".") as caught:
        list(read_annotations(path, None))

    assert message in str(caught.value)
    assert name in str(caught.value)


def test_of_two_attributes_of_one_name_the_last_counts(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "item,attr.x,annotator,label,attr.x\ni1,1,a1,safe,2\n")

    (record,) = read_annotations(path, a_contract())

    assert orjson.loads(record.value)["item"]["attributes"] == {"x": "2"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        list(read_annotations(tmp_path / "none.csv", None))


def test_jsonl_lines_go_as_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", b'{"project":"p","item":{"id":"i"}}\r\n\nbroken\n')

    records = list(read_annotations(path, None))

    assert [(r.line, r.key, r.value) for r in records] == [
        (1, b"p:i", b'{"project":"p","item":{"id":"i"}}'),
        (3, None, b"broken"),
    ]


def test_as_many_are_counted_as_are_read(tmp_path: Path) -> None:
    lines, table = tmp_path / "a.jsonl", tmp_path / "a.csv"
    lines.write_bytes(b'{"a": 1}\r\n\r\n\n no JSON \n{"b"')
    table.write_text("item,annotator,label\ni1,w1,safe\n\ni2,w1,safe\n")
    contract = a_contract()

    assert count_annotations(lines, contract) == len(list(read_annotations(lines, contract))) == 3
    assert count_annotations(table, contract) == len(list(read_annotations(table, contract))) == 2
    with pytest.raises(InputError, match=r"no\.jsonl: there is no such file"):
        count_annotations(tmp_path / "no.jsonl", contract)


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    columns = {"item": ["i1"], "annotator": ["a1"], "label": ["safe"], "lead_time_seconds": [2.5]}
    columns |= {"occurred_at": [datetime(2026, 1, 1, tzinfo=UTC)], "text": [None]}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")

    record = next(read_annotations(tmp_path / "a.parquet", a_contract()))

    annotation = Annotation.model_validate_json(record.value)
    assert (annotation.label, annotation.lead_time_seconds, annotation.item.text) == ("safe", 2.5, None)
    assert annotation.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no Parquet file"):
        list(read_annotations(written(tmp_path, "a.parquet", "oops"), None))
