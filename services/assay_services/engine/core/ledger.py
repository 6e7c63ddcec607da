"""The progress of one partition: its next offset, how many of its records had each outcome, and what is parked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from assay_schemas.annotation import ProjectId

SUPERSEDED = "superseded"
PARKED = "parked"
"""The outcome of a record that was read and waits, because its project is parked."""


class ParkedProject(NamedTuple):
    """A project whose work stopped at an error while all other projects go on.

    `position` is the offset of its first record that is not processed, `since` when it stopped (ms since 1970), and
    `error` what happened.
    """

    position: int
    since: int
    error: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The next offset to read, the number of records by outcome, and the parked projects by name.

    Every transaction writes it.
    """

    position: int
    verdicts: Mapping[str, int] = field(default_factory=dict)
    parked: Mapping[ProjectId, ParkedProject] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return how many records have an outcome."""
        return sum(self.verdicts.values())

    def after(
        self, position: int, verdicts: Mapping[str, int], parked: Mapping[ProjectId, ParkedProject] | None = None
    ) -> "Ledger":
        """Return this ledger plus one batch: `position` is the next offset, `verdicts` the counts of the batch.

        `parked` are the parked projects from now on; None: those of this ledger.
        """
        merged = {name: self.verdicts.get(name, 0) + verdicts.get(name, 0) for name in {*self.verdicts, *verdicts}}
        return Ledger(position, merged, self.parked if parked is None else dict(parked))

    def dump(self) -> bytes:
        """Return the ledger as JSON for the state topic; what is parked is left out if nothing is."""
        value: dict[str, object] = {"position": self.position, "verdicts": self.verdicts}
        if self.parked:
            value["parked"] = {name: list(one) for name, one in self.parked.items()}
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def load_ledger(raw: bytes) -> Ledger:
    """Parse a ledger from the state topic."""
    found = orjson.loads(raw)
    parked = {ProjectId(name): ParkedProject(*one) for name, one in found.get("parked", {}).items()}
    return Ledger(found["position"], found["verdicts"], parked)
