"""Query the archive with SQL, read-only."""

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy import URL

from assay_schemas.errors import AssayUserError
from assay_services.stores.archive.engine import DatabaseError, database_url

Cell: TypeAlias = str | int | float | bytes | None

_READING = {"SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "SHOW"}
_COMMENT = re.compile(r"\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/|\(", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]*")
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_ALLOWED_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info"}
_STEPS = 10_000
_ONLY_READS = (
    "only queries that read are answered (SELECT, WITH, VALUES, EXPLAIN): the archive is written by its worker"
)


class QueryRefused(AssayUserError):
    """A query that is refused; the message has the reason."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The result. Cells are the same from both databases: times in UTC and JSON are text."""

    columns: Sequence[str]
    rows: Iterator[Sequence[Cell]]


@contextmanager
def run_query(url: str, query: str, *, timeout_seconds: float, parameters: Sequence[str] = ()) -> Iterator[QueryResult]:
    """Run one read-only query with a timeout. `?` stands for a parameter. Raise QueryRefused."""
    where = database_url(url)
    answering = _ask_sqlite if where.drivername == "sqlite" else _ask_postgres
    with answering(where, query, timeout_seconds, parameters) as answer:
        yield answer


@contextmanager
def _ask_sqlite(url: URL, query: str, timeout_seconds: float, parameters: Sequence[str]) -> Iterator[QueryResult]:
    path = Path(url.database or "")
    if not path.is_file():
        raise DatabaseError(f"no archive exists at '{path}' yet; `assay up` or `assay worker archive` creates it")
    # Read-only but not immutable: the next query sees what the worker writes meanwhile.
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=timeout_seconds)) as raw:
        raw.execute("PRAGMA query_only=ON")
        raw.set_authorizer(_authorise)
        deadline = time.monotonic() + timeout_seconds
        raw.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        with _sqlite_errors(timeout_seconds):
            cursor = raw.execute(query, tuple(parameters))
            if cursor.description is None:
                raise QueryRefused(_ONLY_READS)
            yield QueryResult([one[0] for one in cursor.description], map(_plain_row, cursor))


def _authorise(action: int, first: str | None, *_: str | None) -> int:
    """Allow SQLite to read and nothing else, not even to attach another file."""
    if action in _ALLOWED or (action == sqlite3.SQLITE_PRAGMA and first in _ALLOWED_PRAGMAS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


@contextmanager
def _sqlite_errors(timeout_seconds: float) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        said = str(error)
        if "interrupted" in said:
            raise QueryRefused(_too_slow(timeout_seconds)) from None
        if "not authorized" in said or "prohibited" in said or "readonly" in said:
            raise QueryRefused(_ONLY_READS) from None
        if "one statement at a time" in said:
            raise QueryRefused("only one query at a time can be run") from None
        raise QueryRefused(f"SQLite says: {said}") from None
    except UnicodeEncodeError:
        raise QueryRefused("the query is not valid UTF-8 text") from None


@contextmanager
def _ask_postgres(url: URL, query: str, timeout_seconds: float, parameters: Sequence[str]) -> Iterator[QueryResult]:
    if first_keyword(query) not in _READING:
        raise QueryRefused(_ONLY_READS)
    options = f"-c timezone=UTC -c default_transaction_read_only=on -c statement_timeout={int(timeout_seconds * 1_000)}"
    asked: Any = query.replace("%", "%%").replace("?", "%s") if parameters else query
    with _postgres_errors(timeout_seconds), closing(_connect(url, options)) as raw:
        raw.read_only = True
        raw.execute("SELECT 1")  # from here on, no query can make the transaction writable
        for kind in ("json", "jsonb"):
            raw.adapters.register_loader(kind, TextLoader)
        with raw.cursor() as cursor:
            # Streaming uses the extended protocol, in which a query is one statement.
            rows = cursor.stream(asked, tuple(parameters) or None)
            first = next(rows, None)
            if first is None:  # an empty stream has no column names
                cursor.execute(asked, tuple(parameters) or None, prepare=True)
            columns = [one.name for one in cursor.description or ()]
            yield QueryResult(columns, map(_plain_row, _again(first, rows)))


def _again(first: Sequence[Any] | None, rest: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    if first is not None:
        yield first
        yield from rest


def _connect(url: URL, options: str) -> "psycopg.Connection[tuple[Any, ...]]":
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, options=options, connect_timeout=5, application_name="assay sql")


@contextmanager
def _postgres_errors(timeout_seconds: float) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.QueryCanceled:
        raise QueryRefused(_too_slow(timeout_seconds)) from None
    except (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.ActiveSqlTransaction):
        raise QueryRefused(_ONLY_READS) from None
    except psycopg.errors.Error as error:
        said = str(error).splitlines() or [type(error).__name__]
        if "multiple commands" in said[0]:
            raise QueryRefused("only one query at a time can be run") from None
        raise QueryRefused(f"PostgreSQL says: {said[0]}") from None
    except UnicodeEncodeError:
        raise QueryRefused("the query is not valid UTF-8 text") from None


def first_keyword(query: str) -> str:
    """Return the first keyword of a query, after comments and brackets."""
    place = 0
    while found := _COMMENT.match(query, place):
        place = found.end()
    word = _WORD.match(query, place)
    return "" if word is None else word[0].upper()


def _too_slow(timeout_seconds: float) -> str:
    return f"the query took longer than {timeout_seconds:g} s; ask for less, or give it more with --timeout"


def _plain_row(row: Sequence[Any]) -> Sequence[Cell]:
    return tuple(map(_plain, row))


def _plain(value: Any) -> Cell:  # noqa: ANN401  # what a driver gives
    if value is None or isinstance(value, str | int | float | bytes):
        return value
    if isinstance(value, datetime):
        moment = value if value.tzinfo is None else value.astimezone(UTC)
        return moment.replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else str(value)
