"""Tables of text: every row is read as it is meant, or is said to be unreadable: file, line, reason."""

import bz2
import gzip
import lzma
from pathlib import Path

import pyarrow as pa
import pytest

from assay_services.ingest.file_readers import count_annotations, read_annotations, recognise
from assay_services.ingest.input_record import InputError
from assay_services.ingest.read_options import ReadOptions
from tests.services.ingest.messy_files import annotations_of, records_of, votes_of, written
from tests.support.builders import a_contract

TWO = [("i1", "ann", "safe"), ("i2", "bob", "scam")]
TABLE = "item,annotator,label\ni1,ann,safe\ni2,bob,scam\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_delimiter_and_line_end_is_recognised(tmp_path: Path, delimiter: str, end: str) -> None:
    path = written(tmp_path, TABLE.replace(",", delimiter).replace("\n", end))

    assert votes_of(path) == TWO


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\r\nitem;annotator;label\r\ni1;ann;safe\r\ni2;bob;scam\r\n",
        'SEP=|\n"item"|"annotator"|"label"\ni1|ann|safe\ni2|bob|scam',
        "\n\nitem,annotator,label\n\ni1,ann,safe\n,,\ni2,bob,scam\n\n",
        "Item,ANNOTATOR, Label \ni1,ann,safe\ni2,bob,scam\n",
        "item, annotator, label\ni1, ann, safe\ni2, bob, scam\n",
        "item,annotator,label\ni1,ann,safe,,\ni2,bob,scam,\n",
        '"item","annotator","label"\n"i1","ann","safe"\n"i2","bob","scam"',
        "\ufeffitem,annotator,label\ni1,ann,safe\ni2,bob,scam\n",
        "Our votes;;\n\nitem;annotator;label\ni1;ann;safe\ni2;bob;scam\n",
        "# made by hand\nitem,annotator,label\ni1,ann,safe\ni2,bob,scam\n",
        "\ufeff\ufeffitem,annotator,\u200blabel\ni1,ann,safe\ni2,bob,scam\n",
        ",item,annotator,label\n0,i1,ann,safe\n1,i2,bob,scam\n",
        "item,annotator,label,,\ni1,ann,safe,,\ni2,bob,scam,,\n",
    ],
)
def test_a_table_is_read_as_it_is_meant(tmp_path: Path, content: str) -> None:
    assert votes_of(written(tmp_path, content)) == TWO


@pytest.mark.parametrize("name", ["A.CSV", "a.tsv", "a.TXT", "a", "a.csv.GZ", "votes.2026.csv"])
def test_the_name_of_a_table_does_not_matter(tmp_path: Path, name: str) -> None:
    assert votes_of(written(tmp_path, TABLE, name)) == TWO


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_read_with_or_without_a_mark(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, TABLE.replace("ann,safe", "Ænn,safe").encode(encoding))

    assert votes_of(path) == [("i1", "Ænn", "safe"), TWO[1]]


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, lzma.compress, lambda raw: pa.compress(raw, codec="zstd", asbytes=True)],
    ids=["gzip", "bzip2", "xz", "zstd"],
)
@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv"])
def test_compressed_files_are_read_whatever_their_name(tmp_path: Path, pack: object, name: str) -> None:
    packed: bytes = pack(TABLE.encode())  # type: ignore[operator]

    assert votes_of(written(tmp_path, packed, name)) == TWO
    assert votes_of(written(tmp_path, packed + packed[:0], "b" + name)) == TWO
    with pytest.raises(InputError, match="damaged or cut off"):
        records_of(written(tmp_path, packed[:-9], "cut.csv"))


