"""The parts of an annotation that no decoder reads, left out of a label that is complete without them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class UnreadPart:
    """A part that was left out of an annotation whose label is complete without it.

    `what` is its tag or shape (`keypointlabels`); `said` names it in a sentence; `count`: how many there are. `quiet`:
    it is no problem (a remark, or an outline of which the box is kept). `where` names the annotation in words, and
    `annotation` is its id on the platform.
    """

    what: str
    said: str = ""
    count: int = 1
    quiet: bool = False
    where: str = ""
    annotation: str | None = None

    def __str__(self) -> str:
        """Return a sentence for a person."""
        times = "" if self.count == 1 else f" ({self.count} times)"
        return f"{self.where}: {self.said or self.what} is not read{times}"


def counted(parts: Iterable[UnreadPart]) -> tuple[UnreadPart, ...]:
    """Return each part once, with how many there were, in order of `what` and `said`."""
    counts: Counter[UnreadPart] = Counter()
    for one in parts:
        counts[replace(one, count=1)] += one.count
    return tuple(replace(one, count=counts[one]) for one in sorted(counts, key=lambda one: (one.what, one.said)))


def outline(shape: str) -> UnreadPart:
    """Return the outline of a shape of which only the upright box around it is kept."""
    return UnreadPart(shape, f"the outline of a {shape} (the box around it is kept)", quiet=True)
