"""`assay sql`, `assay export dataset`, `assay archive`: as a person uses them, on both databases."""

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from pyarrow import parquet
from sqlalchemy import Engine

from assay_schemas.topics import CONSENSUS, CORRECTED, VALIDATED
from assay_services.archive.store import Store
from assay_services.export.formats import guarded
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.archive.schema_upgrade import newest_version, upgrade
from tests.services.archive.records import Came, fetched
from tests.services.archive.test_store import CONSENSUS_VALUE, ready, rows, write
from tests.services.cli.test_commands import assay
from tests.services.stores.archive.test_views import CORRECTION, said
from tests.support.postgres import LocalPostgres

FORMULA = "=HYPERLINK(1)"
SPLIT = ("--split", "train/test=0.5/0.5", "--stratify", "label,market", "--seed", "7")


@pytest.fixture
def filled(store: Store, database: str) -> str:
    """Return the URL of an archive with 20 items, each labelled by two annotators."""
    fill(store)
    return database


def fill(store: Store) -> None:
    source = ready(store, VALIDATED.name, CONSENSUS.name, CORRECTED.name)
    annotations, consensus = [], []
    for number in range(20):
        item, label = f"i-{number}", "scam" if number % 4 == 0 else "safe"
        annotations += [said(number * 2, label, item=item), said(number * 2 + 1, "safe", item=item)]
        value = CONSENSUS_VALUE | {"item": item, "label": label, "votes": 2, "probability": 0.5 + number / 40}
        consensus.append(Came(number, orjson.dumps(value)))
    write(store, fetched(*annotations), source=source)
    write(store, fetched(*consensus, topic=CONSENSUS.name), source=source)
    correction = orjson.dumps(CORRECTION | {"item": "i-0", "annotator": "a1", "annotation": "an-1"})
    write(store, fetched(Came(0, correction), topic=CORRECTED.name), source=source)


