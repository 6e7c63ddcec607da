"""Transactions of the archive: exclusive access, and classification of the database's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError

from assay_schemas.errors import AssayUserError
from assay_services.stores.archive.engine import DatabaseError, is_sqlite

ARCHIVE_LOCK = 7_261_983
"""The archive's advisory lock in PostgreSQL: writers share it; erasure and migrations take it exclusively."""


class DatabaseAway(AssayUserError):
    """The database is unavailable at the moment."""


class RowsRefused(Exception):
    """The database refused one of the rows; nothing was written."""


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """Open a transaction during which no archive writes."""
    with translate_db_errors(), engine.begin() as connection:
        if not is_sqlite(engine):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ARCHIVE_LOCK})")
        yield connection


@contextmanager
def translate_db_errors() -> Iterator[None]:
    """Distinguish an unavailable database from one that refuses a row, and both from bugs."""
    try:
        yield
    except (DataError, IntegrityError) as error:
        raise RowsRefused(_first_line(error)) from error
    except (OperationalError, InterfaceError, InternalError) as error:
        if isinstance(error.orig, errors.ProgramLimitExceeded):  # a key too long for an index
            raise RowsRefused(_first_line(error)) from error
        raise DatabaseAway(_first_line(error)) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseAway(_first_line(error)) from error
        raise
    except (errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded, OverflowError) as error:
        raise RowsRefused(_first_line(error)) from error  # COPY raises psycopg's own errors
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseAway(_first_line(error)) from error


def check_encoding(engine: Engine) -> None:
    """Raise DatabaseError if the database cannot store every text."""
    if is_sqlite(engine):
        return
    with translate_db_errors(), engine.connect() as connection:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise DatabaseError(f"the database's encoding is {encoding}; create one with ENCODING 'UTF8'")


def _first_line(error: BaseException) -> str:
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    return said[0] if said else type(error).__name__
