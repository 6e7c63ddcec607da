"""The counts behind an annotator's report; an updated annotation can be subtracted again."""

from dataclasses import dataclass, field, fields
from math import exp, floor, log2
from typing import Any, Final

from assay_models.conduct.history import HistoryEntry

_DAY: Final = 86_400.0
_HOUR: Final = 3_600.0
_NEW_SESSION: Final = 1_800.0
_MONTH_DAYS: Final = 30.0
_MOST_DAYS: Final = 14
_MOST_CELLS: Final = 64
STEPS: Final = 8
"""Bins of the speed distribution per doubling of the seconds."""
_LEAST_SECONDS: Final = 0.05
_MOST_SECONDS: Final = 86_400.0
ELSE = "…"


@dataclass(slots=True)
class ReportCounts:
    """Counts of one annotator. Pairs of numbers are (compared, equal).

    `confusion`: truth -> label -> count, with exponential decay over a month. `speed`: bin of log2(seconds) -> count.
    `reading`: characters and seconds. `days`: day since 1970 -> compared, agreed, expected agreements at the
    population's rate.
    """

    annotations: int = 0
    gold: list[int] = field(default_factory=lambda: [0, 0])
    consensus: list[int] = field(default_factory=lambda: [0, 0])
    prelabels: list[int] = field(default_factory=lambda: [0, 0])
    modelled: list[int] = field(default_factory=lambda: [0, 0])
    repeats: list[int] = field(default_factory=lambda: [0, 0])
    confusion: dict[str, dict[str, float]] = field(default_factory=dict)
    cells: int = 0
    faded: int = 0
    speed: dict[str, int] = field(default_factory=dict)
    reading: list[float] = field(default_factory=lambda: [0.0, 0.0])
    sessions: int = 0
    session_seconds: float = 0.0
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    days: dict[str, list[float]] = field(default_factory=dict)

    def add(self, case: HistoryEntry, sign: int = 1) -> None:
        """Add an annotation, or subtract it with sign -1."""
        self.annotations += sign
        if case.truth is not None:
            side = self.gold if case.is_gold else self.consensus
            side[0] += sign
            side[1] += sign * case.agrees
            self._confuse(case, sign)
            self._on_day(case, sign)
        for side, same in ((self.prelabels, case.copied), (self.modelled, case.modelled)):
            if same is not None:
                side[0] += sign
                side[1] += sign * same
        if case.seconds is not None:
            step = str(floor(STEPS * log2(min(max(case.seconds, _LEAST_SECONDS), _MOST_SECONDS))))
            self.speed[step] = self.speed.get(step, 0) + sign

    def read(self, characters: int, seconds: float) -> None:
        """Add a text of this many characters, read in this many seconds."""
        self.reading[0] += characters
        self.reading[1] += seconds

    def repeat(self, *, same: bool) -> None:
        """Add an item that the annotator labelled again."""
        self.repeats[0] += 1
        self.repeats[1] += same

    def work(self, at: float, gap: float) -> None:
        """Add working time: an annotation at `at` (s), `gap` seconds after the previous one (negative: before it)."""
        self.hours[int(at % _DAY // _HOUR)] += 1
        if gap > _NEW_SESSION or self.sessions == 0:
            self.sessions += 1
        elif gap > 0:
            self.session_seconds += gap

    def _confuse(self, case: HistoryEntry, sign: int) -> None:
        day = int(case.at // _DAY)
        if day > self.faded:
            decay = exp((self.faded - day) / _MONTH_DAYS) if self.faded else 1.0
            self.faded = day
            self.confusion = {
                truth: {label: round(count * decay, 4) for label, count in row.items()}
                for truth, row in self.confusion.items()
            }
        truth, label = case.truth or ELSE, case.label
        if label not in self.confusion.get(truth, {}):
            if self.cells >= _MOST_CELLS:
                truth = label = ELSE
            if label not in self.confusion.setdefault(truth, {}):
                self.cells += 1
        row = self.confusion[truth]
        row[label] = max(row.get(label, 0.0) + sign, 0.0)

    def _on_day(self, case: HistoryEntry, sign: int) -> None:
        day = self.days.setdefault(str(int(case.at // _DAY)), [0, 0, 0.0])
        day[0] += sign
        day[1] += sign * case.agrees
        day[2] = round(day[2] + sign * case.pool, 4)
        while len(self.days) > _MOST_DAYS:
            del self.days[min(self.days, key=int)]

    def dump(self) -> list[Any]:
        """Return the state as plain JSON data."""
        return [getattr(self, name) for name in _STATE]

    @classmethod
    def load(cls, stored: list[Any]) -> "ReportCounts":
        """Return the counts that `dump` described."""
        return cls(*stored)


_STATE = [one.name for one in fields(ReportCounts)]
