"""The control database: keys, connections, users, alerts. One SQLite file, or PostgreSQL by URL; not on any topic."""

from typing import Any

from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, event, inspect
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.control.tables.alert_delivery import Subscription

_BUSY_SECONDS = 30
OWNER_ONLY = 0o600


class ControlSettings(RuntimeSettings):
    """`control` is the URL of the control database (None: a file in `folder`); `secret_key` encrypts its secrets.

    Without a key, one is created in a file beside the database that only its owner may read.
    """

    control: SecretStr | None = None
    secret_key: SecretStr | None = None


def open_control(settings: ControlSettings) -> Engine:
    """Open the control database and create its missing tables."""
    if settings.control is not None:
        engine = create_engine(settings.control.get_secret_value(), pool_pre_ping=True)
    else:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = settings.folder / "control.db"
        path.touch(mode=OWNER_ONLY)
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
    _create(engine)
    return engine


def _create(engine: Engine) -> None:
    """Create the missing tables; another process may be doing the same."""
    for table in Subscription.metadata.sorted_tables:
        try:
            table.create(engine, checkfirst=True)
        except (OperationalError, ProgrammingError, IntegrityError):
            if not inspect(engine).has_table(table.name):
                raise


def _prepare_sqlite(raw: Any, _: object) -> None:  # noqa: ANN401  # the driver's own
    raw.execute("pragma journal_mode = wal")
    raw.execute("pragma synchronous = normal")
