"""Counts maintained by triggers in the transaction of the rows, including deletions and updates.

SQLite has triggers per row, PostgreSQL per statement with all changed rows. Rows that the archive itself inserts into
SQLite are counted with one statement: `counted`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from string import Template
from typing import NamedTuple

from sqlalchemy import Connection

_LABEL = "CASE WHEN {row}label_kind IN ('text', 'number') THEN substr({row}label, 1, 200) ELSE '' END"
_TIME = "CAST(round({row}lead_time_seconds * 1000) AS {whole})"
_TIMED = "{row}lead_time_seconds BETWEEN 0 AND 1000000"
_MINUTE = {
    "sqlite": "substr({row}judged_at, 1, 16) || ':00.000000'",
    "postgresql": "date_trunc('minute', {row}judged_at)",
}
_FLAGGED = {
    "sqlite": "({row}findings <> '[]')",
    "postgresql": "(CASE WHEN {row}findings <> '[]' THEN 1 ELSE 0 END)",
}


class _Target(NamedTuple):
    counts: str
    key: tuple[str, ...]
    sums: tuple[str, ...]
    events: tuple[str, ...] = ("INSERT", "UPDATE", "DELETE")


_TARGETS = {
    "votes": _Target("vote_counts", ("project", "annotator", "label"), ("n", "flagged", "timed", "milliseconds")),
    # Erasure renames an annotator here, which does not change any verdict count.
    "annotations": _Target("verdict_counts", ("project", "minute", "verdict", "flagged"), ("n",), ("INSERT", "DELETE")),
    "consensus": _Target("status_counts", ("project", "status", "label"), ("n",)),
    "objections": _Target("rule_counts", ("project", "rule", "action", "annotator"), ("n",)),
}


def triggers(dialect: str) -> Iterator[str]:
    """Yield the statements that create the triggers."""
    create = _sqlite if dialect == "sqlite" else _postgres
    for table, target in _TARGETS.items():
        yield from create(table, target.events)


def resting(dialect: str) -> Iterator[str]:
    """Yield the statements that make SQLite's insert triggers inactive while the archive counts its own rows."""
    if dialect == "sqlite":
        for table in _TARGETS:
            yield f"DROP TRIGGER {table}_counted_insert"
            yield from _sqlite(table, ("INSERT",), when="WHEN NOT EXISTS (SELECT 1 FROM counting)")


@contextmanager
def counted(connection: Connection, table: str) -> Iterator[None]:
    """Count the rows inserted into SQLite meanwhile with one statement: triggers would take a quarter of the time.

    The triggers are inactive while `counting` has a row, which is inserted and deleted within the same transaction.
    """
    if table not in _TARGETS:
        yield
        return
    last = connection.exec_driver_sql(f"SELECT coalesce(max(rowid), 0) FROM {table}").scalar_one()  # noqa: S608  # ours
    connection.exec_driver_sql("INSERT INTO counting (since) VALUES (?)", (last,))
    yield
    connection.exec_driver_sql(_newer(table))
    connection.exec_driver_sql("DELETE FROM counting")


def without(dialect: str) -> Iterator[str]:
    """Yield the statements that drop the triggers."""
    for table in _TARGETS:
        for event in ("insert", "update", "delete"):
            if dialect == "sqlite":
                yield f"DROP TRIGGER IF EXISTS {table}_counted_{event}"
            else:
                yield f"DROP FUNCTION IF EXISTS {table}_counted_{event}() CASCADE"


def _values(table: str, dialect: str, row: str, sign: str) -> tuple[str, ...]:
    """Return the key and the amounts that one row adds (`sign` '-': subtracts)."""
    whole = "INTEGER" if dialect == "sqlite" else "bigint"
    if table == "consensus":
        return f"{row}project", f"{row}status", _LABEL.format(row=row), f"{sign}1"
    if table == "objections":
        return f"{row}project", f"{row}rule", f"{row}action", f"{row}annotator", f"{sign}1"
    if table == "annotations":
        minute, flagged = _MINUTE[dialect].format(row=row), _FLAGGED[dialect].format(row=row)
        return f"{row}project", minute, f"{row}verdict", flagged, f"{sign}1"
    time = f"CASE WHEN {_TIMED} THEN {_TIME} ELSE 0 END".format(row=row, whole=whole)
    timed = f"CASE WHEN {_TIMED} THEN 1 ELSE 0 END".format(row=row)
    flagged = f"CASE WHEN {row}flagged THEN 1 ELSE 0 END"
    label = _LABEL.format(row=row)
    return (
        f"{row}project",
        f"{row}annotator",
        label,
        f"{sign}1",
        f"{sign}({flagged})",
        f"{sign}({timed})",
        f"{sign}({time})",
    )


