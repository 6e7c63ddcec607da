"""How far one partition has come, and what its records came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The next offset to read, and how many records had which outcome. Written with every transaction."""

    position: int
    verdicts: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return how many records have been judged."""
        return sum(self.verdicts.values())

    def after(self, position: int, verdicts: Mapping[str, int]) -> "Ledger":
        """Return the ledger with one more batch in it."""
        merged = {name: self.verdicts.get(name, 0) + verdicts.get(name, 0) for name in {*self.verdicts, *verdicts}}
        return Ledger(position, merged)

    def dump(self) -> bytes:
        """Return the record that lies on the state topic."""
        return orjson.dumps({"position": self.position, "verdicts": self.verdicts}, option=orjson.OPT_SORT_KEYS)


def load_ledger(raw: bytes) -> Ledger:
    """Read a ledger back from the state topic."""
    found = orjson.loads(raw)
    return Ledger(found["position"], found["verdicts"])
