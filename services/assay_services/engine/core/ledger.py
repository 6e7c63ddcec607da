"""The progress of one partition: its next offset, and how many of its records had each outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The next offset to read, and the number of records by outcome. Every transaction writes it."""

    position: int
    verdicts: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return how many records have an outcome."""
        return sum(self.verdicts.values())

    def after(self, position: int, verdicts: Mapping[str, int]) -> "Ledger":
        """Return this ledger plus one batch: `position` is the next offset, `verdicts` the counts of the batch."""
        merged = {name: self.verdicts.get(name, 0) + verdicts.get(name, 0) for name in {*self.verdicts, *verdicts}}
        return Ledger(position, merged)

    def dump(self) -> bytes:
        """Return the ledger as JSON for the state topic."""
        return orjson.dumps({"position": self.position, "verdicts": self.verdicts}, option=orjson.OPT_SORT_KEYS)


def load_ledger(raw: bytes) -> Ledger:
    """Parse a ledger from the state topic."""
    found = orjson.loads(raw)
    return Ledger(found["position"], found["verdicts"])
