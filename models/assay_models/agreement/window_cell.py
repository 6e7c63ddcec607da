"""The counts of one scope in one minute: patterns, annotators and pairs of annotators."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from assay_models.agreement.contingency import Value, added, pattern_of, subtracted
from assay_schemas.annotation import AnnotatorId

Scope: TypeAlias = Hashable
"""The subset of items measured, for instance ("all",) or ("attribute", "market", "BR")."""

Content: TypeAlias = tuple[Any, ...]
"""An item's labels as counted: a pattern, the stretches of its text, or the counts of its boxes."""

PairVote: TypeAlias = tuple[AnnotatorId, AnnotatorId, Value, Value]
"""Two annotators in the order of their names, and the value each of them gave."""


class CellKey(NamedTuple):
    """Where an item is counted: the minute of its newest live annotation, its content and its annotators.

    `minute` is in minutes since 1970. With `annotators` empty, annotators are not counted.
    """

    minute: int
    pattern: Content
    annotators: tuple[AnnotatorId, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowCell:
    """Counts that add and subtract exactly; empty without items. Pairs are counted in cells of their own (`pairs`)."""

    patterns: Mapping[Content, int] = field(default_factory=dict)
    annotators: Mapping[AnnotatorId, int] = field(default_factory=dict)
    pairs: Mapping[PairVote, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Return whether all counts are zero."""
        return not self.patterns and not self.pairs


def cell_key_of(minute: int, labels: Mapping[AnnotatorId, str | float | Collection[str]]) -> CellKey:
    """Return the cell key of an item with these labels by annotator."""
    return CellKey(minute, pattern_of(labels.values()), tuple(sorted(labels)))


def cell_of(place: CellKey) -> WindowCell:
    """Return the cell with this one item."""
    return WindowCell({place.pattern: 1}, dict.fromkeys(place.annotators, 1))


def plus(cell: WindowCell, other: WindowCell) -> WindowCell:
    """Return the sum of two cells."""
    return WindowCell(
        added(cell.patterns, other.patterns),
        added(cell.annotators, other.annotators),
        added(cell.pairs, other.pairs),
    )


def minus(cell: WindowCell, other: WindowCell) -> WindowCell:
    """Return the cell minus the other; raises ValueError if the result would be negative."""
    return WindowCell(
        subtracted(cell.patterns, other.patterns),
        subtracted(cell.annotators, other.annotators),
        subtracted(cell.pairs, other.pairs),
    )


def dump(cell: WindowCell) -> dict[str, Any]:
    """Return the cell as JSON data with tuples for lists; `load` restores it, also after a round trip through JSON."""
    return {
        "patterns": list(cell.patterns.items()),
        "annotators": cell.annotators,
        "pairs": list(cell.pairs.items()),
    }


def load(data: Mapping[str, Any]) -> WindowCell:
    """Return the cell that `dump` described."""
    return WindowCell(_counts(data["patterns"]), dict(data["annotators"]), _counts(data["pairs"]))


def _counts(rows: Iterable[tuple[list[Any], int]]) -> dict[Any, int]:
    return {_frozen(key): count for key, count in rows}


def _frozen(key: list[Any]) -> tuple[Any, ...]:
    return tuple([_frozen(part) if isinstance(part, list) else part for part in key])
