"""Annotators by number, and apart by the way in which they came to a label."""

from collections.abc import Iterable, Mapping

from assay_models.truth.truth_model import GivenLabel

OWN = "own"
COPIED = "copied"
"""A pre-label taken over is as a vote of somebody else: how reliable it is, is learned for itself."""


def way_of(ballot: GivenLabel) -> str:
    """Return how the annotator came to this label."""
    return COPIED if ballot.copied else OWN


class AnnotatorIndex:
    """Numbers from 0, in the order in which the annotators were first met. It changes in place."""

    def __init__(self) -> None:
        """Know nobody."""
        self._numbers: dict[str, dict[str, int]] = {}
        self._names: list[tuple[str, str]] = []

    def __len__(self) -> int:
        return len(self._names)

    def number(self, who: str, way: str) -> int:
        """Return the annotator's number, a new one for somebody new."""
        ways = self._numbers.setdefault(who, {})
        number = ways.get(way)
        if number is None:
            number = ways[way] = len(self._names)
            self._names.append((who, way))
        return number

    def ways(self, who: str) -> Mapping[str, int]:
        """Return the annotator's number by way, for the ways that were met; empty for somebody unknown."""
        return self._numbers.get(who, {})

    def names(self) -> Iterable[str]:
        """Return everybody that was met."""
        return self._numbers.keys()

    def name(self, number: int) -> tuple[str, str]:
        """Return whose number it is, and in which way."""
        return self._names[number]
