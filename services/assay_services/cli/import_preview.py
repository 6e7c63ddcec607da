"""`assay import --dry-run`: show how files will be read and what would become of their records; nothing is sent."""

import re
import textwrap
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
from rich.table import Table

from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.json_data import Json
from assay_services.cli.file_arguments import DeadRecords, notes_of
from assay_services.ingest.file_readers import recognise
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.recognised_file import FileColumn, RecognisedFile
from assay_services.replay.verdict_preview import PreviewedRecord, preview
from assay_services.terminal import escape, out
from assay_services.validator.core.step import ValidatorProject

_ROWS_SHOWN = 5
_REASONS_SHOWN = 3
_LONGEST_CELL = 28
_FRACTION = re.compile(r"\.\d+")


def preview_files(
    paths: Sequence[Path],
    contract: LabelContract | None,
    options: ReadOptions,
    projects: Mapping[ProjectId, ValidatorProject],
    dead: DeadRecords,
) -> None:
    """Print what each file is, its columns, its first rows, and what would be rejected and why."""
    for path in paths:
        found = recognise(path, contract, options)
        _print_wrapped(f"{path}: {found.summary}")
        if found.columns:
            out.print(_columns_table(found.columns))
        outcome = _Outcome(found, dead)
        for one in preview(found.records(), projects, now=time.time_ns() // 1_000_000):
            outcome.add(one)
        outcome.show()
    out.print("nothing was sent (--dry-run)", highlight=False)


class _Outcome:
    """What would become of one file's records: the first of them, the counts, and the first reasons."""

    def __init__(self, found: RecognisedFile, dead: DeadRecords) -> None:
        self._found, self._dead = found, dead
        self._first: list[PreviewedRecord] = []
        self._verdicts: Counter[str] = Counter()
        self._reasons: dict[str, list[str]] = {}

    def add(self, one: PreviewedRecord) -> None:
        self._verdicts[one.verdict] += 1
        if len(self._first) < _ROWS_SHOWN and one.record.problem is None:
            self._first.append(one)
        if one.reason is None:
            return
        said = one.record.problem or f"{self._found.path}:{one.record.line}: {one.reason}"
        if one.verdict == "dead":
            self._dead.add(said)
        shown = self._reasons.setdefault(one.verdict, [])
        if len(shown) < _REASONS_SHOWN:
            shown.append(said)

    def show(self) -> None:
        if self._first:
            out.print(_rows_table(self._first))
        counts = ", ".join(f"{count:,} {verdict}" for verdict, count in self._verdicts.items()) or "no records"
        out.print(f"would be: {counts}", highlight=False)
        for verdict, shown in self._reasons.items():
            for reason in shown:
                _print_wrapped(f"  {verdict}: {reason}")
            more = self._verdicts[verdict] - len(shown)
            if more:
                out.print(f"  {verdict}: and {more:,} more", highlight=False)
        for note in notes_of(self._found):
            _print_wrapped(f"  note: {note}")


def _print_wrapped(text: str) -> None:
    """Print a text within the terminal's width; paths and words stay whole."""
    lines = textwrap.fill(text, out.width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    out.print(lines, markup=False, highlight=False, soft_wrap=True)


def _columns_table(columns: Sequence[FileColumn]) -> Table:
    table = Table("column", "type", "example", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for one in columns:
        table.add_row(_short(one.name), escape(one.type), _short(one.example))
    return table


def _rows_table(rows: Sequence[PreviewedRecord]) -> Table:
    table = Table("line", "item", "annotator", "label", "time", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for one in rows:
        table.add_row(str(one.record.line), *_cells(one.record.value))
    return table


def _cells(value: bytes) -> Sequence[str]:
    try:
        found = orjson.loads(value)
        return (
            _short(found["item"]["id"]),
            _short(found["annotator"]["id"]),
            _short(found.get("label")),
            escape(_FRACTION.sub("", str(found["occurred_at"]))),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return (_short(value.decode(errors="replace")), "", "", "")


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else "-" if value is None else orjson.dumps(value).decode()
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return escape(plain if len(plain) <= _LONGEST_CELL else plain[: _LONGEST_CELL - 1] + "…")
