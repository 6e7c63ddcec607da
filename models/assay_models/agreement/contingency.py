"""Patterns of labels, and tables that count them; tables add and subtract exactly."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias, TypeVar

Value: TypeAlias = str | int | float | tuple[str, ...]
"""One label: a text, a number, or the sorted texts of a multi-label."""

Pattern: TypeAlias = tuple[tuple[Value, int], ...]
"""(value, number of annotators who gave it), ordered by value; values that nobody gave are absent."""

PatternTable: TypeAlias = Mapping[Pattern, int]
"""The number of items with each pattern."""

Key = TypeVar("Key", bound=Hashable)

_MOST_PATTERNS = 10_000


def value_of(label: str | float | Collection[str]) -> Value:
    """Return a label as a value: a multi-label becomes the sorted tuple of its distinct texts."""
    return label if isinstance(label, (str, int, float)) else tuple(sorted(set(label)))


def pattern_of(labels: Iterable[str | float | Collection[str]]) -> Pattern:
    """Return the pattern of one item's labels, one label per annotator; empty for an item without labels."""
    counted: dict[Value, int] = {}
    for label in labels:
        value = value_of(label)
        counted[value] = counted.get(value, 0) + 1
    if len(counted) <= 1:
        return tuple(counted.items())
    return tuple(sorted(counted.items(), key=_rank_of_first))


def rank(value: Value) -> tuple[int, Value]:
    """Return a sort key for values of all kinds: numbers, texts, then multi-labels."""
    if isinstance(value, str):
        return 1, value
    return (2, value) if isinstance(value, tuple) else (0, value)


def _rank_of_first(pair: tuple[Value, int]) -> tuple[int, Value]:
    return rank(pair[0])


def added(table: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    """Return the sum of two tables."""
    total = dict(table)
    for key, count in other.items():
        total[key] = total.get(key, 0) + count
    return total


def subtracted(table: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    """Return the table minus the other; entries of 0 are removed.

    Raises ValueError if the result would be negative.
    """
    rest = dict(table)
    for key, count in other.items():
        left = rest.get(key, 0) - count
        if left < 0:
            raise ValueError(f"{count} of {key!r} cannot be taken from {rest.get(key, 0)}")
        if left:
            rest[key] = left
        else:
            rest.pop(key, None)
    return rest


def merged(tables: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    """Return the sum of all tables."""
    total: Counter[Key] = Counter()
    for table in tables:
        total.update(table)
    return dict(total)


def numbers_in(table: PatternTable) -> frozenset[float]:
    """Return the values that are numbers."""
    return frozenset(value for pattern in table for value, _ in pattern if isinstance(value, (int, float)))


def restricted(table: PatternTable, values: Collection[Value]) -> dict[Pattern, int]:
    """Return the table with only these values, as if no other label had been given; drops items left without labels."""
    remaining: Counter[Pattern] = Counter()
    for pattern, count in table.items():
        remaining[tuple(pair for pair in pattern if pair[0] in values)] += count
    del remaining[()]
    return dict(remaining)


def one_versus_rest(table: PatternTable, label: str | float) -> dict[Pattern, int]:
    """Return the binary table of one label: 1 if an annotator gave it, 0 if not.

    A multi-label gives all labels that it contains.
    """
    binary: dict[Pattern, int] = {}
    for pattern, count in table.items():
        answer = _binary_pattern(pattern, label)
        binary[answer] = binary.get(answer, 0) + count
    return binary


@lru_cache(_MOST_PATTERNS)
def _binary_pattern(pattern: Pattern, label: str | float) -> Pattern:
    total = sum(number for _, number in pattern)
    given = sum(number for value, number in pattern if _gives(value, label))
    return tuple(pair for pair in ((0, total - given), (1, given)) if pair[1])


def _gives(value: Value, label: str | float) -> bool:
    return label in value if isinstance(value, tuple) else value == label
