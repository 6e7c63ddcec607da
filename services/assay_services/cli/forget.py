"""`assay forget`: erase an item or an annotator from the archive, the workers' state and the compacted topics."""

import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_services.archive.settings import ArchiveSettings
from assay_services.audit.topics import audit, audit_consensus
from assay_services.engine.core.erasure_request import ErasureRequest
from assay_services.engine.settings import RuntimeSettings
from assay_services.erasure.archive import count_rows, erase, settled_items
from assay_services.erasure.run import erase_in_kafka
from assay_services.stores.archive.engine import database_url, is_sqlite, open_engine
from assay_services.stores.control.alert_actions import forget_annotator
from assay_services.stores.control.database import ControlSettings, open_control
from assay_services.terminal import err, fail, out, plain_errors, run_async


@plain_errors
def forget(
    item: Annotated[str | None, typer.Option(help="An item, as PROJECT:ITEM.")] = None,
    annotator: Annotated[str | None, typer.Option(help="An annotator.")] = None,
    project: Annotated[str | None, typer.Option(help="The annotator's project; without it, all projects.")] = None,
    pseudonym: Annotated[
        bool, typer.Option("--pseudonym", help="Keep the annotations under a random pseudonym.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    archive_only: Annotated[bool, typer.Option("--archive-only", help="Do not change Kafka.")] = False,
) -> None:
    """Erase an item or an annotator.

    They are erased from the archive, from the workers' state and from the compacted topics.

    The workers may run meanwhile. Topics that keep events for a limited time are not changed: their records expire, see
    docs/privacy.md. You can run it again safely; a second run also erases what was in flight during the first.

    Example: assay forget --annotator a17 --project ads-safety --pseudonym
    """
    settings = ArchiveSettings()
    engine = open_engine(settings.database_url)
    if is_sqlite(engine) and not _topic_exists(settings):
        fail("no archive exists yet; start its worker first (`assay worker archive`)")
    within = None if project is None else ProjectId(project)
    whom = _request_of(item, annotator, within, pseudonym=pseudonym)
    whom = whom if whom.is_item else whom._replace(settled_by=settled_items(engine, whom))
    counts: Counter[str] = Counter()
    if not archive_only:
        counts += run_async(erase_in_kafka(settings, whom, dry_run=dry_run))
        told = forget_annotator(open_control(ControlSettings()), whom, dry_run=dry_run)
        counts.update({"control database": told} if told else {})
    counts.update(count_rows(engine, whom) if dry_run else erase(engine, whom, now=datetime.now(UTC)))
    _print(counts, whom, dry_run=dry_run)
    if not archive_only:
        _warn(settings)


def _request_of(
    item: str | None, annotator: str | None, project: ProjectId | None, *, pseudonym: bool
) -> ErasureRequest:
    if (item is None) == (annotator is None):
        fail("give either --item PROJECT:ITEM or --annotator NAME")
    if annotator is not None:
        return ErasureRequest(
            is_item=False, project=project, name=annotator,
            pseudonym=AnnotatorId(f"anonymous-{secrets.token_hex(6)}") if pseudonym else None,
        )  # fmt: skip
    if pseudonym:
        fail("an item has no pseudonym: use --pseudonym with --annotator")
    where, colon, name = str(item).partition(":") if project is None else (project, ":", _within(str(item), project))
    if not colon or not where or not name:
        fail(f"'{item}' is not PROJECT:ITEM; also give --project if the project's name has a colon")
    return ErasureRequest(is_item=True, project=ProjectId(where), name=name)


def _within(item: str, project: ProjectId) -> str:
    return item.removeprefix(f"{project}:")


def _print(counts: Mapping[str, int], whom: ErasureRequest, *, dry_run: bool) -> None:
    table = Table("where", "would change" if dry_run else "changed", box=None)
    table.columns[1].justify = "right"
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    out.print(table)
    if whom.pseudonym is not None and not dry_run:
        out.print(f"from now on: {whom.pseudonym}", highlight=False)


def _warn(settings: RuntimeSettings) -> None:
    """Warn if records are still in flight: they were not judged yet, and may bring erased data back."""
    waiting = sum(one.waiting for one in [*run_async(audit(settings)), *run_async(audit_consensus(settings))])
    if waiting:
        err.print(
            f"[yellow]![/] {waiting:,} records are not judged yet and may contain erased data; run this again once "
            "`assay audit` shows none waiting",
            highlight=False,
        )


def _topic_exists(settings: ArchiveSettings) -> bool:
    return Path(database_url(settings.database_url).database or "").is_file()
