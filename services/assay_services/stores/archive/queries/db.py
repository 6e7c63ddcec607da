"""Run queries on the archive: rows of plain values, the same from both databases."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, RowMapping, bindparam, text
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from assay_schemas.json_data import Json
from assay_services.stores.columns import Moment


class ArchiveAway(Exception):
    """The archive is unavailable or not created yet; the message has a remedy."""


@contextmanager
def asking(engine: Engine) -> Iterator[Connection]:
    """Open the archive for some queries; raise ArchiveAway if it is unavailable."""
    try:
        with engine.connect() as connection:
            yield connection
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        said = str(error.orig or error).strip().splitlines()[0]
        if any(word in said for word in ("no such table", "no such column", "does not exist", "unable to open")):
            raise ArchiveAway("there is no archive yet, or an old one: `assay worker archive` makes it") from error
        if "interrupted" in said or "statement timeout" in said:
            raise ArchiveAway("the archive took too long to answer; ask for less") from error
        raise ArchiveAway(f"the archive does not answer: {said}") from error


def rows(connection: Connection, query: str, **values: object) -> Sequence[RowMapping]:
    """Return all rows of a query. `:name` stands for a value."""
    asked = text(query)
    times = [bindparam(name, type_=Moment()) for name, value in values.items() if isinstance(value, datetime)]
    return connection.execute(asked.bindparams(*times) if times else asked, values).mappings().all()


def row(connection: Connection, query: str, **values: object) -> RowMapping | None:
    """Return the first row of a query, or None."""
    found = rows(connection, query, **values)
    return found[0] if found else None


def moment(value: Any) -> datetime:  # noqa: ANN401  # what a driver gives
    """Return a non-null time, in UTC."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def maybe_moment(value: Json) -> datetime | None:
    """Return a time in UTC, or None for NULL."""
    return None if value is None else moment(value)


def parsed(value: Json) -> Json:
    """Return the parsed content of a JSON column."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value
