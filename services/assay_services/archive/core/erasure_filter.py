"""Filter rows about erased items and annotators out of records that were still in flight."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import unquote

import orjson

from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_services.archive.core.row_types import KeyedRow, Row, RowWrite

ITEM, ANNOTATOR = "item", "annotator"
ANY_PROJECT = ProjectId("")


class ErasureFilter(NamedTuple):
    """One erasure, of rows made until `forgotten_at`. `pseudonym` replaces an annotator's name; None: no rows stay."""

    forgotten_at: str
    pseudonym: AnnotatorId | None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """All erasures, by mark."""

    marks: Mapping[str, ErasureFilter] = field(default_factory=dict)

    def recall(self, put: RowWrite) -> RowWrite | None:
        """Return what remains of a row: all of it, all under a pseudonym, or None."""
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
            is_alert = put.table == "alerts"  # its labels and summary also contain the name
            return None if found.pseudonym is None or is_alert else _renamed(put, row, found.pseudonym)
        return put

    def _is_of_a_forgotten_pair(self, project: ProjectId, pair: str, made_at: str) -> bool:
        """Return whether one of two annotators, `a|b`, is erased; older readings have names with bars as they are."""
        parts = pair.split("|")
        halves = (half for n in range(1, len(parts)) for half in ("|".join(parts[:n]), "|".join(parts[n:])))
        names = (name for half in halves for name in (half, unquote(half)))
        return any(self._find(ANNOTATOR, project, name, made_at) is not None for name in names)

    def _find(self, kind: str, project: ProjectId, name: str, made_at: str) -> ErasureFilter | None:
        for where in (project, ANY_PROJECT):
            found = self.marks.get(mark_of(kind, where, name))
            if found is not None and made_at <= found.forgotten_at:
                return found
        return None


def _pair_in(table: str, row: Row) -> str:
    """Return the pair of annotators that a reading is about, or ''."""
    if table == "readings":
        return str(orjson.loads(row["scope"]).get("annotators", ""))
    return str(row["subject"]) if table == "readings_now" and row["kind"] == "pair" else ""


def mark_of(kind: str, project: ProjectId, name: str) -> str:
    """Return the database's mark of an erased item or annotator: a hash and not the name."""
    return blake2b(f"{kind}\0{project}\0{name}".encode(), digest_size=16, person=b"assay.forgotten").hexdigest()


def _made_at(row: Row) -> str:
    """Return the time of a row's content; every row about a project has one."""
    moment: str = next(row[name] for name in ("occurred_at", "as_of", "seen_at", "came_at") if name in row)
    return moment


def _renamed(put: RowWrite, row: Row, pseudonym: AnnotatorId) -> RowWrite:
    renamed = row | {"annotator": pseudonym}
    if isinstance(put, KeyedRow):
        return put._replace(row=renamed, key=(*put.key[:-1], pseudonym))  # the annotator is the key's last part
    return put._replace(row=renamed)
