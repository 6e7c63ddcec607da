"""`assay archive upgrade`, `assay archive status`: manage the archive."""

import asyncio

import typer
from rich.table import Table

from assay_services.archive.settings import ArchiveSettings
from assay_services.audit.archive import TopicAudit, audit_archive
from assay_services.stores.archive.engine import DatabaseError, database_url, open_engine
from assay_services.stores.archive.schema_upgrade import newest_version
from assay_services.stores.archive.schema_upgrade import upgrade as migrate
from assay_services.stores.archive.sql_query import QueryRefused, run_query
from assay_services.terminal import fail, out, plain_errors

_PATIENCE_SECONDS = 30.0
_TOPICS = """
SELECT s.cluster, s.prefix || o.topic, sum(o.records), sum(o.unreadable), sum(o.forgotten), max(o.moved_at)
FROM offsets AS o JOIN sources AS s ON s.id = o.source
GROUP BY s.cluster, s.prefix || o.topic ORDER BY 1, 2
"""

app = typer.Typer(no_args_is_help=True, help="The archive: its database and its progress.")


@app.command()
@plain_errors
def upgrade() -> None:
    """Bring the archive's tables and views up to date. The worker does this by itself when it starts.

    Example: assay archive upgrade
    """
    migrate(open_engine(ArchiveSettings().database_url))
    out.print(f"[green]✓[/] {_where()} is at version {newest_version()}", highlight=False)


@app.command()
@plain_errors
def status() -> None:
    """Show where the archive is, its version, and how many records of each topic it has stored.

    Example: assay archive status
    """
    there = _version(ArchiveSettings())
    if there is None:
        fail(f"{_where()} has no archive yet: `assay archive upgrade` or its worker creates it")
    newest = newest_version()
    note = "" if there == newest else f" (this Assay has {newest}: run `assay archive upgrade`)"
    out.print(f"{_where()}, version {there}{note}", highlight=False)
    table = Table("Kafka", "topic", "records", "unreadable", "forgotten", "last written (UTC)", box=None)
    for column in table.columns[2:5]:
        column.justify = "right"
    with run_query(ArchiveSettings().database_url, _TOPICS, timeout_seconds=_PATIENCE_SECONDS) as answer:
        for cluster, topic, *counts, moved_at in answer.rows:
            table.add_row(str(cluster), str(topic), *(f"{int(count or 0):,}" for count in counts), str(moved_at)[:19])
    out.print(table)


def audit_the_archive(settings: ArchiveSettings) -> list[TopicAudit] | None:
    """Compare the topics with the archive's tables; return None if there is no archive yet."""
    try:
        if _version(settings) is None:
            return None
    except DatabaseError:
        return None
    engine = open_engine(settings.database_url)
    try:
        return asyncio.run(audit_archive(settings, engine))
    finally:
        engine.dispose()


def _where() -> str:
    return database_url(ArchiveSettings().database_url).render_as_string(hide_password=True)


def _version(settings: ArchiveSettings) -> str | None:
    query = "SELECT version_num FROM alembic_version"
    try:
        with run_query(settings.database_url, query, timeout_seconds=_PATIENCE_SECONDS) as answer:
            return next((str(row[0]) for row in answer.rows), None)
    except QueryRefused as refused:
        if "alembic_version" in str(refused):  # the table is missing
            return None
        raise
