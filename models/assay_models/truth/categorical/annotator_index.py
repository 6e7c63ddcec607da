"""Consecutive numbers for annotators, with separate numbers for their own labels and for accepted pre-labels."""

from collections.abc import Iterable, Mapping

from assay_models.truth.truth_model import GivenLabel
from assay_schemas.annotation import AnnotatorId

OWN = "own"
COPIED = "copied"
"""The way of an accepted pre-label. It counts as the vote of a separate annotator, with a reliability of its own."""


def way_of(ballot: GivenLabel) -> str:
    """Return how the annotator arrived at this label: `OWN` or `COPIED`."""
    return COPIED if ballot.copied else OWN


class AnnotatorIndex:
    """Maps (annotator, way) to a number from 0, in order of first appearance. Mutable."""

    def __init__(self) -> None:
        """Start empty."""
        self._numbers: dict[AnnotatorId, dict[str, int]] = {}
        self._names: list[tuple[AnnotatorId, str]] = []

    def __len__(self) -> int:
        return len(self._names)

    def number(self, who: AnnotatorId, way: str) -> int:
        """Return the number of an annotator and way; assign the next one at first sight."""
        ways = self._numbers.setdefault(who, {})
        number = ways.get(way)
        if number is None:
            number = ways[way] = len(self._names)
            self._names.append((who, way))
        return number

    def ways(self, who: AnnotatorId) -> Mapping[str, int]:
        """Return the annotator's number by way, for the ways seen so far; empty for an unknown annotator."""
        return self._numbers.get(who, {})

    def names(self) -> Iterable[AnnotatorId]:
        """Return the names of all annotators seen so far."""
        return self._numbers.keys()

    def name(self, number: int) -> tuple[AnnotatorId, str]:
        """Return the annotator and the way that a number stands for."""
        return self._names[number]
