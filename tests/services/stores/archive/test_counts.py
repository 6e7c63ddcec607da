"""The counts that triggers keep are those that counting gives, whatever happens to the rows."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from assay_schemas.topics import REJECTED, VALIDATED
from assay_services.archive.core.plan import Fetched
from assay_services.archive.store import Store
from assay_services.engine.core.erasure_request import ErasureRequest
from assay_services.erasure.archive import erase
from assay_services.stores.archive.migrations.count_triggers import filling
from tests.services.archive.records import fetched
from tests.services.archive.test_store import ready, rows, write
from tests.services.stores.archive.test_views import FINDING, said
from tests.support.builders import NOW

LATER = NOW + timedelta(days=1)
COUNTED = "SELECT project, annotator, label, n, flagged, timed, milliseconds FROM vote_counts ORDER BY 1, 2, 3"
RECOUNTED = """
SELECT project, annotator, label, count(*), sum(CASE WHEN findings <> '[]' THEN 1 ELSE 0 END),
    count(lead_time_seconds), coalesce(sum(CAST(round(lead_time_seconds * 1000) AS integer)), 0)
FROM live_annotations GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
VERDICTS = "SELECT verdict, flagged, sum(n) FROM verdict_counts GROUP BY 1, 2 ORDER BY 1, 2"
REVERDICTS = """
SELECT verdict, CASE WHEN findings <> '[]' THEN 1 ELSE 0 END AS flagged, count(*)
FROM annotations GROUP BY 1, 2 ORDER BY 1, 2
"""
RULES = "SELECT rule, action, annotator, n FROM rule_counts ORDER BY 1, 2, 3"
RERULES = "SELECT rule, action, annotator, count(*) FROM objections GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
OBJECTIONS = "SELECT annotator, rule FROM objections ORDER BY 1, 2"


def a_busy_hour() -> list[Fetched]:
    """Return annotations, some of which are updated, withdrawn, late, flagged or rejected."""
    early: dict[str, Any] = {"annotator": {"id": "a1"}, "occurred_at": "2026-11-24T09:00:00Z"}
    late: dict[str, Any] = {"annotator": {"id": "a1"}, "occurred_at": "2026-11-24T11:59:30Z"}
    return [
        fetched(
            said(1, "safe", lead_time_seconds=2.5),
            said(2, "scam", **late | {"action": "updated", "lead_time_seconds": 1.25}, findings=[FINDING]),
            said(3, "safe"),
            said(4, "safe", annotator={"id": "a3"}, occurred_at="2026-11-24T11:59:40Z", action="deleted"),
            said(5, "adult", **early),
        ),
        fetched(said(6, "Safe", findings=[FINDING | {"action": "reject"}]), topic=REJECTED.name),
        fetched(
            said(7, "safe", annotator={"id": "a1"}, item="i-9"),
            said(8, "scam", item="i-9"),
            topic=VALIDATED.name,
            partition=0,
        ),
    ]


def take(store: Store, some: list[Fetched]) -> None:
    source = ready(store, VALIDATED.name, REJECTED.name)
    positions: dict[str, int] = {}
    for one in some:
        write(store, one._replace(position=positions.get(one.topic, 0)), source=source)
        positions[one.topic] = one.records[-1].offset + 1


def counts_are_right(engine: Engine) -> bool:
    """Tell whether all counts are what counting anew gives."""
    same_votes = [tuple(map(str, row)) for row in rows(engine, COUNTED)] == [
        tuple(map(str, row)) for row in rows(engine, RECOUNTED)
    ]
    same_verdicts = [tuple(map(int, row[1:])) for row in rows(engine, VERDICTS)] == [
        tuple(map(int, row[1:])) for row in rows(engine, REVERDICTS)
    ]
    return same_votes and same_verdicts


def test_superseded_withdrawn_and_late_annotations_are_counted_as_what_stands(engine: Engine, store: Store) -> None:
    take(store, a_busy_hour())

    assert counts_are_right(engine)
    assert rows(engine, "SELECT annotator, label, n FROM vote_counts ORDER BY 1, 2") == [
        ("a1", "safe", 1),
        ("a1", "scam", 1),
        ("a8", "scam", 1),
    ]
    assert rows(engine, OBJECTIONS) == [("a1", "too-fast"), ("a6", "too-fast")]


@pytest.mark.parametrize(
    "whom",
    [
        ErasureRequest(is_item=True, project="ads-safety", name="i-9"),
        ErasureRequest(is_item=False, project=None, name="a1"),
        ErasureRequest(is_item=False, project="ads-safety", name="a1", pseudonym="someone"),
    ],
)
def test_counts_stay_right_when_something_is_forgotten(engine: Engine, store: Store, whom: ErasureRequest) -> None:
    take(store, a_busy_hour())

    erase(engine, whom, now=LATER)

    assert counts_are_right(engine)
    assert rows(engine, RULES) == rows(engine, RERULES)
    left = rows(engine, "SELECT annotator FROM vote_counts UNION ALL SELECT annotator FROM objections")
    assert whom.is_item or "a1" not in [row[0] for row in left]


def test_what_was_there_before_the_tables_is_counted_when_they_are_made(engine: Engine, store: Store) -> None:
    take(store, a_busy_hour())
    before = [rows(engine, query) for query in (COUNTED, VERDICTS, OBJECTIONS)]

    with engine.begin() as connection:
        for table in ("votes", "vote_counts", "verdict_counts", "objections", "readings_now"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608  # our own tables
        for statement in filling(engine.dialect.name):
            connection.exec_driver_sql(statement)

    assert [rows(engine, query) for query in (COUNTED, VERDICTS, OBJECTIONS)] == before


def test_minutes_are_whole_and_in_utc(engine: Engine, store: Store) -> None:
    take(store, a_busy_hour())

    (minute,) = {row[0] for row in rows(engine, "SELECT minute FROM verdict_counts")}

    said_minute = minute if isinstance(minute, datetime) else datetime.fromisoformat(minute)
    assert (said_minute.second, said_minute.microsecond) == (0, 0)
