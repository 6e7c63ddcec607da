"""The control database: keys and connections. One SQLite file, or PostgreSQL by URL; no topic holds what is in it."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, event, inspect
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.control.tables.alert_delivery import Subscription

_BUSY_SECONDS = 30
_OWNER_ONLY = 0o600


class ControlSettings(RuntimeSettings):
    """`control` is the URL of the control database, None a file in `folder`; `secret_key` what encrypts secrets in it.

    Without a key one is made, and kept in a file beside the database that only its owner may read.
    """

    control: SecretStr | None = None
    secret_key: SecretStr | None = None


class WrongSecretKeyError(Exception):
    """What is stored was encrypted with another key."""


def open_control(settings: ControlSettings) -> Engine:
    """Open the control database and create what is missing in it."""
    if settings.control is not None:
        engine = create_engine(settings.control.get_secret_value(), pool_pre_ping=True)
    else:
        settings.folder.mkdir(parents=True, exist_ok=True)
        path = settings.folder / "control.db"
        path.touch(mode=_OWNER_ONLY)
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
    _create(engine)
    return engine


def _create(engine: Engine) -> None:
    """Create what is missing; another process may be doing the same."""
    for table in Subscription.metadata.sorted_tables:
        try:
            table.create(engine, checkfirst=True)
        except (OperationalError, ProgrammingError, IntegrityError):
            if not inspect(engine).has_table(table.name):
                raise


def _prepare_sqlite(raw: Any, _: object) -> None:  # noqa: ANN401  # the driver's own
    raw.execute("pragma journal_mode = wal")
    raw.execute("pragma synchronous = normal")


class Vault:
    """Encrypt and decrypt secrets for storing (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, settings: ControlSettings) -> None:
        """Take the key of the settings, or the one in the folder, which is made where it is missing."""
        given = settings.secret_key
        key = _key_in(settings.folder / "control.key") if given is None else given.get_secret_value()
        self._key = key.encode()
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(self._key).digest()))

    def derive(self, purpose: str) -> bytes:
        """Return a key of its own for one purpose, always the same."""
        return hmac.new(self._key, purpose.encode(), hashlib.sha256).digest()

    def lock(self, text: str) -> str:
        """Encrypt."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, locked: str) -> str:
        """Decrypt; raise WrongSecretKeyError where another key did it."""
        try:
            return self._fernet.decrypt(locked.encode()).decode()
        except InvalidToken:
            raise WrongSecretKeyError(
                "the secrets in the control database were encrypted with another key; set ASSAY_SECRET_KEY to that "
                "one (or bring back the file control.key), or connect the platforms anew"
            ) from None


def _key_in(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY), "w") as file:
            file.write(secrets.token_urlsafe(32))
    except FileExistsError:
        pass
    return path.read_text().strip()
