"""The results of a benchmark as a value, printed with Rich or written as Markdown."""

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from rich.table import Table

_PACKAGES = ("aiokafka", "confluent-kafka", "faust-streaming", "onnxruntime", "pydantic", "quixstreams")
KAFKA = "4.1.0"
MET, MISSED = "met", "missed"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of results, with notes that say how to read it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


def as_table(sheet: Sheet) -> Table:
    """Return the sheet for a terminal."""
    table = Table(title=sheet.title, caption="\n".join(sheet.notes) or None, caption_justify="left")
    for number, column in enumerate(sheet.columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in sheet.rows:
        table.add_row(*row)
    return table


def at_least(measured: float, target: float) -> str:
    """Return whether a value of which more is better met its target: `met` or `missed`."""
    return MET if measured >= target else MISSED


def at_most(measured: float, target: float) -> str:
    """Return whether a value of which less is better met its target: `met` or `missed`."""
    return MET if measured <= target else MISSED


def as_markdown(sheet: Sheet) -> str:
    """Return the sheet as a Markdown section."""
    lines = [f"## {sheet.title}", "", _line(sheet.columns), _line(["---", *["---:"] * (len(sheet.columns) - 1)])]
    lines += [_line(row) for row in sheet.rows]
    lines += ["", *(f"- {note}" for note in sheet.notes)]
    return "\n".join(lines).rstrip() + "\n"


def as_document(sheets: Sequence[Sheet], *, title: str, command: Sequence[str], now: datetime) -> str:
    """Return all sheets as one Markdown document. It begins with its title and the command that made it."""
    head = f"# {title}\n\n`{' '.join(command)}`, {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC\n\n{conditions()}\n"
    return "\n".join([head, *(as_markdown(sheet) for sheet in sheets)])


def conditions() -> str:
    """Return the machine, its load and the versions, in one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} CPUs ({platform.machine()}), load {load:.1f} at the end, "
        f"Python {sys.version.split()[0]}, Kafka {KAFKA}, {packages}"
    )


def _line(cells: Sequence[str]) -> str:
    return (
        "| " + " | ".join(f"**{cell}**" if cell in {MET, MISSED} else cell.replace("|", "\\|") for cell in cells) + " |"
    )
