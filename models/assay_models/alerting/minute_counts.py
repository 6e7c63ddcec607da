"""Counts by minute of event time, summed over a window: whatever comes late is counted where it belongs."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class MinuteCounts:
    """Hits and totals by minute since 1970. It changes."""

    by_minute: dict[int, tuple[float, int]] = field(default_factory=dict)

    def add(self, minute: int, hits: float, total: int) -> None:
        """Count so many more in a minute."""
        had, of = self.by_minute.get(minute, (0.0, 0))
        self.by_minute[minute] = (had + hits, of + total)

    def total(self, end: int, length: int) -> tuple[float, int]:
        """Return the sums over the `length` minutes up to and including `end`."""
        found = [pane for minute, pane in self.by_minute.items() if end - length < minute <= end]
        return sum(hits for hits, _ in found), sum(total for _, total in found)

    def newest(self, end: int) -> int | None:
        """Return the newest minute up to `end` in which anything was counted."""
        return max((minute for minute, pane in self.by_minute.items() if minute <= end and pane[1] > 0), default=None)

    def forget(self, before: int) -> None:
        """Drop the minutes before this one."""
        for minute in [minute for minute in self.by_minute if minute < before]:
            del self.by_minute[minute]
