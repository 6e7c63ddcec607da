"""Migrate the archive's tables and views with Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from assay_services.stores.archive.transactions import alone, check_encoding

_FOLDER = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Run the missing migrations in one transaction; of several processes one does, and the others wait."""
    check_encoding(engine)
    with alone(engine) as connection:
        command.upgrade(configured(connection), "head")


def configured(connection: Connection) -> Config:
    """Return Alembic's configuration for a connection."""
    config = _config()
    config.attributes["connection"] = connection
    return config


def newest_version() -> str:
    """Return the version that `upgrade` migrates to."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
