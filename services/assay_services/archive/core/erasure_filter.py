"""Who and what was forgotten: records still on their way say nothing more of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

import orjson

from assay_services.archive.core.row_types import KeyedRow, Row, RowWrite

ITEM, ANNOTATOR = "item", "annotator"
ANY_PROJECT = ""


class ErasureFilter(NamedTuple):
    """What was made until then is forgotten. `pseudonym` is what an annotator is called instead, if anything."""

    forgotten_at: str
    pseudonym: str | None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """All that was forgotten, by mark."""

    marks: Mapping[str, ErasureFilter] = field(default_factory=dict)

    def recall(self, put: RowWrite) -> RowWrite | None:
        """Return what is left of a row: all, all under another name, or None."""
        row = put.row
        if not self.marks or row is None or "project" not in row:
            return put
        project, made_at = row["project"], _made_at(row)
        if "item" in row and self._find(ITEM, project, row["item"], made_at) is not None:
            return None
        pair = _pair_in(put.table, row)
        if pair and self._is_of_a_forgotten_pair(project, pair, made_at):
            return None
        if row.get("peer") and self._find(ANNOTATOR, project, row["peer"], made_at) is not None:
            return None
        found = self._find(ANNOTATOR, project, row["annotator"], made_at) if "annotator" in row else None
        if found is not None:
            is_alert = put.table == "alerts"  # it says the name in its labels and its summary, too
            return None if found.pseudonym is None or is_alert else _renamed(put, row, found.pseudonym)
        return put

    def _is_of_a_forgotten_pair(self, project: str, pair: str, made_at: str) -> bool:
        """Tell whether of two annotators, `a|b`, one is forgotten; both may have bars."""
        parts = pair.split("|")
        halves = (half for n in range(1, len(parts)) for half in ("|".join(parts[:n]), "|".join(parts[n:])))
        return any(self._find(ANNOTATOR, project, name, made_at) is not None for name in halves)

    def _find(self, kind: str, project: str, name: str, made_at: str) -> ErasureFilter | None:
        for where in (project, ANY_PROJECT):
            found = self.marks.get(mark_of(kind, where, name))
            if found is not None and made_at <= found.forgotten_at:
                return found
        return None


def _pair_in(table: str, row: Row) -> str:
    """Return of which two annotators a reading is, '' where it is of none."""
    if table == "readings":
        return str(orjson.loads(row["scope"]).get("annotators", ""))
    return str(row["subject"]) if table == "readings_now" and row["kind"] == "pair" else ""


def mark_of(kind: str, project: str, name: str) -> str:
    """Return what stands in the database for a forgotten item or annotator: a hash, not the name."""
    return blake2b(f"{kind}\0{project}\0{name}".encode(), digest_size=16, person=b"assay.forgotten").hexdigest()


def _made_at(row: Row) -> str:
    """Return when what a row says was made; every row about a project has such a time."""
    moment: str = next(row[name] for name in ("occurred_at", "as_of", "seen_at", "came_at") if name in row)
    return moment


def _renamed(put: RowWrite, row: Row, pseudonym: str) -> RowWrite:
    renamed = row | {"annotator": pseudonym}
    if isinstance(put, KeyedRow):
        return put._replace(row=renamed, key=(*put.key[:-1], pseudonym))  # the annotator is the last of the key
    return put._replace(row=renamed)
