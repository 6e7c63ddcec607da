"""The ledgers as tables that fit a terminal of 80 columns."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from assay_services.audit.archive import TopicAudit
from assay_services.audit.end_to_end import STATIONS, ChainAudit
from assay_services.audit.parked_work import ParkedWork
from assay_services.audit.topics import PartitionAudit

JUDGED = ("validated", "rejected", "dead", "superseded")
ABSORBED = ("absorbed", "superseded", "unreadable", "no-contract")


def partition_table(found: Sequence[PartitionAudit], title: str, names: Sequence[str]) -> Table:
    """Return the ledger of one service: one row per partition, their sum, and whether each balances."""
    table = _table(title, "partition", "in", *names, "waiting", "balance")
    for one in found:
        counts = [f"{one.verdicts.get(name, 0):,}" for name in names]
        state = "\n".join(f"✗ {problem}" for problem in one.problems) or (
            "not countable: retention" if one.lost_to_retention else "✓"
        )
        table.add_row(str(one.partition), f"{one.records_in:,}", *counts, f"{one.waiting:,}", state)
    sums = [f"{sum(one.verdicts.get(name, 0) for one in found):,}" for name in names]
    bad = sum(1 for one in found if one.problems)
    table.add_section()
    table.add_row(
        "all",
        f"{sum(one.records_in for one in found):,}",
        *sums,
        f"{sum(one.waiting for one in found):,}",
        f"✗ {bad} partitions do not balance" if bad else "✓",
    )
    return table


def archive_table(found: Sequence[TopicAudit]) -> Table:
    """Return the ledger of the archive: one row per topic. Columns that are zero everywhere are left out."""
    optional = [name for name in ("unreadable", "forgotten") if any(getattr(one, name) for one in found)]
    table = _table("records in the archive", "topic", "in Kafka", "archived", "rows", *optional, "waiting", "balance")
    for one in found:
        numbers = (one.on_topic, one.records, one.rows, *(getattr(one, name) for name in optional), one.waiting)
        shown = ("newest" if number is None else f"{number:,}" for number in numbers)
        table.add_row(one.topic, *shown, "; ".join(one.problems) or "✓")
    return table


def parked_table(found: Sequence[ParkedWork]) -> Table:
    """Return the projects whose work has stopped at an error."""
    table = _table("work that has stopped at an error", "service", "partition", "waiting", "what")
    for one in found:
        table.add_row(one.service, str(one.partition), f"{one.waiting:,}", escape(one.problem))
    return table


def chain_table(found: Sequence[ChainAudit]) -> Table:
    """Return the number of live annotations of each connection, from its platform to the archive."""
    table = _table("live annotations from the platform to the archive", "connection", "platform", *STATIONS, "balance")
    for one in found:
        counts = [f"{len(one.stations[name]):,}" if name in one.stations else "?" for name in STATIONS]
        table.add_row(one.connection, f"{len(one.platform):,}", *counts, "✗" if one.problems else "✓")
    return table


def _table(title: str, *columns: str) -> Table:
    """Return an empty table: a name, numbers, the balance. Long names wrap instead of being cut."""
    table = Table(*columns, title=title, box=None)
    for column in table.columns[1:-1]:
        column.justify = "right"
    for column in table.columns:
        column.overflow = "fold"
    return table
