"""Whatever a file holds, reading it raises nothing but an InputError, and no line is lost."""

import bz2
import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay_services.ingest.file_readers import count_annotations, read_annotations
from assay_services.ingest.input_record import InputError, InputRecord
from assay_services.ingest.read_options import DateOrder, ReadOptions
from assay_services.ingest.times import zone_named
from tests.services.ingest.messy_files import annotations_of, written
from tests.support.builders import LABELS, a_contract

NAMES = ("a.csv", "a.tsv", "a.json", "a.jsonl", "a.parquet", "a.xml", "a.conll", "a.xlsx", "a.zip", "a", "A.CSV.GZ")
TELLING = [b'"', b"'", b"\n", b"\r\n", b",", b";", b"\t", b"[", b"]", b"{", b"}", b":", b"item,annotator,label\n"]
TELLING += [
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\0",
    b"\x1f\x8b",
    b"PAR1",
    b"PK\x03\x04",
    b"sep=;\n",
    b"<image>",
]
TELLING += [b'{"id":1,"text":"x","label":["a"]}', b'{"specversion":"1.0"}', b"i1,ann,safe", b"Ann B-PER\n", b"O O\n"]
SOUP = st.lists(st.one_of(st.sampled_from(TELLING), st.binary(max_size=12)), max_size=24).map(b"".join)
EVERYTHING_SAID = ReadOptions(timezone=zone_named("UTC"), dates=DateOrder.DAY_FIRST, annotator="ada", label="label")


def read(content: bytes, name: str, kind: str, options: ReadOptions) -> list[InputRecord] | None:
    """Return the records, or None where the file is refused."""
    with TemporaryDirectory() as folder:
        path = written(Path(folder), content, name)
        try:
            found = list(read_annotations(path, a_contract(kind), options))
            assert count_annotations(path, a_contract(kind), options) == len(found)
        except InputError as error:
            assert_printable(str(error))
            return None
        for one in found:
            assert_printable(one.problem or "")
        return found


def assert_printable(text: str) -> None:
    """A terminal and a Kafka header take every message."""
    assert text.encode().decode() == text


@given(SOUP, st.sampled_from(NAMES), st.sampled_from(list(LABELS)), st.sampled_from([ReadOptions(), EVERYTHING_SAID]))
@example(b"\xff\xfea\0,\0\xd8\0\n\0", "a.csv", "categorical", ReadOptions())
@example(b"[" * 5_000, "a.json", "categorical", ReadOptions())
@example(b"PAR1PAR1", "a.parquet", "categorical", ReadOptions())
def test_any_bytes_under_any_name_are_read_or_refused(
    content: bytes, name: str, kind: str, options: ReadOptions
) -> None:
    read(content, name, kind, options)


UNQUOTED = st.binary(max_size=40).map(lambda raw: raw.translate(None, b'"\r\n'))


@given(st.lists(UNQUOTED, max_size=12))
def test_every_line_below_a_header_is_one_record_and_an_unreadable_one_keeps_its_bytes(lines: list[bytes]) -> None:
    content = b"item,annotator,label\n" + b"\n".join(lines)

    found = read(content, "a.csv", "categorical", ReadOptions())

    assert found is not None
    filled = {number: line for number, line in enumerate(lines, 2) if line.strip(b",")}
    assert [one.line for one in found] == list(filled)
    assert all(one.value == filled[one.line] for one in found if one.problem is not None)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=12)
WORDS = CELLS.filter(lambda text: text == text.strip() and text)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20).map(
    lambda text: text.replace("\n", "\r\n")
)
ROWS = st.lists(st.tuples(WORDS, WORDS, st.sampled_from(["safe", "scam"]), TEXTS), min_size=1, max_size=6)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": lambda raw: bytes(pa.compress(raw, codec="zstd", asbytes=True)),
}


@pytest.mark.parametrize("pack", PACKERS)
@given(
    rows=ROWS,
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoted=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_a_table_is_read_as_the_same_records_however_it_is_written(  # parameters of a table
    pack: str, rows: list[tuple[str, str, str, str]], delimiter: str, encoding: str, end: str, quoted: int
) -> None:
    table = io.StringIO(newline="")
    write = csv.writer(table, delimiter=delimiter, lineterminator=end, quoting=quoted)
    write.writerows([("item", "annotator", "label", "text"), *rows])

    with TemporaryDirectory() as folder:
        path = written(Path(folder), PACKERS[pack](table.getvalue().encode(encoding)))
        found = annotations_of(path)

    said = [(one["item"]["id"], one["annotator"]["id"], one["label"], one["item"]["text"]) for one in found]
    assert said == rows
    assert len({one["id"] for one in found}) == len(rows)


@given(
    st.lists(st.dictionaries(st.text(max_size=4), st.one_of(st.none(), st.integers(), TEXTS), max_size=3), max_size=5)
)
def test_an_array_holds_the_same_values_as_lines_do(values: list[dict[str, object]]) -> None:
    try:
        array, lines = orjson.dumps(values, option=orjson.OPT_INDENT_2), b"\n".join(map(orjson.dumps, values))
    except TypeError:  # an integer that orjson does not write
        return

    of_array = read(array, "a.json", "categorical", EVERYTHING_SAID)
    of_lines = read(lines, "a.jsonl", "categorical", EVERYTHING_SAID)

    assert of_array is not None
    assert of_lines is not None
    assert [orjson.loads(one.value) for one in of_array] == [orjson.loads(one.value) for one in of_lines]
