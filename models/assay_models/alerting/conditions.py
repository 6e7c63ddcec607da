"""What a rule reads, and whether its condition holds of it."""

from dataclasses import dataclass
from math import sqrt

from assay_schemas.alert_rule import AlertRule

_Z = 1.959963984540054
"""Of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class RuleReading:
    """One value with its 95 % interval (None where it has none), and how much it rests on."""

    value: float
    low: float | None
    high: float | None
    count: int


def share(hits: float, total: int) -> RuleReading | None:
    """Return a share with its interval (Wilson 1927), or None of nothing."""
    if total <= 0:
        return None
    value = min(1.0, max(0.0, hits / total))
    squared = _Z * _Z / total
    middle = (value + squared / 2) / (1 + squared)
    half = _Z / (1 + squared) * sqrt(value * (1 - value) / total + squared / (4 * total))
    return RuleReading(value, max(0.0, middle - half), min(1.0, middle + half), total)


def mean(total_seconds: float, count: int) -> RuleReading | None:
    """Return a mean, without an interval; None of nothing."""
    return None if count <= 0 else RuleReading(total_seconds / count, None, None, count)


def holds(rule: AlertRule, reading: RuleReading | None, before: RuleReading | None = None) -> bool:
    """Tell whether the rule's condition holds of a reading; `before` is that of the window before.

    What rests on too little says nothing, so it does not hold. With `sure` the whole interval must lie beyond the
    threshold, and a reading without an interval is never sure.
    """
    if reading is None or reading.count < rule.at_least:
        return False
    if rule.changes_by is not None:
        if before is None or before.count < rule.at_least:
            return False
        return _gap(reading, before, sure=rule.sure) > rule.changes_by
    if rule.below is not None:
        highest = reading.high if rule.sure else reading.value
        return highest is not None and highest < rule.below
    lowest = reading.low if rule.sure else reading.value
    return rule.above is not None and lowest is not None and lowest > rule.above


def _gap(one: RuleReading, other: RuleReading, *, sure: bool) -> float:
    """Return how far two readings lie apart: their values, or the nearest ends of their intervals."""
    if not sure:
        return abs(one.value - other.value)
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return 0.0
    return max(one.low - other.high, other.low - one.high, 0.0)