def test_line_ends_inside_quotes_belong_to_the_text(tmp_path: Path) -> None:
    path = written(
        tmp_path, 'item,annotator,label,text\r\ni1,ann,safe,"one\r\ntwo\nthree, ""four"""\r\ni2,bob,scam,x\r\n'
    )

    first, second = annotations_of(path)

    assert first["item"]["text"] == 'one\r\ntwo\nthree, "four"'
    assert second["item"]["text"] == "x"
    assert [one.line for one in records_of(path)] == [2, 5]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ('i1,ann,safe,"she said\n' + "i2,bob,safe,fine\n" * 30, 2),
        ('i1,ann,safe,fine\ni2,ann,safe,"she\n' + "i2,bob,safe,fine\n" * 3 + 'i3,bob,safe,"quoted"\n', 3),
        ('i1,ann,safe,"she said\n' + "i2,bob,safe,fine\n" * 3 + 'i3,bob,safe,fine"\n', 2),
        ('i1,ann,safe,"two\nlines"\ni2,ann,safe,"she said\ni3,bob,safe,fine\n', 4),
        ('"i1,ann,safe,fine\ni2,bob,safe,fine\n', 2),
    ],
)
def test_a_quote_that_is_never_closed_is_named_by_its_line_and_swallows_nothing(
    tmp_path: Path, rows: str, line: int
) -> None:
    path = written(tmp_path, "item,annotator,label,text\n" + rows)

    for read in (lambda: list(read_annotations(path, a_contract())), lambda: count_annotations(path, a_contract())):
        with pytest.raises(InputError, match=rf"a\.csv:{line}: the quote that opens in this line is never closed"):
            read()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("i1,Hello, world,ann,safe", "the row has 5 cells, the header 4"),
        ("i1,ann,safe", "the row has 3 cells, the header 4"),
        ("i1", "the row has 1 cell, the header 4"),
        ('i1,"a "big" lamp",ann,safe', "a quote inside a quoted cell is written twice"),
        ("i1,text,,safe", "the cell 'annotator' is empty"),
        (",text,ann,safe", "the cell 'item' is empty"),
        ("i1;text;ann;safe", "the row has 1 cell, the header 4"),
    ],
)
def test_a_row_that_cannot_be_read_is_kept_with_its_bytes_and_the_reason(tmp_path: Path, row: str, said: str) -> None:
    path = written(tmp_path, f"item,text,annotator,label\r\ni0,plain,ann,safe\r\n{row}\r\ni2,plain,ann,safe\r\n")

    before, broken, after = records_of(path)

    assert (before.problem, after.problem) == (None, None)
    assert (broken.line, broken.value) == (3, row.encode())
    assert broken.problem is not None
    assert broken.problem.startswith(f"{path}:3: ")
    assert said in broken.problem


def test_a_line_in_a_windows_encoding_is_named_with_its_byte_and_a_way_out(tmp_path: Path) -> None:
    raw = "i1,Zoë,safe".encode("windows-1252")
    path = written(tmp_path, b"item,annotator,label\n" + raw + b"\ni2,bob,scam\n")

    broken, after = records_of(path)
    said = annotations_of(path, options=ReadOptions(encoding="windows-1252"))

    assert broken.value == raw
    assert broken.problem is not None
    for part in (":2: the cell 'annotator'", "character 3", "0xeb ('ë'", "--encoding windows-1252", "iconv"):
        assert part in broken.problem
    assert after.problem is None
    assert [one["annotator"]["id"] for one in said] == ["Zoë", "bob"]


@pytest.mark.parametrize("column", ["attr.größe", "größe"])
def test_a_header_in_a_windows_encoding_is_one_error_with_a_way_out(tmp_path: Path, column: str) -> None:
    path = written(tmp_path, f"item,annotator,label,{column}\ni1,ann,safe,7\n".encode("windows-1252"))

    with pytest.raises(
        InputError, match=r"a\.csv:1: the column .* is not UTF-8 text.*--encoding windows-1252"
    ) as caught:
        records_of(path)

    assert str(caught.value).encode()


def test_a_reason_that_quotes_a_wrong_byte_can_be_printed_and_sent(tmp_path: Path) -> None:
    row = "i1,ann,safe,fünf".encode("windows-1252")
    path = written(tmp_path, b"item,annotator,label,lead_time_seconds\n" + row + b"\n")

    (broken,) = records_of(path)

    assert (broken.problem or "").encode()
    assert broken.value == row


def test_a_file_that_is_not_in_the_encoding_that_was_named_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b"item,annotator,label\ni1,\x81,safe\n")

    with pytest.raises(InputError, match="not in charmap: it has the byte 0x81"):
        records_of(path, options=ReadOptions(encoding="windows-1252"))


def test_cells_may_be_as_long_as_texts_are(tmp_path: Path) -> None:
    path = written(tmp_path, f"item,annotator,label,text\ni1,ann,safe,{'x' * 131_073}\ni2,bob,safe,{'y' * 500_000}\n")

    assert [len(one["item"]["text"]) for one in annotations_of(path)] == [131_073, 500_000]


