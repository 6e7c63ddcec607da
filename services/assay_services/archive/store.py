"""The archive's database: rows and offsets in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from assay_services.archive.bulk_insert import Bulk, PostgresBulk, SqliteBulk
from assay_services.archive.core.erasure_filter import ErasureFilter, Forgotten
from assay_services.archive.core.plan import Advance, TransactionPlan
from assay_services.archive.core.row_types import utc
from assay_services.stores.archive.engine import is_sqlite
from assay_services.stores.archive.tables import ForgottenRow, OffsetRow
from assay_services.stores.archive.transactions import ARCHIVE_LOCK, translate_db_errors


class Overtaken(Exception):
    """Another process has advanced a partition: nothing was written, and the offsets must be read again."""


class ArchivePartition(NamedTuple):
    """One partition of a topic, without prefix."""

    topic: str
    number: int


class Ready(NamedTuple):
    """A plan, the erasures it was made with, and a function that plans again if there are new ones."""

    plan: TransactionPlan
    forgotten: Forgotten
    again: Callable[[Forgotten], TransactionPlan]


class Written(NamedTuple):
    """The plan that was written, and the erasures known by then."""

    plan: TransactionPlan
    forgotten: Forgotten


class Store:
    """The archive's tables, for writing. Every method is one transaction, and blocks."""

    def __init__(self, engine: Engine) -> None:
        """Write to the database `engine`."""
        self._engine = engine
        self._bulk: Bulk = SqliteBulk() if is_sqlite(engine) else PostgresBulk()
        insert = sqlite.insert if is_sqlite(engine) else postgresql.insert
        self._unless_there = insert(OffsetRow).on_conflict_do_nothing()

    def source(self, cluster: str, prefix: str) -> int:
        """Return the number of a Kafka cluster and prefix in this archive; assign one to a new cluster."""
        about = {"cluster": cluster, "prefix": prefix}
        with self._transaction() as connection:
            connection.execute(
                text("INSERT INTO sources (cluster, prefix) VALUES (:cluster, :prefix) ON CONFLICT DO NOTHING"), about
            )
            found = connection.execute(
                text("SELECT id FROM sources WHERE cluster = :cluster AND prefix = :prefix"), about
            )
            return int(found.scalar_one())

    def positions(self, source: int, partitions: Iterable[ArchivePartition]) -> Mapping[ArchivePartition, int]:
        """Return the next offset to read of each partition; 0 for one that was never read."""
        wanted = list(partitions)
        begin = {"source": source, "position": 0, "records": 0, "unreadable": 0, "forgotten": 0}
        with self._transaction() as connection:
            there = select(OffsetRow.topic, OffsetRow.kafka_partition, OffsetRow.position).where(
                col(OffsetRow.source) == source
            )
            known = {ArchivePartition(topic, number) for topic, number, _ in connection.execute(there)}
            for topic, number in (one for one in wanted if one not in known):
                row = OffsetRow(topic=topic, kafka_partition=number, moved_at=datetime.now(UTC), **begin)
                connection.execute(self._unless_there.values(row.model_dump()))
            found = {ArchivePartition(topic, number): position for topic, number, position in connection.execute(there)}
        return {one: found[one] for one in wanted}

    def write(self, source: int, ready: Ready) -> Written:
        """Write a plan and its offsets, or nothing.

        Raise Overtaken if a partition is not at the plan's start: two archives cannot write a record twice.
        """
        with self._transaction() as connection:
            forgotten = _forgotten(connection)
            plan = ready.plan if forgotten == ready.forgotten else ready.again(forgotten)
            for advance in plan.advances:
                _move(connection, source, advance)
            for table, rows in plan.added.items():
                self._bulk.add(connection, table, rows)
            for table, kept in plan.keyed.items():
                put = [row for row in kept.values() if row is not None]
                gone = [key for key, row in kept.items() if row is None]
                if put:
                    self._bulk.put(connection, table, put)
                if gone:
                    self._bulk.remove(connection, table, gone)
        return Written(plan, forgotten)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with translate_db_errors(), self._engine.begin() as connection:
            if not is_sqlite(self._engine):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({ARCHIVE_LOCK})")
            yield connection


def _move(connection: Connection, source: int, advance: Advance) -> None:
    moved = (
        update(OffsetRow)
        .where(
            col(OffsetRow.source) == source,
            col(OffsetRow.topic) == advance.topic,
            col(OffsetRow.kafka_partition) == advance.partition,
            col(OffsetRow.position) == advance.before,
        )
        .values(
            position=advance.after,
            records=col(OffsetRow.records) + advance.records,
            unreadable=col(OffsetRow.unreadable) + advance.unreadable,
            forgotten=col(OffsetRow.forgotten) + advance.forgotten,
            moved_at=datetime.now(UTC),
        )
    )
    if connection.execute(moved).rowcount != 1:
        raise Overtaken(f"{advance.topic}/{advance.partition} is no longer at {advance.before}")


def _forgotten(connection: Connection) -> Forgotten:
    rows = connection.execute(select(ForgottenRow.mark, ForgottenRow.forgotten_at, ForgottenRow.pseudonym))
    return Forgotten({mark: ErasureFilter(utc(at), pseudonym) for mark, at, pseudonym in rows})
