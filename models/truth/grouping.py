"""Marks of several annotators that mean the same thing: grouped by how much they overlap."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import Any, NamedTuple

from pydantic import BaseModel

from schemas.annotation import Label

LEAST_OVERLAP = 0.5
"""The intersection over union (0-1) from which two marks mean the same."""


class Mark(NamedTuple):
    """A span (top 0, bottom 1) or a box, by its borders, and what it is called."""

    left: float
    top: float
    right: float
    bottom: float
    label: str

    def plain(self, kind: str) -> dict[str, Any]:
        """Return the mark as the schema writes spans or boxes."""
        if kind == "spans":
            return {"start": round(self.left), "end": round(self.right), "label": self.label}
        return {
            "x": self.left,
            "y": self.top,
            "width": self.right - self.left,
            "height": self.bottom - self.top,
            "label": self.label,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Marks that mean the same: at most one of each annotator. `place` is the first of them."""

    place: Mark
    members: Mapping[str, Mark]

    def merged(self, weights: Mapping[str, float]) -> Mark:
        """Return one mark for all: called as most of the weight calls it, its borders the weighted medians."""
        if not self.members:
            return self.place
        called: Counter[str] = Counter()
        for who in sorted(self.members):
            called[self.members[who].label] += weights[who]  # type: ignore[assignment]  # it counts floats as well
        voted = [(self.members[who], weights[who]) for who in sorted(self.members)]
        return Mark(
            _median([(mark.left, weight) for mark, weight in voted]),
            _median([(mark.top, weight) for mark, weight in voted]),
            _median([(mark.right, weight) for mark, weight in voted]),
            _median([(mark.bottom, weight) for mark, weight in voted]),
            max(sorted(called), key=lambda label: called[label]),
        )


def marks_of(label: Label | None) -> tuple[Mark, ...]:
    """Return the marks of a label that is a list of spans or boxes, as models or as decoded JSON; else none."""
    return tuple(_mark(part) for part in label) if isinstance(label, list) else ()


def _mark(part: Any) -> Mark:  # noqa: ANN401  # a span or a box
    said = part.model_dump() if isinstance(part, BaseModel) else part
    if "start" in said:
        return Mark(said["start"], 0, said["end"], 1, said["label"])
    return Mark(said["x"], said["y"], said["x"] + said["width"], said["y"] + said["height"], said["label"])


def overlap(one: Mark, other: Mark) -> float:
    """Return the intersection over union (0-1); 0 where both are without extent."""
    shared = max(0.0, min(one.right, other.right) - max(one.left, other.left))
    shared *= max(0.0, min(one.bottom, other.bottom) - max(one.top, other.top))
    whole = _size(one) + _size(other) - shared
    return shared / whole if whole > 0 else 0.0


def same_place(one: Mark, other: Mark) -> bool:
    """Tell whether two marks overlap enough to mean the same."""
    return overlap(one, other) >= LEAST_OVERLAP


def grouped(marks: Mapping[str, Sequence[Mark]], known: Sequence[Mark]) -> tuple[Group, ...]:
    """Return the groups of all annotators' marks, in the order of their places; those that are known come first.

    The pairs that overlap most are joined first, as long as no annotator has two marks in one group.
    """
    own = [(who, mark) for who in sorted(marks) for mark in sorted(set(marks[who]))]
    group_of = {number: number for number in range(len(own))}
    members = {number: {who} for number, (who, _) in enumerate(own)}
    for _, one, other in _closest(own):
        here, there = group_of[one], group_of[other]
        if here != there and not members[here] & members[there]:
            members[here] |= members.pop(there)
            group_of = {number: here if group == there else group for number, group in group_of.items()}
    found: dict[int, dict[str, Mark]] = {}
    for number, group in group_of.items():
        found.setdefault(group, {})[own[number][0]] = own[number][1]
    groups = [Group(min(one.values()), one) for one in found.values()]
    missed = [mark for mark in known if not any(same_place(mark, group.place) for group in groups)]
    return tuple(sorted([*groups, *(Group(mark, {}) for mark in missed)], key=lambda group: (group.place, repr(group))))


def _closest(own: Sequence[tuple[str, Mark]]) -> list[tuple[float, int, int]]:
    pairs = (
        (overlap(own[one][1], own[other][1]), one, other)
        for one, other in combinations(range(len(own)), 2)
        if own[one][0] != own[other][0]
    )
    return sorted((pair for pair in pairs if pair[0] >= LEAST_OVERLAP), key=lambda pair: (-pair[0], pair[1], pair[2]))


def _median(values: Sequence[tuple[float, float]]) -> float:
    ordered = sorted(values)
    reached = accumulate(weight for _, weight in ordered)
    half = sum(weight for _, weight in ordered) / 2
    return next((value for (value, _), passed in zip(ordered, reached, strict=True) if passed >= half), ordered[-1][0])


def _size(mark: Mark) -> float:
    return max(0.0, mark.right - mark.left) * max(0.0, mark.bottom - mark.top)
