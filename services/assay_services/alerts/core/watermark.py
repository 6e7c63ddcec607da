"""A project's watermark: the minimum event time over its active sources."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

from assay_schemas.annotation import ProjectId

MINUTE_MS = 60_000
SETTLE_MINUTES = 1
"""How many minutes the watermark must be past a minute before that minute is evaluated, to wait for late records."""
_UPDATE_MS = 60_000
"""A source without records for this long no longer holds the watermark back."""
_ACTIVE_MS = 600_000
"""If event time is within this distance of Kafka's time, the watermark follows Kafka's time without new records."""


@dataclass(slots=True)
class Watermark:
    """One project's watermark. It changes in place.

    `sources` has for each source its event time (ms since 1970) and when its last record arrived (ms since 1970,
    Kafka's time). `evaluated` is the last minute at which rules were evaluated; None before the first.
    """

    project: ProjectId
    sources: dict[str, tuple[int, int]] = field(default_factory=dict)
    evaluated: int | None = None
    is_active: bool = False

    def advance(self, source: str, newest: int, now: int) -> None:
        """Record a source's newest event time."""
        self.sources[source] = (max(newest, self.sources.get(source, (0, 0))[0]), now)
        self.is_active = now - newest < _ACTIVE_MS

    def target(self, now: int) -> int | None:
        """Return the last minute that rules can be evaluated at; None before the first record."""
        if not self.sources:
            return None
        speaking = [newest for newest, heard in self.sources.values() if now - heard < _UPDATE_MS]
        reached = min(speaking) if speaking else max(newest for newest, _ in self.sources.values())
        if not speaking and self.is_active:
            reached = max(reached, now)
        return reached // MINUTE_MS - 1 - SETTLE_MINUTES

    def dump(self) -> bytes:
        """Return the watermark in stored form."""
        return orjson.dumps([self.project, self.sources, self.evaluated, self.is_active])


def load_clock(raw: bytes) -> Watermark:
    """Parse a watermark from its stored form."""
    project, sources, evaluated, is_live = orjson.loads(raw)
    return Watermark(project, {name: (one[0], one[1]) for name, one in sources.items()}, evaluated, is_live)


def minutes_due(first: int, last: int, *, data: Iterator[int], horizon: int) -> Iterator[int]:
    """Yield the minutes from `first` to `last` at which a rule's value can change.

    These are `horizon` minutes from `first` and from each minute with data: a year without data costs nothing.
    """
    if last - first <= horizon:
        yield from range(first, last + 1)
        return
    reached = first - 1
    for begin in sorted({first, *(minute for minute in data if first <= minute <= last)}):
        for minute in range(max(begin, reached + 1), min(last, begin + horizon) + 1):
            reached = minute
            yield minute
