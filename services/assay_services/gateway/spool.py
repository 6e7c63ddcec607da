"""A bounded queue on disk for records that Kafka could not accept yet."""

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
    """A queue in one SQLite file: records survive a crash or power cut once `append` has returned.

    Not thread-safe: use it from one thread at a time. `largest` is its capacity in bytes.
    """

    def __init__(self, path: Path, *, largest: int) -> None:
        """Open the file or create it; records of an earlier run are still to be drained."""
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
        """Store each group of records completely or not at all; return for each group whether it was stored."""
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
        """Return the oldest records with their row numbers."""
        found = self._file.execute(
            "select number, topic, key, value, headers from spooled order by number limit ?", (count,)
        )
        return [(int(number), OutgoingRecord(*rest)) for number, *rest in found]

    def drop(self, rows: Sequence[tuple[int, OutgoingRecord]]) -> None:
        """Delete these rows, which are the oldest, after Kafka has acknowledged them."""
        if rows:
            self._file.execute("delete from spooled where number <= ?", (rows[-1][0],))
            self.count, self.bytes = self.count - len(rows), self.bytes - sum(row.size for _, row in rows)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
