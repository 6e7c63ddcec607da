"""What items say, counted: patterns, and tables of them that add and subtract exactly."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias, TypeVar

Value: TypeAlias = str | int | float | tuple[str, ...]
"""One label: text, a number, or the sorted texts of a multi-label."""

Pattern: TypeAlias = tuple[tuple[Value, int], ...]
"""How many annotators gave an item which value, in the order of values; missing values are absent."""

PatternTable: TypeAlias = Mapping[Pattern, int]
"""How many items show which pattern."""

Key = TypeVar("Key", bound=Hashable)

_MOST_PATTERNS = 10_000


def value_of(label: str | float | Collection[str]) -> Value:
    """Return a label as a value: a multi-label becomes the sorted tuple of its distinct texts."""
    return label if isinstance(label, (str, int, float)) else tuple(sorted(set(label)))


def pattern_of(labels: Iterable[str | float | Collection[str]]) -> Pattern:
    """Return the pattern of the labels one item got, one per annotator; an item without labels has the empty one."""
    counted: dict[Value, int] = {}
    for label in labels:
        value = value_of(label)
        counted[value] = counted.get(value, 0) + 1
    if len(counted) <= 1:
        return tuple(counted.items())
    return tuple(sorted(counted.items(), key=_rank_of_first))


def rank(value: Value) -> tuple[int, Value]:
    """Return a key that sorts values of all kinds: numbers, texts, then multi-labels."""
    if isinstance(value, str):
        return 1, value
    return (2, value) if isinstance(value, tuple) else (0, value)


def _rank_of_first(pair: tuple[Value, int]) -> tuple[int, Value]:
    return rank(pair[0])


def added(table: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    """Return both tables as one."""
    total = dict(table)
    for key, count in other.items():
        total[key] = total.get(key, 0) + count
    return total


def subtracted(table: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    """Return the table without the other's items; what falls to 0 disappears.

    Raises ValueError where the table has fewer than are to be taken out.
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
    """Return all tables as one."""
    total: Counter[Key] = Counter()
    for table in tables:
        total.update(table)
    return dict(total)


def numbers_in(table: PatternTable) -> frozenset[float]:
    """Return the values that are numbers."""
    return frozenset(value for pattern in table for value, _ in pattern if isinstance(value, (int, float)))


def restricted(table: PatternTable, values: Collection[Value]) -> dict[Pattern, int]:
    """Return the table as if no annotator had given any other value; items left without labels disappear."""
    kept: Counter[Pattern] = Counter()
    for pattern, count in table.items():
        kept[tuple(pair for pair in pattern if pair[0] in values)] += count
    del kept[()]
    return dict(kept)


def one_versus_rest(table: PatternTable, label: str | float) -> dict[Pattern, int]:
    """Return the table of one question: whether this label was given (1) or not (0).

    A multi-label gives all the labels in it.
    """
    asked: dict[Pattern, int] = {}
    for pattern, count in table.items():
        answer = _asked(pattern, label)
        asked[answer] = asked.get(answer, 0) + count
    return asked


@lru_cache(_MOST_PATTERNS)
def _asked(pattern: Pattern, label: str | float) -> Pattern:
    total = sum(number for _, number in pattern)
    given = sum(number for value, number in pattern if _gives(value, label))
    return tuple(pair for pair in ((0, total - given), (1, given)) if pair[1])


def _gives(value: Value, label: str | float) -> bool:
    return label in value if isinstance(value, tuple) else value == label