def export(url: str, folder: Path, *arguments: str, project: str = "ads-safety", name: str = "out") -> dict[str, Any]:
    done = assay(
        "export", "dataset", "-p", project, "-o", str(folder / name), *arguments,
        folder=folder, ASSAY_DATABASE=url, SOURCE_DATE_EPOCH="1764000000",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    card: dict[str, Any] = orjson.loads((folder / name / "card.json").read_bytes())
    return card


def test_an_answer_is_printed_as_a_table_and_says_when_there_is_more(filled: str, tmp_path: Path) -> None:
    query = "select label, count(*) as n from consensus group by label order by label"

    done = assay("sql", query, "--limit", "1", folder=tmp_path, ASSAY_DATABASE=filled)

    assert [line.split() for line in done.stdout.splitlines() if line.strip()] == [["label", "n"], ["safe", "15"]]
    assert "more rows" in done.stderr


def test_a_cell_that_a_spreadsheet_would_run_is_led_by_an_apostrophe(filled: str, tmp_path: Path) -> None:
    query = f"select '{FORMULA}' as \"=a\", '-5' as b, '-5+cmd' as c, -5 as d, '@x' as e, 'plain' as f"

    done = assay("sql", query, "-f", "csv", folder=tmp_path, ASSAY_DATABASE=filled)

    assert list(csv.reader(io.StringIO(done.stdout))) == [
        ["'=a", "b", "c", "d", "e", "f"],
        ["'" + FORMULA, "-5", "'-5+cmd", "-5", "'@x", "plain"],
    ]


def test_every_dangerous_beginning_is_guarded_and_numbers_are_not() -> None:
    assert [guarded(mark + "1+1") for mark in "=+-@\t\r"] == ["'" + mark + "1+1" for mark in "=+-@\t\r"]
    assert [guarded(text) for text in ("-1", "+1.5", "-.5e-3", "a=b", "")] == ["-1", "+1.5", "-.5e-3", "a=b", ""]
    assert guarded(None) is None
    assert guarded(b"\x01") == "01"


def test_json_and_parquet_hold_the_same_answer(filled: str, tmp_path: Path) -> None:
    query = "select item, probability, votes, null as unknown from consensus order by item"

    shown = assay("sql", query, "-f", "json", folder=tmp_path, ASSAY_DATABASE=filled)
    file = tmp_path / "answer.parquet"
    written = assay("sql", query, "-f", "parquet", "-o", str(file), folder=tmp_path, ASSAY_DATABASE=filled)

    assert written.returncode == 0, written.stderr
    assert orjson.loads(shown.stdout) == parquet.read_table(file).to_pylist()
    assert orjson.loads(shown.stdout)[0] == {"item": "i-0", "probability": 0.5, "votes": 2, "unknown": None}


def test_what_writes_is_refused_with_a_sentence_and_no_file_is_left(
    filled: str, engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "answer.csv"

    done = assay("sql", "delete from items", "-f", "csv", "-o", str(file), folder=tmp_path, ASSAY_DATABASE=filled)

    assert done.returncode == 1
    assert "only queries that read" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert not file.exists()
    assert rows(engine, "SELECT count(*) FROM items") == [(20,)]


def test_a_training_set_has_one_row_for_each_item_and_a_card_that_knows_it(filled: str, tmp_path: Path) -> None:
    card = export(filled, tmp_path, *SPLIT)

    data = (tmp_path / "out" / "data.jsonl").read_bytes()
    found = [orjson.loads(line) for line in data.splitlines()]
    assert card["sha256"] == hashlib.sha256(data).hexdigest()
    assert [one["item"] for one in found] == sorted(f"i-{n}" for n in range(20))
    assert found[0] == {
        "item": "i-0", "text": "Anna lives in Rome and sells lamps", "label": "scam", "probability": 0.5,
        "status": "accepted", "votes": 2, "corrections": 1, "gold": None,
        "attributes": {"guideline": "7", "market": "BR"}, "media": None, "features": None, "split": found[0]["split"],
    }  # fmt: skip
    assert card["labels_by_split"]["train"]["scam"] in {2, 3}
    assert card["labels_by_split"]["train"]["safe"] in {7, 8}
    assert sum(card["rows_by_split"].values()) == 20
    assert card["contract_versions"] == [7]
    assert card["agreement"]["items"] == 20
    assert card["agreement"]["low"] < card["agreement"]["value"] < card["agreement"]["high"]
    assert "| scam |" in (tmp_path / "out" / "card.md").read_text()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("shape", ["jsonl", "csv", "parquet"])
def test_the_same_seed_and_archive_give_the_same_bytes(shape: str, filled: str, tmp_path: Path) -> None:
    first = export(filled, tmp_path, *SPLIT, "-f", shape, name="first")
    again = export(filled, tmp_path, *SPLIT, "-f", shape, name="again")
    other = export(filled, tmp_path, *SPLIT[:-1], "8", "-f", shape, name="other")

    assert first == again
    for name in (f"data.{shape}", "card.json", "card.md"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert other["sha256"] != first["sha256"]


def test_both_databases_give_the_same_bytes(postgres: LocalPostgres, tmp_path: Path) -> None:
    cards = []
    for name, url in (("one", f"sqlite:///{tmp_path / 'archive.db'}"), ("two", postgres.create("same_bytes"))):
        engine = open_engine(url)
        upgrade(engine)
        fill(Store(engine))
        engine.dispose()
        cards.append(export(url, tmp_path, *SPLIT, name=name))

    assert cards[0] == cards[1]


def test_only_what_is_sure_enough_and_recent_enough_is_exported(filled: str, tmp_path: Path) -> None:
    sure = export(filled, tmp_path, "--min-probability", "0.9", name="sure")
    recent = export(filled, tmp_path, "--since", "2026-11-24T11:59:00Z", name="recent")
    none = assay(
        "export", "dataset", "-p", "ads-safety", "-o", str(tmp_path / "none"), "--since", "2026-11-24T12:59+01:00",
        "--min-probability", "1.0", folder=tmp_path, ASSAY_DATABASE=filled,
    )  # fmt: skip

    assert sure["rows"] == 4
    assert recent["rows"] == 20
    assert none.returncode == 1
    assert "ads-safety" in none.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("-p", "x' OR '1'='1"),
        ("-p", "ads-safety'; DROP TABLE items; --"),
        ("-p", "ads-safety", "--since", "2026' OR 1=1"),
        ("-p", "ads-safety", "--split", "a'/b=0.5/0.5"),
        ("-p", "ads-safety", "--min-probability", "2"),
    ],
)
def test_no_argument_of_an_export_is_taken_for_sql(
    arguments: tuple[str, ...], filled: str, engine: Engine, tmp_path: Path
) -> None:
    done = assay("export", "dataset", *arguments, "-o", str(tmp_path / "x"), folder=tmp_path, ASSAY_DATABASE=filled)

    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert rows(engine, "SELECT count(*) FROM items") == [(20,)]


def test_the_archive_says_where_it_is_and_how_far(filled: str, tmp_path: Path) -> None:
    done = assay("archive", "status", folder=tmp_path, ASSAY_DATABASE=filled, COLUMNS="200")
    again = assay("archive", "upgrade", folder=tmp_path, ASSAY_DATABASE=filled, COLUMNS="200")

    assert done.returncode == 0, done.stderr
    assert "annotations.validated" in done.stdout
    assert f"version {newest_version()}" in done.stdout
    assert again.returncode == 0, again.stderr


def test_an_archive_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    done = assay("archive", "status", folder=tmp_path)
    asked = assay("sql", "select 1", folder=tmp_path)

    assert done.returncode == asked.returncode == 1
    assert "no archive" in done.stderr
    assert not (tmp_path / "archive.db").exists()
