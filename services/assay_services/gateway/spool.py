"""Records that Kafka could not take yet: on disk, in their order, bounded."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from assay_services.gateway.core.annotation_bodies import OVERHEAD_BYTES, OutgoingRecord

_SCHEMA = """
create table if not exists spooled (
    number integer primary key autoincrement,
    topic text not null,
    key blob,
    value blob,
    headers text not null
)
"""
_INSERT = "insert into spooled (topic, key, value, headers) values (?, ?, ?, ?)"


class Spool:
    """A queue in one SQLite file: what `append` has returned for survives the process and the power.

    For one thread at a time. `largest` is how many bytes of records it holds at most.
    """

    def __init__(self, path: Path, *, largest: int) -> None:
        """Open the file, or make it; what lies in it from before is still to be drained."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._largest = largest
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        self._file.execute("pragma journal_mode = wal")
        self._file.execute("pragma synchronous = full")
        self._file.execute(_SCHEMA)
        sizes = f"length(coalesce(key, '')) + length(coalesce(value, '')) + length(headers) + {OVERHEAD_BYTES}"
        found = self._file.execute(f"select count(*), coalesce(sum({sizes}), 0) from spooled").fetchone()  # noqa: S608
        self.count, self.bytes = int(found[0]), int(found[1])

    def append(self, groups: Sequence[Sequence[OutgoingRecord]]) -> list[bool]:
        """Keep the records of each group, all of them or none; tell of each group whether there was room."""
        kept: list[bool] = []
        count, size = self.count, self.bytes
        self._file.execute("begin immediate")
        try:
            for rows in groups:
                more = sum(row.size for row in rows)
                kept.append(size + more <= self._largest)
                if kept[-1]:
                    self._file.executemany(_INSERT, rows)
                    count, size = count + len(rows), size + more
            self._file.execute("commit")
        except sqlite3.Error:
            if self._file.in_transaction:
                self._file.execute("rollback")
            raise
        self.count, self.bytes = count, size
        return kept

    def oldest(self, count: int) -> list[tuple[int, OutgoingRecord]]:
        """Return the oldest records with their numbers."""
        found = self._file.execute(
            "select number, topic, key, value, headers from spooled order by number limit ?", (count,)
        )
        return [(int(number), OutgoingRecord(*rest)) for number, *rest in found]

    def drop(self, rows: Sequence[tuple[int, OutgoingRecord]]) -> None:
        """Forget these, which are the oldest: Kafka has them."""
        if rows:
            self._file.execute("delete from spooled where number <= ?", (rows[-1][0],))
            self.count, self.bytes = self.count - len(rows), self.bytes - sum(row.size for _, row in rows)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