def _upsert(table: str) -> tuple[str, str]:
    """Return the head and the tail of the statement that adds amounts."""
    counts, key, sums, _ = _TARGETS[table]
    names = ", ".join((*key, *sums))
    adding = ", ".join(f"{name} = {counts}.{name} + excluded.{name}" for name in sums)
    return f"INSERT INTO {counts} ({names})", f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {adding}"


def _condition(table: str, row: str) -> str:
    return f"{row}live" if table == "votes" else "1 = 1"


def _sqlite(table: str, events: tuple[str, ...], *, when: str = "") -> Iterator[str]:
    head, tail = _upsert(table)
    counts, key, _, _ = _TARGETS[table]
    for event in events:
        steps = []
        for row, sign in (("OLD.", "-"), ("NEW.", "")):
            if (row == "OLD." and event == "INSERT") or (row == "NEW." and event == "DELETE"):
                continue
            values = _values(table, "sqlite", row, sign)
            steps.append(f"{head} SELECT {', '.join(values)} WHERE {_condition(table, row)} {tail};")
            if row == "OLD.":
                same = " AND ".join(f"{name} = {value}" for name, value in zip(key, values, strict=False))
                steps.append(f"DELETE FROM {counts} WHERE {same} AND n <= 0;")  # noqa: S608  # our own parts
        name = f"{table}_counted_{event.lower()}"
        yield f"CREATE TRIGGER {name} AFTER {event} ON {table} {when} BEGIN {' '.join(steps)} END"


_FUNCTION = Template(
    "CREATE FUNCTION ${table}_counted_${event}() RETURNS trigger LANGUAGE plpgsql AS $$$$ BEGIN"
    " $head $rows $tail; $tidy RETURN NULL; END $$$$"
)


def _postgres(table: str, events: tuple[str, ...]) -> Iterator[str]:
    head, tail = _upsert(table)
    counts = _TARGETS[table].counts
    for event in events:
        parts, shown = [], []
        if event != "INSERT":
            parts.append(("old_rows", "-"))
            shown.append("OLD TABLE AS old_rows")
        if event != "DELETE":
            parts.append(("new_rows", ""))
            shown.append("NEW TABLE AS new_rows")
        tidy = "" if event == "INSERT" else f"DELETE FROM {counts} WHERE n <= 0;"  # noqa: S608  # our own parts
        rows = _summed(table, "postgresql", parts)
        yield _FUNCTION.substitute(table=table, event=event.lower(), head=head, rows=rows, tail=tail, tidy=tidy)
        yield (
            f"CREATE TRIGGER {table}_counted_{event.lower()} AFTER {event} ON {table} REFERENCING {' '.join(shown)}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_counted_{event.lower()}()"
        )


def _summed(table: str, dialect: str, parts: list[tuple[str, str]]) -> str:
    """Return a query that sums the amounts by key, in key order: all writers lock rows in the same order."""
    _, key, sums, _ = _TARGETS[table]
    names = (*key, *sums)
    selects = []
    for rows, sign in parts:
        values = _values(table, dialect, "", sign)
        columns = ", ".join(f"{value} AS c_{name}" for value, name in zip(values, names, strict=True))
        selects.append(f"SELECT {columns} FROM {rows} WHERE {_condition(table, '')}")  # noqa: S608  # our own parts
    keys, totals = ", ".join(f"c_{name}" for name in key), ", ".join(f"sum(c_{name})" for name in sums)
    return f"SELECT {keys}, {totals} FROM ({' UNION ALL '.join(selects)}) AS counted GROUP BY {keys} ORDER BY {keys}"  # noqa: S608


