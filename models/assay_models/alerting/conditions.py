"""The values that alert rules evaluate, and whether a rule's condition holds for them."""

from dataclasses import dataclass

from assay_models.intervals import wilson_interval
from assay_schemas.alert_rule import AlertRule


@dataclass(frozen=True, slots=True)
class RuleReading:
    """A value with its 95 % interval (None without one) and its sample size."""

    value: float
    low: float | None
    high: float | None
    count: int


def share(hits: float, total: int) -> RuleReading | None:
    """Return a share (0-1) with its Wilson interval (Wilson 1927); None if `total` is 0."""
    interval = wilson_interval(hits, total)
    if interval is None:
        return None
    return RuleReading(min(1.0, max(0.0, hits / total)), *interval, total)


def mean(total_seconds: float, count: int) -> RuleReading | None:
    """Return a mean in seconds, without an interval; None if `count` is 0."""
    return None if count <= 0 else RuleReading(total_seconds / count, None, None, count)


def holds(rule: AlertRule, reading: RuleReading | None, before: RuleReading | None = None) -> bool | None:
    """Return whether the rule's condition holds for a reading; `before` is the reading of the previous window.

    None if there is nothing to judge by: no reading, or a sample smaller than the rule's `at_least`. With `sure` the
    whole interval must lie beyond the threshold; a reading without an interval is never sure.
    """
    if reading is None or reading.count < rule.at_least:
        return None
    if rule.changes_by is not None:
        if before is None or before.count < rule.at_least:
            return None
        return _gap(reading, before, sure=rule.sure) > rule.changes_by
    if rule.below is not None:
        highest = reading.high if rule.sure else reading.value
        return highest is not None and highest < rule.below
    lowest = reading.low if rule.sure else reading.value
    return rule.above is not None and lowest is not None and lowest > rule.above


def _gap(one: RuleReading, other: RuleReading, *, sure: bool) -> float:
    """Return the distance of two readings: of their values, or with `sure` of the nearest ends of their intervals."""
    if not sure:
        return abs(one.value - other.value)
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return 0.0
    return max(one.low - other.high, other.low - one.high, 0.0)
