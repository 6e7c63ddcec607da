"""Marks of several annotators that mean the same thing: grouped by how much they overlap."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from pydantic import BaseModel

from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray
from assay_schemas.annotation import Label

LEAST_OVERLAP = 0.5
"""The intersection over union (0-1) from which two marks mean the same."""

_DECIMALS = 9
_EVEN = 1e-9


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
            return {"start": int(self.left), "end": int(self.right), "label": self.label}
        width, height = round(self.right - self.left, _DECIMALS), round(self.bottom - self.top, _DECIMALS)
        return {"x": self.left, "y": self.top, "width": width, "height": height, "label": self.label}


class Group(NamedTuple):
    """Marks that mean the same: at most one of each annotator, and the one that is known to be right, if any."""

    members: Mapping[str, Mark]
    known: Mark | None

    def merged(self, weights: Mapping[str, float], label: str) -> Mark:
        """Return one mark for all, of this name: the known one, or with the weighted medians of their borders."""
        if self.known is not None:
            return self.known
        voted = [weights[who] for who in self.members]
        sides = zip(*self.members.values(), strict=True)
        left, top, right, bottom = (_median(side, voted) for side in islice(sides, 4))
        return Mark(left, top, right, bottom, label)


_Owned: TypeAlias = tuple[Mark, tuple[bool, str]]
"""A mark, whether it is known to be right, and whose it is."""

_KNOWN = (True, "")


def marks_of(label: Label | None) -> tuple[Mark, ...]:
    """Return the marks of a label that is a list of spans or boxes, as models or as decoded JSON; else none."""
    parts = label if isinstance(label, list) else ()
    return tuple(_mark(part) for part in parts if isinstance(part, BaseModel | dict))


def grouped(marks: Mapping[str, Sequence[Mark]], known: Sequence[Mark]) -> tuple[Group, ...]:
    """Return the groups of all annotators' marks and those that are known to be right, by where they begin.

    The two marks that overlap most are joined first, and so on down to `LEAST_OVERLAP`, as long as nobody has two marks
    in one group. Of those that overlap alike, marks of the same name come first.
    """
    own = sorted(
        [(mark, (False, who)) for who in marks for mark in set(marks[who])] + [(m, _KNOWN) for m in set(known)]
    )
    group = list(range(len(own)))
    held = [[number] for number in group]
    owners = [{owner} for _, owner in own]
    for one, other in _closest(own):
        fewer, more = sorted((group[one], group[other]), key=lambda number: len(held[number]))
        if fewer != more and owners[fewer].isdisjoint(owners[more]):
            owners[more] |= owners[fewer]
            held[more] += held[fewer]
            for number in held[fewer]:
                group[number] = more
            held[fewer] = []
    return tuple(_group([own[number] for number in numbers]) for numbers in sorted(map(sorted, filter(None, held))))


def best_overlap(mark: Mark, among: Sequence[Mark]) -> int | None:
    """Return the place of the mark that this one overlaps most, or None if it is less than `LEAST_OVERLAP`."""
    if not among:
        return None
    shares = _overlaps(np.array([each[:4] for each in (mark, *among)], np.float64))[0, 1:]
    best = int(shares.argmax())
    return best if shares[best] >= LEAST_OVERLAP else None


def _group(owned: Sequence[_Owned]) -> Group:
    members = {who: mark for mark, (known, who) in owned if not known}
    return Group(members, next((mark for mark, (known, _) in owned if known), None))


def _closest(own: Sequence[_Owned]) -> Iterable[tuple[int, int]]:
    """Return the pairs of marks of two annotators that overlap enough, those that overlap most first."""
    if len(own) < 2:  # noqa: PLR2004  # no pair
        return ()
    shares = _overlaps(np.array([mark[:4] for mark, _ in own], np.float64))
    owner, label = _codes([owner for _, owner in own]), _codes([mark.label for mark, _ in own])
    near = (shares >= LEAST_OVERLAP) & (owner[:, None] != owner)
    one, other = np.nonzero(np.triu(near, 1))
    order = np.lexsort((other, one, label[one] != label[other], -shares[one, other]))
    return zip(one[order].tolist(), other[order].tolist(), strict=True)


def _overlaps(borders: FloatArray) -> FloatArray:
    """Return the intersection over union of each two marks, (marks, marks); borders: left, top, right, bottom."""
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
    said = part.model_dump() if isinstance(part, BaseModel) else part
    if "start" in said:
        return Mark(said["start"], 0, said["end"], 1, said["label"])
    return Mark(said["x"], said["y"], said["x"] + said["width"], said["y"] + said["height"], said["label"])


def _median(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the weighted median; where the halves weigh the same, the middle between them."""
    if min(values) == max(values):
        return values[0]
    ordered = sorted(zip(values, weights, strict=True))
    half = sum(weights) / 2
    reached = accumulate(weight for _, weight in ordered)
    place, passed = next((place, weight) for place, weight in enumerate(reached) if weight > half - _EVEN)
    after = ordered[min(place + 1, len(ordered) - 1)]
    return (ordered[place][0] + after[0]) / 2 if passed < half + _EVEN else ordered[place][0]