@cache
def _newer(table: str) -> str:
    """Return a query for the rows that SQLite inserted last: row numbers increase in order of insertion."""
    return _adding(table, "sqlite", f"(SELECT * FROM {table} WHERE rowid > (SELECT since FROM counting))")  # noqa: S608


def _adding(table: str, dialect: str, rows: str) -> str:
    head, tail = _upsert(table)
    summed = _summed(table, dialect, [(rows, "")])
    # Without a WHERE between SELECT and ON CONFLICT, SQLite parses ON as a join's.
    return f"{head} SELECT * FROM ({summed}) AS all_of_them WHERE 1 = 1 {tail}"  # noqa: S608  # our own parts


_VOTES = """
INSERT INTO votes (project, item, annotator, annotator_kind, id, live, label, label_kind, occurred_at, judged_at,
    lead_time_seconds, flagged, label_probability, predicted, predicted_probability, contract_version, source,
    kafka_partition, kafka_offset)
SELECT project, item, annotator, annotator_kind, id, action IN ('created', 'updated'), label, label_kind, occurred_at,
    judged_at, lead_time_seconds, findings <> '[]', label_probability, predicted, predicted_probability,
    contract_version, source, kafka_partition, kafka_offset
FROM (SELECT a.*, row_number() OVER (PARTITION BY project, item, annotator
        ORDER BY occurred_at DESC, id DESC, source DESC, kafka_partition DESC, kafka_offset DESC) AS place
    FROM annotations AS a WHERE verdict = 'validated') AS ranked
WHERE place = 1
"""
_OBJECTIONS = Template("""
INSERT INTO objections (source, verdict, kafka_partition, kafka_offset, number, project, item, annotator, annotation,
    rule, action, message, path, occurred_at)
SELECT a.source, a.verdict, a.kafka_partition, a.kafka_offset, $number, a.project, a.item, a.annotator, a.id,
    f.value ->> 'rule', f.value ->> 'action', f.value ->> 'message', f.value ->> 'path', a.occurred_at
FROM annotations AS a, $elements
""")
_SCOPE = (
    "CASE WHEN scope ->> 'annotators' IS NOT NULL THEN {0} WHEN scope ->> 'attribute' IS NOT NULL THEN {1}"
    " WHEN scope ->> 'label' IS NOT NULL THEN {2} ELSE {3} END"
)
_KIND = _SCOPE.format("'pair'", "'attribute'", "'label'", "'all'")
_SUBJECT = _SCOPE.format("scope ->> 'annotators'", "scope ->> 'attribute'", "scope ->> 'label'", "''")
_VALUE = _SCOPE.format("''", "coalesce(scope ->> 'value', '')", "''", "''")
_READINGS = f"""
INSERT INTO readings_now (project, kind, time_window, coefficient, subject, subject_value, value, low, high, items,
    annotators, window_start, window_end, as_of, source, kafka_partition, kafka_offset)
SELECT project, kind, time_window, coefficient, subject, subject_value, value, low, high, items,
    annotators, window_start, window_end, as_of, source, kafka_partition, kafka_offset
FROM (SELECT named.*, row_number() OVER (PARTITION BY project, kind, time_window, coefficient, subject, subject_value
        ORDER BY as_of DESC, source DESC, kafka_partition DESC, kafka_offset DESC) AS place
    FROM (SELECT r.*, {_KIND} AS kind, {_SUBJECT} AS subject, {_VALUE} AS subject_value FROM readings AS r) AS named)
    AS ranked
WHERE place = 1
"""  # noqa: S608  # our own parts
_ELEMENTS = {
    "sqlite": ("f.key", "json_each(a.findings) AS f"),
    "postgresql": ("f.place - 1", "jsonb_array_elements(a.findings) WITH ORDINALITY AS f (value, place)"),
}


def filling(dialect: str) -> Iterator[str]:
    """Yield the statements that fill the new tables from existing annotations and readings."""
    number, elements = _ELEMENTS[dialect]
    yield _VOTES
    yield _OBJECTIONS.substitute(number=number, elements=elements)
    yield _READINGS
    for table in ("annotations", "consensus"):
        yield _adding(table, dialect, table)
