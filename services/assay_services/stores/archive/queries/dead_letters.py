"""Query dead letters: the reason, and the original bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, RowMapping

from assay_services.stores.archive.queries.db import asking, moment, row, rows
from assay_services.stores.archive.queries.overview import NamedShare, shares
from assay_services.stores.archive.queries.pagination import Slice, read_cursor, write_cursor

SHOWN_BYTES = 65_536
_MOST_REASONS = 40
_LETTER = (
    "SELECT d.source, s.cluster, s.prefix, d.kafka_partition, d.kafka_offset, d.key, d.reason, d.field, d.message,"
    " length(d.value) AS size, {value} AS value, d.judged_at FROM dead AS d JOIN sources AS s ON s.id = d.source"
)


class DeadLetterAddress(NamedTuple):
    """A dead letter's address: the archive's number of the Kafka, partition and offset."""

    source: int
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. `value` is the start of its bytes, or all of them; `size` is their number."""

    place: DeadLetterAddress
    cluster: str
    prefix: str
    key: str | None
    reason: str
    field: str
    message: str
    size: int
    value: bytes | None
    judged_at: datetime

    @property
    def address(self) -> tuple[str, str, int, int]:
        """Return its address (cluster, prefix, partition, offset), which is the same in every archive of this Kafka."""
        return self.cluster, self.prefix, self.place.partition, self.place.offset


def read_dead(
    engine: Engine, *, reason: str = "", after: str | None = None, limit: int = 25, most_bytes: int = SHOWN_BYTES
) -> Slice[DeadLetter]:
    """Return dead letters with one reason ('': any), the newest first, each with the start of its bytes."""
    query = _LETTER.format(value="substr(d.value, 1, :most_bytes)") + " WHERE (:reason = '' OR d.reason = :reason)"
    place: dict[str, object] = {}
    if after is not None:
        at, *rest = read_cursor(after, [str, int, int, int])
        place = {"at": moment(at), **dict(zip(("source", "number", "offset"), rest, strict=True))}
        query += (
            " AND (d.judged_at < :at OR d.judged_at = :at"
            " AND (d.source, d.kafka_partition, d.kafka_offset) > (:source, :number, :offset))"
        )
    query += " ORDER BY d.judged_at DESC, d.source, d.kafka_partition, d.kafka_offset LIMIT :most"
    with asking(engine) as connection:
        found = rows(connection, query, reason=reason, most=limit + 1, most_bytes=most_bytes, **place)
    letters = [_letter(one) for one in found[:limit]]
    following = None
    if len(found) > limit:
        last = letters[-1]
        following = write_cursor(last.judged_at.isoformat(), *last.place)
    return Slice(letters, following)


def read_whole(engine: Engine, places: Sequence[DeadLetterAddress]) -> Sequence[DeadLetter]:
    """Return these dead letters with all their bytes, in this order; unknown ones are left out."""
    query = _LETTER.format(value="d.value") + (
        " WHERE d.source = :source AND d.kafka_partition = :number AND d.kafka_offset = :offset"
    )
    with asking(engine) as connection:
        found = [row(connection, query, source=one.source, number=one.partition, offset=one.offset) for one in places]
    return [_letter(one) for one in found if one is not None]


def read_reasons(engine: Engine) -> Sequence[NamedShare]:
    """Return the number of dead letters per reason, the most frequent first."""
    with asking(engine) as connection:
        found = rows(
            connection, "SELECT reason, count(*) AS n FROM dead GROUP BY reason ORDER BY 2 DESC, 1 LIMIT :most",
            most=_MOST_REASONS,
        )  # fmt: skip
    return shares({str(one["reason"]): int(one["n"]) for one in found})


def _letter(one: RowMapping) -> DeadLetter:
    value = one["value"]
    return DeadLetter(
        place=DeadLetterAddress(one["source"], one["kafka_partition"], one["kafka_offset"]),
        cluster=one["cluster"],
        prefix=one["prefix"],
        key=one["key"],
        reason=one["reason"],
        field=one["field"],
        message=one["message"],
        size=int(one["size"] or 0),
        value=None if value is None else bytes(value),
        judged_at=moment(one["judged_at"]),
    )
