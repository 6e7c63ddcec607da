"""Clusters of overlapping marks: marks of several annotators that denote the same object."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from pydantic import BaseModel

from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray
from assay_schemas.annotation import AnnotatorId, Label

LEAST_OVERLAP = 0.5
"""Two marks denote the same object from this intersection over union (0-1)."""

_DECIMALS = 9
_EVEN = 1e-9


class Mark(NamedTuple):
    """A labelled span or box by its borders. A span has top 0 and bottom 1."""

    left: float
    top: float
    right: float
    bottom: float
    label: str

    def plain(self, kind: str) -> dict[str, Any]:
        """Return the mark as JSON data in the schema's form; `kind` is "spans" or "boxes"."""
        if kind == "spans":
            return {"start": int(self.left), "end": int(self.right), "label": self.label}
        width, height = round(self.right - self.left, _DECIMALS), round(self.bottom - self.top, _DECIMALS)
        return {"x": self.left, "y": self.top, "width": width, "height": height, "label": self.label}


class Group(NamedTuple):
    """Marks of the same object: at most one per annotator, and the gold mark if the item has one here."""

    members: Mapping[AnnotatorId, Mark]
    known: Mark | None

    def merged(self, weights: Mapping[AnnotatorId, float], label: str) -> Mark:
        """Return one mark for the group: the gold mark, or one with this label and the weighted median borders."""
        if self.known is not None:
            return self.known
        voted = [weights[who] for who in self.members]
        sides = zip(*self.members.values(), strict=True)
        left, top, right, bottom = (_median(side, voted) for side in islice(sides, 4))
        return Mark(left, top, right, bottom, label)


_Owned: TypeAlias = tuple[Mark, tuple[bool, AnnotatorId]]
"""A mark, whether it is gold, and its annotator."""

_KNOWN = (True, AnnotatorId(""))


def marks_of(label: Label | None) -> tuple[Mark, ...]:
    """Return the marks of a label, given as spans or boxes in models or decoded JSON; empty for any other label."""
    parts = label if isinstance(label, list) else ()
    return tuple(_mark(part) for part in parts if isinstance(part, BaseModel | dict))


def grouped(marks: Mapping[AnnotatorId, Sequence[Mark]], known: Sequence[Mark]) -> tuple[Group, ...]:
    """Return the clusters of all annotators' marks and the gold marks, ordered by their first mark.

    Agglomerative: joins the two marks that overlap most, down to `LEAST_OVERLAP`, unless a group would get two marks
    of one annotator. At equal overlap, marks with the same label are joined first.
    """
    own = sorted(
        [(mark, (False, who)) for who in marks for mark in set(marks[who])] + [(m, _KNOWN) for m in set(known)]
    )
    group = list(range(len(own)))
    groups = [[number] for number in group]
    owners = [{owner} for _, owner in own]
    for first, second in _closest(own):
        small, large = sorted((group[first], group[second]), key=lambda number: len(groups[number]))
        if small != large and owners[small].isdisjoint(owners[large]):
            owners[large] |= owners[small]
            groups[large] += groups[small]
            for number in groups[small]:
                group[number] = large
            groups[small] = []
    return tuple(_group([own[number] for number in numbers]) for numbers in sorted(map(sorted, filter(None, groups))))


def best_overlap(mark: Mark, among: Sequence[Mark]) -> int | None:
    """Return the index of the mark with the largest overlap, or None if that is below `LEAST_OVERLAP`."""
    if not among:
        return None
    shares = _overlaps(np.array([each[:4] for each in (mark, *among)], np.float64))[0, 1:]
    best = int(shares.argmax())
    return best if shares[best] >= LEAST_OVERLAP else None


def _group(owned: Sequence[_Owned]) -> Group:
    members = {who: mark for mark, (known, who) in owned if not known}
    return Group(members, next((mark for mark, (known, _) in owned if known), None))


def _closest(own: Sequence[_Owned]) -> Iterable[tuple[int, int]]:
    """Return the pairs of sufficiently overlapping marks of two annotators, by descending overlap."""
    if len(own) < 2:  # noqa: PLR2004  # no pair
        return ()
    shares = _overlaps(np.array([mark[:4] for mark, _ in own], np.float64))
    owner, label = _codes([owner for _, owner in own]), _codes([mark.label for mark, _ in own])
    near = (shares >= LEAST_OVERLAP) & (owner[:, None] != owner)
    first, second = np.nonzero(np.triu(near, 1))
    order = np.lexsort((second, first, label[first] != label[second], -shares[first, second]))
    return zip(first[order].tolist(), second[order].tolist(), strict=True)


def _overlaps(borders: FloatArray) -> FloatArray:
    """Return the intersection over union of all pairs, (marks, marks); borders: left, top, right, bottom."""
    low, high = borders[:, :2], borders[:, 2:]
    sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    both = np.maximum(sides[..., 0], 0) * np.maximum(sides[..., 1], 0)
    sizes = np.maximum(high - low, 0).prod(axis=1)
    either = sizes[:, None] + sizes - both
    return np.asarray(both / np.where(either > 0, either, 1))


def _codes(names: Sequence[Hashable]) -> IntegerArray:
    codes: dict[Hashable, int] = {}
    return np.array([codes.setdefault(name, len(codes)) for name in names], np.int64)


def _mark(part: Any) -> Mark:  # noqa: ANN401  # a span or a box
    fields = part.model_dump() if isinstance(part, BaseModel) else part
    if "start" in fields:
        return Mark(fields["start"], 0, fields["end"], 1, fields["label"])
    return Mark(
        fields["x"], fields["y"], fields["x"] + fields["width"], fields["y"] + fields["height"], fields["label"]
    )


def _median(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the weighted median; the midpoint of two values if each half has the same weight."""
    if min(values) == max(values):
        return values[0]
    ordered = sorted(zip(values, weights, strict=True))
    half = sum(weights) / 2
    reached = accumulate(weight for _, weight in ordered)
    place, passed = next((place, weight) for place, weight in enumerate(reached) if weight > half - _EVEN)
    after = ordered[min(place + 1, len(ordered) - 1)]
    return (ordered[place][0] + after[0]) / 2 if passed < half + _EVEN else ordered[place][0]
