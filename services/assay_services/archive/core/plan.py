"""Plan one database transaction: the rows of a poll's records, and the new offset of each partition."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from assay_services.archive.core.erasure_filter import Forgotten
from assay_services.archive.core.row_types import (
    NEWER,
    Added,
    KeyedRow,
    Reader,
    RecordOrigin,
    Row,
    RowImpossible,
    RowWrite,
    arrived,
)
from assay_services.engine.core.core_api import Record


class Fetched(NamedTuple):
    """Consecutive records of one partition, and the offset at which they were fetched."""

    topic: str
    partition: int
    position: int
    records: Sequence[Record]


class Advance(NamedTuple):
    """The progress of a partition: its offsets before and after, and counts of its records by outcome."""

    topic: str
    partition: int
    before: int
    after: int
    records: int
    unreadable: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class TransactionPlan:
    """One transaction: added rows, keyed rows of which the newest wins (None: deleted), and the offsets."""

    added: Mapping[str, Sequence[Row]]
    keyed: Mapping[str, Mapping[tuple[str, ...], Row | None]]
    advances: Sequence[Advance]


@dataclass(slots=True)
class _PlanState:
    source: int
    forgotten: Forgotten
    added: defaultdict[str, list[Row]]
    keyed: defaultdict[str, dict[tuple[str, ...], Row | None]]


def plan(
    fetched: Sequence[Fetched], *, source: int, readers: Mapping[str, Reader], forgotten: Forgotten
) -> TransactionPlan:
    """Plan the rows of everything fetched. A record that cannot become a row is stored unchanged as unreadable."""
    work = _PlanState(source, forgotten, defaultdict(list), defaultdict(dict))
    advances = [_advance(work, one, readers[one.topic]) for one in sorted(fetched, key=lambda one: one[:2])]
    return TransactionPlan(work.added, work.keyed, advances)


def refuse(fetched: Fetched, *, source: int, reason: str) -> TransactionPlan:
    """Plan to store a record that the database refuses unchanged as unreadable."""
    record = fetched.records[0]
    row = _unreadable(fetched, record, source, reason)
    advance = Advance(fetched.topic, fetched.partition, fetched.position, record.offset + 1, 1, 1, 0)
    return TransactionPlan({"unreadable": [row]}, {}, [advance])


def halves(fetched: Sequence[Fetched]) -> tuple[Sequence[Fetched], Sequence[Fetched]]:
    """Split what was fetched into two parts that can be written one after the other."""
    if len(fetched) > 1:
        middle = len(fetched) // 2
        return fetched[:middle], fetched[middle:]
    one = fetched[0]
    middle = len(one.records) // 2
    first, second = one.records[:middle], one.records[middle:]
    return [one._replace(records=first)], [one._replace(position=first[-1].offset + 1, records=second)]


def _advance(work: _PlanState, fetched: Fetched, reader: Reader) -> Advance:
    place = RecordOrigin(work.source, fetched.partition)
    unreadable = left_out = 0
    for record in fetched.records:
        try:
            puts = reader(record, place)
        except (RowImpossible, ValueError, OverflowError) as error:
            unreadable += 1
            work.added["unreadable"].append(_unreadable(fetched, record, work.source, _why(error)))
            continue
        remembered = [put for put in map(work.forgotten.recall, puts) if put is not None]
        left_out += bool(puts) and not remembered
        for put in remembered:
            _take(work, put)
    after = fetched.records[-1].offset + 1
    return Advance(
        fetched.topic, fetched.partition, fetched.position, after, len(fetched.records), unreadable, left_out
    )


def _take(work: _PlanState, put: RowWrite) -> None:
    if isinstance(put, Added):
        work.added[put.table].append(put.row)
    elif not _is_older(put, work.keyed[put.table].get(put.key)):
        work.keyed[put.table][put.key] = put.row


def _is_older(put: KeyedRow, known: Row | None) -> bool:
    """Return whether a row is older than the known one: some tables receive rows out of order."""
    if put.row is None or known is None or put.table not in NEWER:
        return False
    columns = NEWER[put.table]
    return [put.row[name] for name in columns] < [known[name] for name in columns]


def _unreadable(fetched: Fetched, record: Record, source: int, reason: str) -> Row:
    return {
        "source": source,
        "topic": fetched.topic,
        "kafka_partition": fetched.partition,
        "kafka_offset": record.offset,
        "key": record.key,
        "value": record.value,
        "reason": reason,
        "came_at": arrived(record),
    }


def _why(error: Exception) -> str:
    """Return a reason on one line, without the data itself."""
    said = str(error).splitlines()
    return " ".join(part.strip() for part in said[:3])[:500].replace("\0", " ") or type(error).__name__
