"""The ledger as a table."""

from rich.table import Table

from assay_services.audit.archive import TopicAudit
from assay_services.audit.topics import PartitionAudit
from assay_services.terminal import out

JUDGED = ("validated", "rejected", "dead", "superseded")
ABSORBED = ("absorbed", "superseded", "unreadable", "no-contract")


def print_audit(found: list[PartitionAudit], title: str, names: tuple[str, ...]) -> None:
    """Print the ledger of one service as a table, and whether it balances."""
    table = Table("partition", "in", *names, "waiting", "balance", title=title, box=None)
    for column in table.columns[1:-1]:
        column.justify = "right"
    for one in found:
        counts = [f"{one.verdicts.get(name, 0):,}" for name in names]
        state = "; ".join(one.problems) or ("not countable: retention" if one.lost_to_retention else "✓")
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
    out.print(table)


def print_archive_audit(found: list[TopicAudit]) -> None:
    """Print the ledger of the archive as a table, and whether it balances."""
    names = ("on the topic", "taken in", "rows", "unreadable", "forgotten", "waiting")
    table = Table("topic", *names, "balance", title="what the archive holds", box=None)
    for column in table.columns[1:-1]:
        column.justify = "right"
    for one in found:
        numbers = (one.on_topic, one.records, one.rows, one.unreadable, one.forgotten, one.waiting)
        shown = ("newest only" if number is None else f"{number:,}" for number in numbers)
        table.add_row(one.topic, *shown, "; ".join(one.problems) or "✓")
    out.print(table)
