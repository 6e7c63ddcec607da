"""An annotator's last annotations: what signals are shown with, and by which repetitions are known."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from zlib import crc32

_MOST: Final = 32
_MOST_SEEN: Final = 400
_MOST_TEXT: Final = 3_600
"""Characters of all ids and labels together, so that long ones do not make the state large."""


class HistoryEntry(NamedTuple):
    """One annotation as it was judged. `pace`: as in `Look`; `seconds`: the time taken, where known.

    `copied`: whether it is the prelabel, `modelled`: whether it is the model's label; None where there is none.
    """

    at: float
    item: str
    annotation: str
    label: str
    truth: str | None
    is_gold: bool
    agrees: bool
    expected: float
    pool: float
    pace: float | None
    seconds: float | None
    copied: bool | None
    modelled: bool | None

    @property
    def size(self) -> int:
        """How many characters it takes up."""
        return len(self.item) + len(self.annotation) + len(self.label) + len(self.truth or "")


class History:
    """The last annotations in the order in which they came, and marks of ten times as many."""

    __slots__ = ("cases", "newest", "seen", "size")

    def __init__(self, cases: Iterable[HistoryEntry] = (), seen: Iterable[int] = ()) -> None:
        """Start with these cases, and with the marks of those that were here."""
        self.cases = list(cases)
        self.size = sum(case.size for case in self.cases)
        self.newest = {case.item: case for case in self.cases}
        self.seen = dict.fromkeys(seen)

    def has_seen(self, annotation: str) -> bool:
        """Tell whether the annotation was among the last 400, as far as a 32-bit mark can tell."""
        return _mark(annotation) in self.seen

    def place_of(self, annotation: str) -> int | None:
        """Return where the annotation is remembered, or None."""
        for place in range(len(self.cases) - 1, -1, -1):
            if self.cases[place].annotation == annotation:
                return place
        return None

    def newest_of(self, item: str) -> HistoryEntry | None:
        """Return the newest remembered annotation of the item, or None."""
        return self.newest.get(item)

    def add(self, case: HistoryEntry) -> None:
        """Remember one more, and forget the oldest where there are too many; one is always remembered."""
        self.cases.append(case)
        self.newest[case.item] = case
        self.size += case.size
        while len(self.cases) > _MOST or (self.size > _MOST_TEXT and len(self.cases) > 1):
            oldest = self.cases.pop(0)
            self.size -= oldest.size
            if self.newest[oldest.item] is oldest:
                del self.newest[oldest.item]
        self.seen[_mark(case.annotation)] = None
        if len(self.seen) > _MOST_SEEN:
            del self.seen[next(iter(self.seen))]

    def replace(self, place: int, case: HistoryEntry) -> HistoryEntry:
        """Put a newer word in the place of an older; return that."""
        before = self.cases[place]
        self.cases[place] = case
        self.newest = {each.item: each for each in self.cases}
        self.size += case.size - before.size
        return before

    def forget(self, item: str) -> bool:
        """Forget an item's annotations; tell whether there were any."""
        kept = [case for case in self.cases if case.item != item]
        found = len(kept) < len(self.cases)
        self.cases, self.size = kept, sum(case.size for case in kept)
        self.newest = {case.item: case for case in kept}
        return found

    def dump(self) -> list[Any]:
        """Return it as plain JSON data."""
        marks = b"".join(mark.to_bytes(4, "big") for mark in self.seen)
        return [b64encode(marks).decode(), [list(case) for case in self.cases]]

    @classmethod
    def load(cls, stored: list[Any]) -> "History":
        """Take back what `dump` gave."""
        marks = b64decode(stored[0])
        seen = (int.from_bytes(marks[start : start + 4], "big") for start in range(0, len(marks), 4))
        return cls((HistoryEntry(*case) for case in stored[1]), seen)


def _mark(annotation: str) -> int:
    return crc32(annotation.encode())
