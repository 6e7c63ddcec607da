"""The archive's ledger: compare the records on the topics with the rows in the tables."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from assay_schemas.topics import AGREEMENT, ALERTS, CORRECTED, DEAD, REJECTED, SIGNALS, SINGLE, VALIDATED
from assay_services.archive.core.registry import ARCHIVED
from assay_services.archive.store import ArchivePartition
from assay_services.engine.kafka import cluster_id, partition_reader
from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.archive.transactions import translate_db_errors

_ROWS: Mapping[str, tuple[str, str]] = {
    VALIDATED.name: ("annotations", "verdict = 'validated'"),
    REJECTED.name: ("annotations", "verdict = 'rejected'"),
    DEAD.name: ("dead", "1 = 1"),
    CORRECTED.name: ("corrections", "1 = 1"),
    AGREEMENT.name: ("readings", "1 = 1"),
    SIGNALS.name: ("signals", "1 = 1"),
    ALERTS.name: ("alerts", "1 = 1"),
}
"""The table of each topic whose records have a row each; of other topics only the newest per key is stored."""

_SHOWN = 5


class _ArchivedPartition(NamedTuple):
    """The archive's counts for one partition."""

    position: int
    records: int
    unreadable: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class TopicAudit:
    """The audit of one topic over its partitions. `rows` is None if its records do not have a row each."""

    topic: str
    on_topic: int
    waiting: int
    records: int
    unreadable: int
    forgotten: int
    rows: int | None
    missing: Sequence[str]

    @property
    def problems(self) -> list[str]:
        """Return what does not balance, in words; empty if everything does."""
        found: list[str] = []
        if self.rows is not None and self.rows + self.unreadable + self.forgotten != self.records:
            found.append(f"{self.records} records were taken in, {self.rows} rows are there")
        if len(self.missing) > self.forgotten:
            shown = ", ".join(self.missing[:_SHOWN]) + (", …" if len(self.missing) > _SHOWN else "")
            found.append(f"{len(self.missing)} records have no row: {shown}")
        return found


async def audit_archive(settings: RuntimeSettings, engine: Engine) -> list[TopicAudit]:
    """Audit every archived topic against the tables."""
    source = _source(engine, await cluster_id(settings), settings.prefix)
    known = {} if source is None else _offsets(engine, source)
    return [await _audit_topic(settings, engine, source or 0, topic, known) for topic in ARCHIVED]


async def _audit_topic(
    settings: RuntimeSettings,
    engine: Engine,
    source: int,
    topic: str,
    known: Mapping[ArchivePartition, _ArchivedPartition],
) -> TopicAudit:
    on_topic, waiting, partitions = 0, 0, 1 if topic in SINGLE else settings.partitions
    missing: list[str] = []
    every = [known.get(ArchivePartition(topic, number), _ArchivedPartition(0, 0, 0, 0)) for number in range(partitions)]
    for number, one in enumerate(every):
        offsets = await _read(settings, topic, number)
        on_topic += len(offsets)
        waiting += sum(1 for offset in offsets if offset >= one.position)
        if topic in _ROWS:
            there = _end_offsets(engine, source, ArchivePartition(topic, number))
            missing += [f"{number}/{offset}" for offset in offsets if offset < one.position and offset not in there]
    return TopicAudit(
        topic=topic,
        on_topic=on_topic,
        waiting=waiting,
        records=sum(one.records for one in every),
        unreadable=sum(one.unreadable for one in every),
        forgotten=sum(one.forgotten for one in every),
        rows=_rows(engine, source, topic, every),
        missing=missing,
    )


async def _read(settings: RuntimeSettings, topic: str, number: int) -> list[int]:
    async with partition_reader(settings, topic, number) as reader:
        return [record.offset async for batch in reader.batches() for record in batch]


def _source(engine: Engine, cluster: str, prefix: str) -> int | None:
    query = text("SELECT id FROM sources WHERE cluster = :cluster AND prefix = :prefix")
    with _connected(engine) as connection:
        found = connection.execute(query, {"cluster": cluster, "prefix": prefix}).scalar()
        return None if found is None else int(found)


def _offsets(engine: Engine, source: int) -> dict[ArchivePartition, _ArchivedPartition]:
    query = text(
        "SELECT topic, kafka_partition, position, records, unreadable, forgotten FROM offsets WHERE source = :source"
    )
    with _connected(engine) as connection:
        rows = connection.execute(query, {"source": source})
        return {ArchivePartition(topic, number): _ArchivedPartition(*rest) for topic, number, *rest in rows}


def _end_offsets(engine: Engine, source: int, partition: ArchivePartition) -> set[int]:
    """Return the offsets of a partition that have a row, in their table or among the unreadable ones."""
    table, which = _ROWS[partition.topic]
    queries = (
        f"SELECT kafka_offset FROM {table} WHERE source = :source AND kafka_partition = :number AND {which}",  # noqa: S608  # ours
        "SELECT kafka_offset FROM unreadable WHERE source = :source AND kafka_partition = :number AND topic = :topic",
    )
    with _connected(engine) as connection:
        values = {"source": source, **partition._asdict()}
        return {int(offset) for query in queries for (offset,) in connection.execute(text(query), values)}


def _rows(engine: Engine, source: int, topic: str, every: Sequence[_ArchivedPartition]) -> int | None:
    """Count the rows up to the offsets that were read before: the archive may advance meanwhile."""
    if topic not in _ROWS:
        return None
    table, which = _ROWS[topic]
    query = text(
        f"SELECT count(*) FROM {table} WHERE source = :source AND kafka_partition = :number "  # noqa: S608  # our own names
        f"AND kafka_offset < :position AND {which}"
    )
    with _connected(engine) as connection:
        return sum(
            int(connection.execute(query, {"source": source, "number": number, "position": one.position}).scalar_one())
            for number, one in enumerate(every)
        )


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    with translate_db_errors(), engine.connect() as connection:
        yield connection
