"""What one minute of one scope says: counts of patterns, annotators and pairs of annotators."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from assay_models.agreement.contingency import Value, added, pattern_of, subtracted

Scope: TypeAlias = Hashable
"""Whose agreement: for instance ("all",) or ("attribute", "market", "BR")."""

Content: TypeAlias = tuple[Any, ...]
"""What an item says: a pattern, or the stretches of its text, or the counts of its boxes."""

PairVote: TypeAlias = tuple[str, str, Value, Value]
"""Two annotators in the order of their names, and what each of them said."""


class CellKey(NamedTuple):
    """Where an item stands: the minute of its newest live annotation, what it says, and who says it.

    `annotators` may be left empty; then they are not counted.
    """

    minute: int
    pattern: Content
    annotators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowCell:
    """Counts that add and subtract exactly; a pane without items is empty. Pairs have panes of their own (`pairs`)."""

    patterns: Mapping[Content, int] = field(default_factory=dict)
    annotators: Mapping[str, int] = field(default_factory=dict)
    pairs: Mapping[PairVote, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is counted."""
        return not self.patterns and not self.pairs


def cell_key_of(minute: int, labels: Mapping[str, str | float | Collection[str]]) -> CellKey:
    """Return the place of an item with these labels, by annotator."""
    return CellKey(minute, pattern_of(labels.values()), tuple(sorted(labels)))


def cell_of(place: CellKey) -> WindowCell:
    """Return what one item adds to its pane."""
    return WindowCell({place.pattern: 1}, dict.fromkeys(place.annotators, 1))


def plus(pane: WindowCell, other: WindowCell) -> WindowCell:
    """Return both panes as one."""
    return WindowCell(
        added(pane.patterns, other.patterns),
        added(pane.annotators, other.annotators),
        added(pane.pairs, other.pairs),
    )


def minus(pane: WindowCell, other: WindowCell) -> WindowCell:
    """Return the pane without the other; raises ValueError where it has less than is to be taken out."""
    return WindowCell(
        subtracted(pane.patterns, other.patterns),
        subtracted(pane.annotators, other.annotators),
        subtracted(pane.pairs, other.pairs),
    )


def dump(pane: WindowCell) -> dict[str, Any]:
    """Return the pane as JSON data, tuples for lists; `load` gives an equal pane back of what JSON makes of it."""
    return {
        "patterns": list(pane.patterns.items()),
        "annotators": pane.annotators,
        "pairs": list(pane.pairs.items()),
    }


def load(data: Mapping[str, Any]) -> WindowCell:
    """Return the pane that `dump` described."""
    return WindowCell(_counts(data["patterns"]), dict(data["annotators"]), _counts(data["pairs"]))


def _counts(rows: Iterable[tuple[list[Any], int]]) -> dict[Any, int]:
    return {_frozen(key): count for key, count in rows}


def _frozen(key: list[Any]) -> tuple[Any, ...]:
    return tuple([_frozen(part) if isinstance(part, list) else part for part in key])
