"""Write many rows at once, in the fastest way of each database."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlmodel import SQLModel

from assay_services.archive.core.row_types import NEWER, Row
from assay_services.stores.archive.migrations.count_triggers import counted
from assay_services.stores.archive.tables import TABLES

_MOST_VALUES = 32_766
"""The largest number of values in one SQLite statement, with default build options."""


class Bulk(Protocol):
    """Bulk writes to one kind of database."""

    def add(self, connection: Connection, table: str, rows: Sequence[Row]) -> None:
        """Add rows."""
        ...

    def put(self, connection: Connection, table: str, rows: Sequence[Row]) -> None:
        """Insert rows, replacing rows with the same key unless those are newer."""
        ...

    def remove(self, connection: Connection, table: str, keys: Iterable[Sequence[str]]) -> None:
        """Delete the rows with these keys."""
        ...


class SqliteBulk:
    """Prepared statements with up to a thousand sets of values."""

    def add(self, connection: Connection, table: str, rows: Sequence[Row]) -> None:
        """Add rows."""
        self._insert(connection, table, rows, "")

    def put(self, connection: Connection, table: str, rows: Sequence[Row]) -> None:
        """Insert rows, replacing rows with the same key unless those are newer."""
        self._insert(connection, table, rows, _on_conflict(table))

    def remove(self, connection: Connection, table: str, keys: Iterable[Sequence[str]]) -> None:
        """Delete the rows with these keys."""
        connection.exec_driver_sql(_delete(table, "?"), [tuple(key) for key in keys])

    def _insert(self, connection: Connection, table: str, rows: Sequence[Row], otherwise: str) -> None:
        take, done = _values(table), 0
        with counted(connection, table):
            for size in _sizes(len(rows), most=_MOST_VALUES // len(columns_of(table))):
                values = tuple(chain.from_iterable(map(take, rows[done : done + size])))
                connection.exec_driver_sql(_insert(table, size, otherwise), values)
                done += size


class PostgresBulk:
    """COPY: directly into the table if rows are only added, else through a temporary table."""

    def add(self, connection: Connection, table: str, rows: Sequence[Row]) -> None:
        """Add rows."""
        _copy(connection, table, table, rows)

    def put(self, connection: Connection, table: str, rows: Sequence[Row]) -> None:
        """Insert rows, replacing rows with the same key unless those are newer."""
        names, waiting = ", ".join(columns_of(table)), f"new_{table}"
        connection.exec_driver_sql(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {waiting} (LIKE {table}) ON COMMIT DELETE ROWS"
        )
        _copy(connection, waiting, table, rows)
        connection.exec_driver_sql(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM {waiting} {_on_conflict(table)}"  # noqa: S608  # ours
        )

    def remove(self, connection: Connection, table: str, keys: Iterable[Sequence[str]]) -> None:
        """Delete the rows with these keys."""
        connection.exec_driver_sql(_delete(table, "%s"), [tuple(key) for key in keys])


@cache
def columns_of(table: str) -> tuple[str, ...]:
    """Return the columns of a table, in their order."""
    return tuple(_tables()[table].__table__.columns.keys())  # type: ignore[attr-defined]  # every table has it


@cache
def key_of(table: str) -> tuple[str, ...]:
    """Return the columns of a table's key."""
    return tuple(_tables()[table].__table__.primary_key.columns.keys())  # type: ignore[attr-defined]


@cache
def _tables() -> Mapping[str, type[SQLModel]]:
    return {str(one.__tablename__): one for one in TABLES}


@cache
def _values(table: str) -> Callable[[Row], tuple[Any, ...]]:
    return itemgetter(*columns_of(table))


def _copy(connection: Connection, target: str, table: str, rows: Sequence[Row]) -> None:
    take, names = _values(table), ", ".join(columns_of(table))
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {target} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(take(row))


@cache
def _insert(table: str, size: int, otherwise: str) -> str:
    names = columns_of(table)
    values = ", ".join([f"({', '.join('?' * len(names))})"] * size)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {values} {otherwise}"  # noqa: S608  # ours


def _sizes(count: int, *, most: int) -> Iterator[int]:
    """Yield the row counts of statements: powers of two, which needs only few prepared statements."""
    size = 1 << (most.bit_length() - 1)
    while count:
        size = min(size, 1 << (count.bit_length() - 1))
        yield size
        count -= size


@cache
def _on_conflict(table: str) -> str:
    key, newer = key_of(table), NEWER.get(table, ())
    rest = ", ".join(f"{name} = excluded.{name}" for name in columns_of(table) if name not in key)
    clause = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {rest}"
    if newer:
        there, new = (", ".join(f"{whose}.{name}" for name in newer) for whose in (table, "excluded"))
        clause += f" WHERE ({new}) > ({there})"
    return clause


@cache
def _delete(table: str, mark: str) -> str:
    return f"DELETE FROM {table} WHERE {' AND '.join(f'{name} = {mark}' for name in key_of(table))}"  # noqa: S608  # ours
