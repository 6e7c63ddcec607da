"""How far a project has come in event time, over all the sources that speak of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

MINUTE_MS = 60_000
SETTLE_MINUTES = 1
"""A minute is looked at when so many further ones are over: by then what was on its way has come."""
_UPDATE_MS = 60_000
"""A source that was silent for so long holds nobody up."""
_ACTIVE_MS = 600_000
"""Where events come within so much of their own time, the time goes on without them."""


@dataclass(slots=True)
class Watermark:
    """One project's. It changes.

    `sources` has for each what it has come to (ms of event time) and when it was heard last (ms of Kafka's time).
    `evaluated` is the last minute that rules were evaluated at; None before the first.
    """

    project: str
    sources: dict[str, tuple[int, int]] = field(default_factory=dict)
    evaluated: int | None = None
    is_active: bool = False

    def advance(self, source: str, newest: int, now: int) -> None:
        """Note how far a source has come."""
        self.sources[source] = (max(newest, self.sources.get(source, (0, 0))[0]), now)
        self.is_active = now - newest < _ACTIVE_MS

    def target(self, now: int) -> int | None:
        """Return up to which minute rules can be evaluated; None where nothing was heard yet."""
        if not self.sources:
            return None
        speaking = [newest for newest, heard in self.sources.values() if now - heard < _UPDATE_MS]
        reached = min(speaking) if speaking else max(newest for newest, _ in self.sources.values())
        if not speaking and self.is_active:
            reached = max(reached, now)
        return reached // MINUTE_MS - 1 - SETTLE_MINUTES

    def dump(self) -> bytes:
        """Return it as it is stored."""
        return orjson.dumps([self.project, self.sources, self.evaluated, self.is_active])


def load_clock(raw: bytes) -> Watermark:
    """Read it back."""
    project, sources, evaluated, is_live = orjson.loads(raw)
    return Watermark(project, {name: (one[0], one[1]) for name, one in sources.items()}, evaluated, is_live)


def minutes_due(first: int, last: int, *, data: Iterator[int], horizon: int) -> Iterator[int]:
    """Yield the minutes from `first` to `last` at which anything can change.

    That is `horizon` minutes from the first, and from each minute with data: a year without any takes no time.
    """
    if last - first <= horizon:
        yield from range(first, last + 1)
        return
    reached = first - 1
    for begin in sorted({first, *(minute for minute in data if first <= minute <= last)}):
        for minute in range(max(begin, reached + 1), min(last, begin + horizon) + 1):
            reached = minute
            yield minute