@pytest.mark.parametrize(
    ("written_seconds", "seconds"),
    [("2,5", 2.5), ("1.234,5", 1234.5), ("12,25", 12.25), ("3", 3), ("1,234", 1.234), ("0,125", 0.125)],
)
def test_decimal_commas_are_read_beside_semicolons(tmp_path: Path, written_seconds: str, seconds: float) -> None:
    path = written(tmp_path, f"item;annotator;label;lead_time_seconds\ni1;ann;{written_seconds};{written_seconds}\n")

    (found,) = annotations_of(path, a_contract("ordinal"))

    assert (found["lead_time_seconds"], found["label"]) == (seconds, seconds)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('item,annotator,label,lead_time_seconds\ni1,ann,safe,"1,234"\n', "'1,234' may be 1234 or 1.234"),
        ("item,annotator,label,lead_time_seconds\ni1,ann,safe,soon\n", "lead_time_seconds: 'soon' is no number"),
        ("item,annotator,label,lead_time_seconds\ni1,ann,safe,inf\n", "lead_time_seconds: 'inf' is no number"),
        ("item,annotator,label,lead_time_seconds\ni1,ann,safe,1_000\n", "lead_time_seconds: '1_000' is no number"),
        ("item;annotator;label;lead_time_seconds\ni1;ann;safe;1,234\ni2;a;safe;2.5\n", "'1,234' may be 1234 or 1.234"),
    ],
)
def test_a_number_that_may_be_two_is_not_guessed(tmp_path: Path, content: str, said: str) -> None:
    found = records_of(written(tmp_path, content))

    assert said in (found[0].problem or "")


@pytest.mark.parametrize(
    ("kind", "cell", "label"),
    [
        ("multilabel", "", None),
        ("multilabel", "|", None),
        ("multilabel", "[]", []),
        ("multilabel", "\"['safe', 'scam']\"", ["safe", "scam"]),
        ("multilabel", '"[""safe""]"', ["safe"]),
        ("multilabel", "[safe]", "[safe]"),
        ("categorical", "", None),
        ("categorical", "007", "007"),
        ("ordinal", "", None),
        ("ordinal", '"2,5"', 2.5),
        ("ordinal", '"1,234"', "1,234"),
        ("spans", "", None),
        ("spans", "[]", []),
        ("boxes", "", None),
        ("pairwise", "", None),
    ],
)
def test_a_blank_cell_is_no_vote_and_brackets_say_that_nothing_applies(
    tmp_path: Path, kind: str, cell: str, label: object
) -> None:
    path = written(tmp_path, f"item,annotator,label\n007,a1,{cell}\n")

    assert votes_of(path, a_contract(kind)) == [("007", "a1", label)]


def test_ids_that_look_as_if_pandas_had_made_them_floats_are_flagged_and_stay(tmp_path: Path) -> None:
    path = written(tmp_path, "item,annotator,label\n12.0,ann,safe\n")

    assert votes_of(path) == [("12.0", "ann", "safe")]
    assert "'12.0' is another item than '12'" in next(iter(recognise(path, None).notes))


def test_the_ids_of_rows_stay_what_they_were(tmp_path: Path) -> None:
    content = "item,annotator,label,occurred_at\ni1,ann,safe,2026-01-01T00:00:00Z\ni1,ann,safe,2026-01-01T00:00:00Z\n"
    path = written(tmp_path, content + "i1,ann,,2026-01-01T00:00:00Z\n")

    assert [one["id"] for one in annotations_of(path)] == IDS


IDS = [
    "f31de92ee523a5625eca4c6d4be0f04d",
    "d9fa3160159a6419b6dbb8a9b147009a",
    "d3444c4f07f84b652d8d2292dcc8b0a4",
]
"""As version 0.1.0 gave them to these rows: an import that is repeated must not count twice."""


def test_an_empty_table_has_no_rows_and_an_empty_file_no_columns(tmp_path: Path) -> None:
    assert records_of(written(tmp_path, "item,annotator,label\n")) == []
    with pytest.raises(InputError, match="the column item, annotator, label is missing"):
        records_of(written(tmp_path, ""))
    with pytest.raises(InputError, match=r"a\.csv:1: a quote that opens in the header is never closed"):
        records_of(written(tmp_path, '"item,annotator,label\ni1,ann,safe\n'))
