"""The archive answers what reads, and nothing that writes, on both databases."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from assay_schemas.topics import VALIDATED
from assay_services.archive.store import Store
from assay_services.stores.archive.engine import DatabaseError, database_url
from assay_services.stores.archive.sql_query import QueryRefused, first_keyword, run_query
from tests.services.archive.records import Came, fetched, verdict_value
from tests.services.archive.test_store import ready, rows, write

WRITES = (
    "DELETE FROM annotations",
    "delete from annotations",
    "  -- look\n/* here */ DROP TABLE annotations",
    "UPDATE annotations SET label = 'x'",
    "INSERT INTO forgotten (mark, kind, forgotten_at) VALUES ('a', 'b', '2026-01-01')",
    "CREATE TABLE mine (a int)",
    "ALTER TABLE items ADD COLUMN mine int",
    "SELECT 1; DELETE FROM annotations",
    "COMMIT",
    "BEGIN",
    "SET TRANSACTION READ WRITE",
    "VACUUM",
    "",
    "-- nothing",
)
ONLY_SQLITE = (
    "PRAGMA journal_mode=DELETE",
    "PRAGMA writable_schema=1",
    "ATTACH DATABASE '{folder}/other.db' AS other",
    "VACUUM INTO '{folder}/copy.db'",
    "SELECT load_extension('evil')",
)
ONLY_POSTGRES = (
    "COPY annotations TO '/tmp/stolen'",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/stolen'",
    "WITH gone AS (DELETE FROM annotations RETURNING *) SELECT * FROM gone",
    "SELECT * INTO mine FROM annotations",
    "EXPLAIN ANALYZE DELETE FROM annotations",
    "SELECT set_config('transaction_read_only', 'off', false), lo_creat(-1)",
    "SELECT nextval('sources_id_seq')",
    "SELECT * FROM annotations FOR UPDATE",
    "DO $$ BEGIN DELETE FROM annotations; END $$",
)


def answer(url: str, query: str, *parameters: str, timeout_seconds: float = 30.0) -> Sequence[Any]:
    with run_query(url, query, timeout_seconds=timeout_seconds, parameters=parameters) as found:
        return [tuple(row) for row in found.rows]


@pytest.fixture
def filled(engine: Engine, store: Store, database: str) -> str:
    source = ready(store)
    write(store, fetched(Came(0, verdict_value())), source=source)
    assert engine.dialect.name in database
    return database


def test_an_answer_is_the_same_from_both_databases(filled: str) -> None:
    query = (
        "SELECT item, attributes, occurred_at, lead_time_seconds, below_threshold, sum(1) OVER () AS n FROM annotations"
    )

    with run_query(filled, query, timeout_seconds=30) as found:
        columns, cells = found.columns, [tuple(row) for row in found.rows]

    assert columns == ["item", "attributes", "occurred_at", "lead_time_seconds", "below_threshold", "n"]
    assert [(one[0], str(one[1]).replace(" ", ""), *one[2:]) for one in cells] == [
        ("i-204", '{"market":"BR"}', "2026-11-24 11:59:00.000000", 12.5, None, 1)
    ]


def test_an_empty_answer_has_its_columns(filled: str) -> None:
    with run_query(filled, "SELECT item, label FROM annotations WHERE 1 = 0", timeout_seconds=30) as found:
        assert list(found.rows) == []
        assert found.columns == ["item", "label"]


@pytest.mark.parametrize("query", WRITES)
def test_whatever_writes_is_refused(query: str, filled: str, engine: Engine) -> None:
    with pytest.raises(QueryRefused):
        answer(filled, query)

    assert rows(engine, "SELECT label FROM annotations") == [("safe",)]


@pytest.mark.parametrize("query", [*ONLY_SQLITE, *ONLY_POSTGRES])
def test_each_databases_own_ways_out_are_closed(query: str, filled: str, engine: Engine, tmp_path: Path) -> None:
    before = sorted(tmp_path.glob("*.db"))

    with pytest.raises(QueryRefused):
        answer(filled, query.replace("{folder}", str(tmp_path)))

    assert rows(engine, "SELECT label FROM annotations") == [("safe",)]
    assert sorted(tmp_path.glob("*.db")) == before
    assert not Path("/tmp/stolen").exists()  # noqa: S108  # where the query would have put it


def test_a_query_that_takes_too_long_is_given_up(filled: str) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    with pytest.raises(QueryRefused, match=r"longer than 0\.3 s"):
        answer(filled, endless, timeout_seconds=0.3)


def test_a_parameter_is_data_whatever_it_holds(filled: str, engine: Engine) -> None:
    for value in ("'; DROP TABLE items; --", "' OR '1'='1", "%s", "?", "\\'"):
        assert answer(filled, "SELECT item FROM items WHERE project = ?", value) == []

    assert answer(filled, "SELECT item FROM items WHERE project = ?", "ads-safety") == [("i-204",)]
    assert rows(engine, "SELECT count(*) FROM items") == [(1,)]


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(query=st.text(max_size=60))
def test_any_text_is_answered_or_refused(filled: str, query: str) -> None:
    with suppress(QueryRefused):
        answer(filled, query, timeout_seconds=5)


def test_the_first_word_is_found_behind_comments_and_brackets() -> None:
    assert first_keyword("/* a */ -- b\n ((select 1))") == "SELECT"
    assert first_keyword("-- only a comment") == ""
    assert first_keyword("/* never closed") == ""


@pytest.mark.parametrize("url", ["mysql://a/b", "sqlite://", "sqlite:///:memory:", "no url", "sqlite+aiosqlite:///x"])
def test_only_the_databases_we_know_are_taken(url: str) -> None:
    with pytest.raises(DatabaseError, match="ASSAY_DATABASE"):
        database_url(url)


def test_a_password_is_not_shown_when_a_url_is_refused() -> None:
    with pytest.raises(DatabaseError) as refused:
        database_url("mysql://me:secret@host/name")

    assert "secret" not in str(refused.value)


def test_an_archive_that_is_not_there_is_not_made_by_asking(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="no archive"):
        answer(f"sqlite:///{tmp_path / 'none.db'}", "SELECT 1")

    assert list(tmp_path.iterdir()) == []


def test_every_archived_topic_is_asked_by_its_name(filled: str) -> None:
    assert answer(filled, "SELECT topic FROM offsets") == [(VALIDATED.name,)]
