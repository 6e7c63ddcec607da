"""JSON in files: lines, arrays, written-out objects and envelopes become the same records."""

import base64
import gzip
import json
from pathlib import Path

import orjson
import pytest

from assay_services.ingest.input_record import InputError
from assay_services.ingest.read_options import ReadOptions
from tests.services.ingest.messy_files import records_of, written
from tests.support.builders import annotation_input

ONE, TWO = annotation_input(id="x1"), annotation_input(id="x2", label="scam")


def envelope(**data: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": "1", "source": "s", "type": "t", **data}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([ONE, TWO]),
        json.dumps([ONE, TWO], indent=2),
        "\ufeff" + json.dumps([ONE, TWO], indent=1).replace("\n", "\r\n"),
        json.dumps(ONE) + "\n" + json.dumps(TWO),
        "\ufeff" + json.dumps(ONE) + "\r\n\r\n" + json.dumps(TWO) + "\r\n",
        json.dumps(ONE, indent=2) + "\n" + json.dumps(TWO, indent=2),
        json.dumps(ONE) + "\n" + json.dumps(envelope(data=TWO)),
        json.dumps([envelope(data=ONE), envelope(data=TWO)]),
        json.dumps([envelope(data=json.dumps(ONE)), TWO]),
        json.dumps(envelope(data_base64=base64.b64encode(json.dumps(ONE).encode()).decode())) + "\n" + json.dumps(TWO),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "A.JSONL", "a.ndjson", "a"])
def test_annotations_in_json_are_read_in_any_layout(tmp_path: Path, content: str, name: str) -> None:
    found = records_of(written(tmp_path, content, name))

    assert [one.problem for one in found] == [None, None]
    assert [orjson.loads(one.value) for one in found] == [ONE, TWO]
    assert {one.key for one in found} == {b"ads-safety:i-204"}
    assert not any(b"\n" in one.value for one in found)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_lines_in_another_unicode_are_read(tmp_path: Path, encoding: str) -> None:
    text = "\n".join(json.dumps(one, ensure_ascii=False) for one in (ONE, TWO))

    found = records_of(written(tmp_path, text.encode(encoding), "a.jsonl"))

    assert [orjson.loads(one.value) for one in found] == [ONE, TWO]


def test_one_written_out_object_is_one_record(tmp_path: Path) -> None:
    (found,) = records_of(written(tmp_path, json.dumps(ONE, indent=4), "a.json"))

    assert (found.line, orjson.loads(found.value)) == (1, ONE)


def test_members_are_named_by_the_line_they_begin_in(tmp_path: Path) -> None:
    path = written(tmp_path, '[\n {"a":\n 1}, {"b": 2},\n\n {"c": 3}]\n', "a.json")

    assert [(one.line, one.value) for one in records_of(path)] == [
        (2, b'{"a":  1}'),
        (3, b'{"b": 2}'),
        (5, b'{"c": 3}'),
    ]


def test_an_array_longer_than_the_memory_holds_at_once_is_read_in_pieces(tmp_path: Path) -> None:
    many = [annotation_input(id=f"x{n}", item={"id": f"i{n}", "text": "é" * 700}) for n in range(4_000)]
    packed = gzip.compress(json.dumps(many, ensure_ascii=False).encode(), 1)

    found = records_of(written(tmp_path, packed, "a.json.gz"))

    assert [orjson.loads(one.value)["id"] for one in found] == [f"x{n}" for n in range(4_000)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"a": 1},\n{"a": 2', ":2: no JSON: "),
        ('[{"a": 1}\n', ":2: the array that begins the file is never closed"),
        ('[\n{"a": 1}\n{"a": 2}]', ":3: a comma is wanted here, and not '{'"),
        ('[\n{"a": 1}] x', ":2: there is more text after the array"),
        ('[\n{"a": nix}]', ":2: no JSON: Expecting value"),
        ("[1,\n]", ":2: no JSON: Expecting value"),
        ("[" * 100_000, ":1: the value that begins here is nested too deeply"),
        ("[\n" + "9" * 5_000 + "]", ":2: a number in the value that begins here has thousands of digits"),
    ],
)
def test_an_array_with_a_mistake_is_one_error_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        records_of(written(tmp_path, content, "a.json"))

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (envelope(), "it has no data"),
        (envelope(data=[1]), "its data is a list; an object is wanted"),
        (envelope(data_base64="&"), "data_base64 is no base64"),
        (envelope(data_base64=7), "data_base64 is no base64"),
    ],
)
def test_an_envelope_without_an_annotation_says_so_and_keeps_its_bytes(
    tmp_path: Path, body: dict[str, object], said: str
) -> None:
    path = written(tmp_path, json.dumps(body), "a.jsonl")

    (found,) = records_of(path)

    assert said in (found.problem or "")
    assert found.value == path.read_bytes()


def test_a_text_that_only_speaks_of_envelopes_is_none(tmp_path: Path) -> None:
    path = written(tmp_path, '{"text": "\\"specversion\\""}\n{"specversion\n"specversion"', "a.jsonl")

    assert [one.problem for one in records_of(path)] == [None] * 3


def test_lines_with_a_comma_at_their_end_are_lines_and_not_an_array(tmp_path: Path) -> None:
    path = written(tmp_path, '{"a": 1},\n{"a": 2},\n', "a.jsonl")

    assert [one.value for one in records_of(path)] == [b'{"a": 1},', b'{"a": 2},']


def test_a_line_in_a_windows_encoding_says_how_to_read_it(tmp_path: Path) -> None:
    raw = json.dumps(ONE, ensure_ascii=False).replace("Anna", "Zo\u00eb").encode("windows-1252")
    path = written(tmp_path, raw, "a.jsonl")

    (broken,) = records_of(path)
    (good,) = records_of(path, options=ReadOptions(encoding="windows-1252"))

    assert broken.value == raw
    assert "a.jsonl:1: the line is not UTF-8 text" in (broken.problem or "")
    assert "--encoding windows-1252" in (broken.problem or "")
    assert orjson.loads(good.value)["item"]["text"].startswith("Zo\u00eb lives")
