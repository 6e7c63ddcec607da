"""Open the database of the archive: SQLite (WAL) or PostgreSQL (psycopg 3), by URL, to write or only to read."""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from assay_schemas.errors import AssayUserError
from assay_services.engine.settings import RuntimeSettings

_BUSY_SECONDS = 30
_CACHE_KIB = 64 * 1024
_POSTGRES = {"postgres", "postgresql", "postgresql+psycopg"}


class DatabaseSettings(RuntimeSettings):
    """`database` is `postgresql://user:password@host/name` or `sqlite:///file`; None is a file in `folder`."""

    database: SecretStr | None = None

    @property
    def database_url(self) -> str:
        """Return the URL of the archive."""
        if self.database is None:
            return f"sqlite:///{self.folder / 'archive.db'}"
        return self.database.get_secret_value()


class DatabaseError(AssayUserError):
    """The archive's database cannot be used; the message has the reason and a remedy."""


def database_url(text: str) -> URL:
    """Parse the URL of a database; raise DatabaseError if it is neither SQLite nor PostgreSQL."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise DatabaseError(f"ASSAY_DATABASE is not a URL; {_WANTED}") from None
    if url.drivername in _POSTGRES:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite" or not url.database or url.database == ":memory:":
        raise DatabaseError(f"ASSAY_DATABASE is '{url.render_as_string(hide_password=True)}'; {_WANTED}")
    return url


_OWNER_ONLY, _OWNER_ONLY_FOLDER = 0o600, 0o700
_WANTED = "wanted is postgresql://user:password@host/name or sqlite:///file"


def open_engine(text: str) -> Engine:
    """Return an engine for writing. It is not connected yet."""
    url = database_url(text)
    if url.drivername == "sqlite":
        return _open_sqlite(url)
    return create_engine(
        url,
        pool_pre_ping=True,
        connect_args={"options": "-c timezone=UTC", "connect_timeout": 5, "application_name": "assay"},
    )


def open_for_reading(text: str, *, timeout_seconds: float) -> Engine:
    """Return a read-only engine. It is not connected yet."""
    url = database_url(text)
    if url.drivername == "sqlite":
        path = Path(url.database or "").absolute()
        engine = create_engine(
            f"sqlite:///file:{quote(str(path))}?mode=ro&uri=true",
            connect_args={"timeout": timeout_seconds, "check_same_thread": False},
            pool_size=8,
        )
        event.listen(engine, "connect", _prepare_reader)
        return engine
    options = f"-c timezone=UTC -c default_transaction_read_only=on -c statement_timeout={int(timeout_seconds * 1_000)}"
    return create_engine(
        url,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": 5, "application_name": "assay console"},
    )


def is_sqlite(engine: Engine) -> bool:
    """Return whether this is SQLite."""
    return engine.dialect.name == "sqlite"


def _open_sqlite(url: URL) -> Engine:
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY_FOLDER)
    path.touch(mode=_OWNER_ONLY)  # it has names and texts; its log gets the same mode
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, _: object) -> None:  # noqa: ANN401  # the driver's own
        # With NORMAL, a killed process loses nothing. A power cut may lose the last transactions as a whole: with their
        # rows their offsets are lost, so the records are read again.
        _prepare(raw)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Take the lock at once: later it could be refused in the middle of a transaction.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _prepare(raw: sqlite3.Connection) -> None:
    raw.isolation_level = None
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=NORMAL")
    raw.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")


def _prepare_reader(raw: Any, _: object) -> None:  # noqa: ANN401  # the driver's own
    raw.execute("PRAGMA query_only=ON")
    raw.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
