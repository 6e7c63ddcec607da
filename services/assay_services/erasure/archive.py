"""Erase an item or an annotator in the archive: delete the rows, or replace the name by a pseudonym."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Engine, delete, insert, text
from sqlmodel import col

from assay_schemas.annotation import AnnotationId
from assay_schemas.record_key import name_in_pair, plain_key
from assay_services.archive.core.erasure_filter import ANNOTATOR, ANY_PROJECT, ITEM, mark_of
from assay_services.engine.core.erasure_request import ErasureRequest
from assay_services.stores.archive.engine import is_sqlite
from assay_services.stores.archive.tables import ForgottenRow
from assay_services.stores.archive.transactions import alone, translate_db_errors

_PROJECT = "(CAST(:project AS text) IS NULL OR project = :project)"


def _in_pair(column: str) -> str:
    """Return the condition that a pair names the annotator; older readings have names with bars as they are."""
    ways = (":first", ":second", ":first_plain", ":second_plain")
    return "(" + " OR ".join(rf"{column} LIKE {way} ESCAPE '\'" for way in ways) + ")"


_PAIR = _in_pair("scope ->> 'annotators'")
_PAIR_NOW = f"kind = 'pair' AND {_in_pair('subject')}"
_BY_ANNOTATOR = ("annotations", "votes", "objections", "corrections", "reliability", "conduct", "signals")
_TOPICS = {
    "annotations": "'annotations.' || verdict",
    "corrections": "'annotations.corrected'",
    "readings": "'agreement.rolling'",
    "signals": "'annotators.signals'",
    "alerts": "'alerts'",
    "dead": "'annotations.dead'",
    "unreadable": "topic",
}
_GONE = text(
    "UPDATE offsets SET forgotten = forgotten + :n, unreadable = unreadable - :unreadable"
    " WHERE source = :source AND topic = :topic AND kafka_partition = :number"
)
_LETTERS = ("dead", "unreadable")


class _RowSelection(NamedTuple):
    """The rows of a table to erase, and whether a pseudonym can replace their annotator.

    `topic` is SQL for the topic whose records have a row each in the table; the ledger counts the deleted ones.
    """

    table: str
    where: str
    renamed: bool = False
    topic: str = ""


def count_rows(engine: Engine, whom: ErasureRequest) -> Mapping[str, int]:
    """Return how many rows of each table would be erased; change nothing."""
    with translate_db_errors(), engine.connect() as connection:
        return {part.table: _count(connection, part, whom) for part in _parts(engine, whom)}


def settled_items(engine: Engine, whom: ErasureRequest) -> frozenset[AnnotationId]:
    """Return the ids of the annotations with which an annotator adjudicated items."""
    query = f"SELECT id FROM annotations WHERE annotator = :name AND annotator_kind = 'adjudicator' AND {_PROJECT}"  # noqa: S608  # ours
    with translate_db_errors(), engine.connect() as connection:
        rows = connection.execute(text(query), {"name": whom.name, "project": whom.project})
        return frozenset(AnnotationId(str(one)) for (one,) in rows)


def erase(engine: Engine, whom: ErasureRequest, *, now: datetime) -> Mapping[str, int]:
    """Delete or rename all rows made before `now`, and store a mark that filters records still in flight."""
    changed: dict[str, int] = {}
    with alone(engine) as connection:
        if is_sqlite(engine):
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        for one in _parts(engine, whom):
            part = one._replace(topic=_TOPICS.get(one.table, ""))
            statement = f"DELETE FROM {part.table} WHERE {part.where}"  # noqa: S608  # our own parts
            if part.renamed and whom.pseudonym is not None:
                statement = f"UPDATE {part.table} SET annotator = :pseudonym WHERE {part.where}"  # noqa: S608
            elif part.topic:
                _count_in_offsets(connection, part, whom)
            changed[part.table] = connection.execute(text(statement), _values(whom)).rowcount
        _mark(connection, whom, now)
    if is_sqlite(engine):
        _truncate_log(engine)
    return changed


def purge(engine: Engine, *, before: datetime) -> None:
    """Delete the marks of old erasures whose records can no longer be in flight."""
    with alone(engine) as connection:
        connection.execute(delete(ForgottenRow).where(col(ForgottenRow.forgotten_at) < before))


def _parts(engine: Engine, whom: ErasureRequest) -> list[_RowSelection]:
    contains = "instr(value, :{0}) > 0" if is_sqlite(engine) else "position(:{0} in value) > 0"
    inside = f"{contains.format('raw_name')} AND {contains.format('raw_project')}"
    letters = [_RowSelection(table, f"(value IS NOT NULL AND {inside})") for table in _LETTERS]
    if whom.is_item:
        tables = (
            "annotations", "votes", "objections", "items", "consensus", "consensus_history", "corrections", "reviews",
        )  # fmt: skip
        keys = {"dead": "key = :text_key", "unreadable": "key = :raw_key"}
        return [
            *(_RowSelection(table, "project = :project AND item = :name") for table in tables),
            *(one._replace(where=f"{keys[one.table]} OR {one.where}") for one in letters),
        ]
    mine = f"annotator = :name AND {_PROJECT}"
    return [
        *(_RowSelection(table, mine, renamed=True) for table in _BY_ANNOTATOR),
        _RowSelection("signals", f"peer = :name AND {_PROJECT}"),
        _RowSelection("alerts", f"(annotator = :name OR peer = :name) AND {_PROJECT}"),
        _RowSelection("readings", f"{_PROJECT} AND {_PAIR}"),
        _RowSelection("readings_now", f"{_PROJECT} AND {_PAIR_NOW}"),
        *letters,
    ]


def _for_like(name: str) -> str:
    """Return a name in a pattern of LIKE that stands for itself."""
    return name.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _values(whom: ErasureRequest) -> dict[str, Any]:
    in_pair, plain = (_for_like(name) for name in (name_in_pair(whom.name), whom.name))
    sent_with = plain_key(str(whom.project), whom.name)
    return {
        "project": whom.project,
        "name": whom.name,
        "pseudonym": whom.pseudonym,
        "first": f"{in_pair}|%",
        "second": f"%|{in_pair}",
        "first_plain": f"{plain}|%",
        "second_plain": f"%|{plain}",
        "raw_name": orjson.dumps(whom.name),
        "raw_project": b"" if whom.project is None else orjson.dumps(whom.project),
        "text_key": sent_with.decode(),
        "raw_key": sent_with,
    }


def _count_in_offsets(connection: Connection, part: _RowSelection, whom: ErasureRequest) -> None:
    """Add the number of erased rows per partition to the ledger."""
    query = (
        f"SELECT source, {part.topic} AS topic, kafka_partition AS number, count(*) AS n FROM {part.table}"  # noqa: S608
        f" WHERE {part.where} GROUP BY 1, 2, 3"
    )
    for row in connection.execute(text(query), _values(whom)).mappings().all():
        unreadable = row["n"] if part.table == "unreadable" else 0
        connection.execute(_GONE, {**row, "unreadable": unreadable})


def _count(connection: Connection, part: _RowSelection, whom: ErasureRequest) -> int:
    query = f"SELECT count(*) FROM {part.table} WHERE {part.where}"  # noqa: S608  # our own parts
    return int(connection.execute(text(query), _values(whom)).scalar_one())


def _mark(connection: Connection, whom: ErasureRequest, now: datetime) -> None:
    kind = ITEM if whom.is_item else ANNOTATOR
    mark = mark_of(kind, ANY_PROJECT if whom.project is None else whom.project, whom.name)
    connection.execute(delete(ForgottenRow).where(col(ForgottenRow.mark) == mark))
    row = ForgottenRow(mark=mark, kind=kind, pseudonym=whom.pseudonym, forgotten_at=now)
    connection.execute(insert(ForgottenRow).values(**row.model_dump()))


def _truncate_log(engine: Engine) -> None:
    """Checkpoint and truncate SQLite's WAL, which still contains old pages."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
