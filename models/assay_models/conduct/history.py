"""An annotator's last annotations: the examples shown with signals, and the detection of repeated deliveries."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from zlib import crc32

from assay_schemas.annotation import AnnotationId, ItemId

_MOST: Final = 32
_MOST_SEEN: Final = 400
_MOST_TEXT: Final = 3_600
"""Limit on the characters of all ids and labels together, which bounds the state's size."""


class HistoryEntry(NamedTuple):
    """One judged annotation. `at` in s since 1970; `pace` as in `Features`; `seconds`: time taken, None if unknown.

    `copied`: whether the label equals the pre-label, `modelled`: the model's label; None if the item has none.
    """

    at: float
    item: ItemId
    annotation: AnnotationId
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
        """The number of characters of ids and labels."""
        return len(self.item) + len(self.annotation) + len(self.label) + len(self.truth or "")


class History:
    """The last annotations in order of arrival (at most 32), and 32-bit hashes of the last 400."""

    __slots__ = ("cases", "newest", "seen", "size")

    def __init__(self, cases: Iterable[HistoryEntry] = (), seen: Iterable[int] = ()) -> None:
        """Start with these entries, and with the hashes of the annotations seen before."""
        self.cases = list(cases)
        self.size = sum(case.size for case in self.cases)
        self.newest = {case.item: case for case in self.cases}
        self.seen = dict.fromkeys(seen)

    def has_seen(self, annotation: AnnotationId) -> bool:
        """Return whether the annotation is among the last 400; a hash collision may give a false yes."""
        return _mark(annotation) in self.seen

    def place_of(self, annotation: AnnotationId) -> int | None:
        """Return the index of the annotation's entry, or None if it is not stored."""
        for place in range(len(self.cases) - 1, -1, -1):
            if self.cases[place].annotation == annotation:
                return place
        return None

    def newest_of(self, item: ItemId) -> HistoryEntry | None:
        """Return the newest stored annotation of the item, or None."""
        return self.newest.get(item)

    def add(self, case: HistoryEntry) -> None:
        """Append an entry and drop the oldest ones over the limits; at least one entry stays."""
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
        """Replace the entry at this index and return the old one."""
        before = self.cases[place]
        self.cases[place] = case
        self.newest = {each.item: each for each in self.cases}
        self.size += case.size - before.size
        return before

    def forget(self, item: ItemId) -> bool:
        """Delete an item's entries; return whether any existed."""
        remaining = [case for case in self.cases if case.item != item]
        was_stored = len(remaining) < len(self.cases)
        self.cases, self.size = remaining, sum(case.size for case in remaining)
        self.newest = {case.item: case for case in remaining}
        return was_stored

    def dump(self) -> list[Any]:
        """Return the state as plain JSON data."""
        marks = b"".join(mark.to_bytes(4, "big") for mark in self.seen)
        return [b64encode(marks).decode(), [list(case) for case in self.cases]]

    @classmethod
    def load(cls, stored: list[Any]) -> "History":
        """Return the history that `dump` described."""
        marks = b64decode(stored[0])
        seen = (int.from_bytes(marks[start : start + 4], "big") for start in range(0, len(marks), 4))
        return cls((HistoryEntry(*case) for case in stored[1]), seen)


def _mark(annotation: AnnotationId) -> int:
    return crc32(annotation.encode())
