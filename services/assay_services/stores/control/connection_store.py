"""The connections to platforms: their settings, progress and counts."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Engine, delete, update
from sqlmodel import Session, col, select

from assay_schemas.errors import AssayUserError
from assay_services.stores.control.tables.connections_and_keys import (
    Connection,
    EndedAnnotation,
    HeldAnnotation,
    HeldThing,
    Intention,
    KeptCopy,
    UnreadCount,
)
from assay_services.stores.control.vault import Vault


class NoSuchConnectionError(AssayUserError):
    """No connection has this name."""


class ConnectionExistsError(AssayUserError):
    """A connection with this name exists already."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """A connection's secrets: the webhook's (the newest first), and the API token.

    `webhook_id` is the platform's id of the registered webhook, needed to delete it.
    """

    hooks: tuple[str, ...] = ()
    token: str | None = None
    webhook_id: str | None = None

    def __repr__(self) -> str:
        """Return a text without the secrets."""
        return f"Secrets({len(self.hooks)} of webhooks)"


def new_hook_secret() -> str:
    """Return a new random secret for a webhook."""
    return secrets.token_urlsafe(32)


class ConnectionStore:
    """The connections in the control database."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        """Use the control database `engine`; `vault` encrypts its secrets."""
        self._engine = engine
        self._vault = vault

    def add(self, connection: Connection, secret: Secrets) -> None:
        """Store a connection; raise ConnectionExistsError if its name is taken."""
        connection.secrets = self._locked(secret)
        with Session(self._engine, expire_on_commit=False) as session:
            if session.get(Connection, connection.name) is not None:
                raise ConnectionExistsError(
                    f"a connection '{connection.name}' is there already; choose another --name, or "
                    f"`assay disconnect {connection.name}` first"
                )
            session.add(connection)
            session.commit()

    def get(self, name: str) -> Connection:
        """Return a connection; raise NoSuchConnectionError."""
        with Session(self._engine, expire_on_commit=False) as session:
            found = session.get(Connection, name)
        if found is None:
            raise NoSuchConnectionError(f"no connection is named '{name}'; `assay connections` shows them")
        return found

    def all(self) -> Sequence[Connection]:
        """Return every connection, by name."""
        with Session(self._engine, expire_on_commit=False) as session:
            return session.exec(select(Connection).order_by(Connection.name)).all()

    def remove(self, name: str) -> None:
        """Delete a connection and its index; published annotations stay on their topics."""
        self.get(name)
        with Session(self._engine) as session:
            for table in (HeldAnnotation, HeldThing, EndedAnnotation, KeptCopy, Intention, UnreadCount):
                session.execute(delete(table).where(col(table.connection) == name))
            session.execute(delete(Connection).where(col(Connection.name) == name))
            session.commit()

    def secrets_of(self, connection: Connection) -> Secrets:
        """Decrypt a connection's secrets."""
        found = orjson.loads(self._vault.decrypt(connection.secrets))
        return Secrets(tuple(found["hooks"]), found["token"], found["webhook_id"])

    def set_secrets(self, name: str, secret: Secrets) -> None:
        """Replace a connection's secrets."""
        self.note(name, secrets=self._locked(secret))

    def note(self, name: str, **values: Any) -> None:  # noqa: ANN401  # columns of the table
        """Set some of a connection's columns."""
        self._update(name, values)

    def count(self, name: str, *, at: datetime | None = None, **counts: int) -> None:
        """Add to some of a connection's counts; `at`: when its last event arrived."""
        values: dict[str, Any] = {key: getattr(Connection, key) + more for key, more in counts.items() if more}
        if at is not None:
            values["last_event_at"] = at
        self._update(name, values)

    def count_unread(self, name: str, counts: Mapping[str, int]) -> None:
        """Add to the counts of what was left out of a connection's annotations, by tag or shape."""
        for what, more in counts.items():
            with Session(self._engine) as session:
                mine = (col(UnreadCount.connection) == name) & (col(UnreadCount.what) == what)
                added = update(UnreadCount).where(mine).values(count=UnreadCount.count + more)
                if not session.connection().execute(added).rowcount:
                    session.add(UnreadCount(connection=name, what=what, count=more))
                session.commit()

    def unread(self) -> Mapping[str, Mapping[str, int]]:
        """Return what was left out of the annotations of each connection, and how often."""
        found: dict[str, dict[str, int]] = {}
        with Session(self._engine) as session:
            for one in session.exec(select(UnreadCount).order_by(UnreadCount.connection, UnreadCount.what)):
                found.setdefault(one.connection, {})[one.what] = one.count
        return found

    def _update(self, name: str, values: Mapping[str, Any]) -> None:
        if values:
            with Session(self._engine) as session:
                session.execute(update(Connection).where(col(Connection.name) == name).values(**values))
                session.commit()

    def _locked(self, secret: Secrets) -> str:
        plain = {"hooks": list(secret.hooks), "token": secret.token, "webhook_id": secret.webhook_id}
        return self._vault.encrypt(orjson.dumps(plain).decode())
