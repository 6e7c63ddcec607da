"""Counts per minute of event time, summed over windows; late data count in their own minute."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class MinuteCounts:
    """Hits and totals by minute since 1970. Mutable."""

    by_minute: dict[int, tuple[float, int]] = field(default_factory=dict)

    def add(self, minute: int, hits: float, total: int) -> None:
        """Add to the hits and the total of a minute."""
        old_hits, old_total = self.by_minute.get(minute, (0.0, 0))
        self.by_minute[minute] = (old_hits + hits, old_total + total)

    def total(self, end: int, length: int) -> tuple[float, int]:
        """Return (hits, total) summed over the `length` minutes up to and including `end`."""
        cells = [cell for minute, cell in self.by_minute.items() if end - length < minute <= end]
        return sum(hits for hits, _ in cells), sum(total for _, total in cells)

    def newest(self, end: int) -> int | None:
        """Return the newest minute up to `end` with a count; None without any."""
        return max((minute for minute, cell in self.by_minute.items() if minute <= end and cell[1] > 0), default=None)

    def forget(self, before: int) -> None:
        """Drop the minutes before this one."""
        for minute in [minute for minute in self.by_minute if minute < before]:
            del self.by_minute[minute]
