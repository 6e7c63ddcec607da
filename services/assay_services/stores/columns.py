"""Column types that the tables of both databases share."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field


class Moment(TypeDecorator[datetime]):
    """A time in UTC: `timestamptz` in PostgreSQL, text `2026-11-24 12:00:00.000000` in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Convert a time to the database's form."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Convert a time from the database's form."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def moment(*, optional: bool = False) -> Any:  # noqa: ANN401  # SQLModel's own way
    """Return a column of times."""
    return Field(default=None if optional else ..., sa_column=Column(Moment(), nullable=optional))
