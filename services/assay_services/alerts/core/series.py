"""The state of one potential alert: its counts, its current value, and its life cycle."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from assay_models.alerting.conditions import RuleReading, holds, mean, share
from assay_models.alerting.durations import minutes_of
from assay_models.alerting.minute_counts import MinuteCounts
from assay_models.alerting.selectors import window_minutes
from assay_models.alerting.state_machine import FLAP_MINUTES, AlertLifecycle
from assay_schemas.alert import AlertState
from assay_schemas.alert_rule import AlertRule, Metric
from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract

_PANES = 60
"""How many panes a window has: a rule over 24 hours is evaluated every 24 minutes."""

Sample = tuple[int, float | None, float | None, float | None, int]
"""Minute, value, low, high, count."""


class RuleValue(NamedTuple):
    """The value of a rule at a minute, whether its condition holds (None: there is no data), and the evidence."""

    holds: bool | None
    value: float | None
    evidence: Mapping[str, Any]


class RulePlan(NamedTuple):
    """A rule with its durations in minutes. `mark` changes when the rule counts something else."""

    rule: AlertRule
    window: int
    pane: int
    lasting: int
    keep_minutes: int
    absent: int
    mark: str

    @property
    def horizon(self) -> int:
        """Return after how many minutes without new data the rule's value no longer changes."""
        return 2 * self.window + self.lasting + self.keep_minutes + self.absent + FLAP_MINUTES

    @property
    def threshold(self) -> float | None:
        """Return the value that the rule compares with, or None."""
        rule = self.rule
        given = [one for one in (rule.below, rule.above, rule.changes_by) if one is not None]
        return float(self.absent) if rule.absent is not None else next(iter(given), None)


def plan_of(rule: AlertRule, contract: LabelContract) -> RulePlan:
    """Return a rule with its durations in minutes."""
    window = window_minutes(rule, contract)
    mark = blake2b(f"{rule.metric}{rule.where!r}{window}".encode(), digest_size=6).hexdigest()
    absent = 0 if rule.absent is None else minutes_of(rule.absent)
    lasting, keep = minutes_of(rule.lasting), minutes_of(rule.keep_firing_for)
    return RulePlan(rule, window, max(1, window // _PANES), lasting, keep, absent, mark)


def fingerprint(project: ProjectId, rule: str, labels: Mapping[str, str]) -> str:
    """Return the id of an alert: the same for the same project, rule and labels."""
    written = orjson.dumps([project, rule, sorted(labels.items())])
    return blake2b(written, digest_size=12).hexdigest()


@dataclass(slots=True)
class Series:
    """The state of one alert. It changes in place.

    `panes` count annotations, `samples` are readings of agreement, `holding` is whether a signal is in force. `newest`
    is the last minute (since 1970) with data. `hushed`: notifications are suppressed at the moment.
    """

    project: ProjectId
    rule: str
    labels: dict[str, str]
    severity: str
    mark: str
    panes: MinuteCounts = field(default_factory=MinuteCounts)
    samples: list[Sample] = field(default_factory=list)
    holding: bool = False
    evidence: dict[str, Any] = field(default_factory=dict)
    value: float | None = None
    newest: int = 0
    life: AlertLifecycle = field(default_factory=AlertLifecycle)
    hushed: bool = False

    @property
    def id(self) -> str:
        """Return the alert's id."""
        return fingerprint(self.project, self.rule, self.labels)

    def adopt(self, plan: RulePlan) -> None:
        """Switch to the rule's current definition; reset the counts if it now counts something else."""
        self.severity = plan.rule.severity.value
        if self.mark != plan.mark:
            self.mark, self.panes, self.samples = plan.mark, MinuteCounts(), []

    def sample(self, taken: Sample, *, bucket: int) -> None:
        """Add a reading; each bucket of minutes keeps only its last reading."""
        place = bisect_right(self.samples, taken[0], key=lambda one: one[0])
        before = self.samples[place - 1] if place else None
        if before is not None and before[0] // bucket == taken[0] // bucket:
            self.samples[place - 1] = taken
        else:
            self.samples.insert(place, taken)

    def read(self, plan: RulePlan, minute: int, *, blind_until: int) -> RuleValue:
        """Return the rule's value at the end of a minute. Before minute `blind_until` the service was down."""
        rule = plan.rule
        if rule.metric is Metric.SIGNAL:
            return RuleValue(self.holding, self.value, self.evidence)
        if rule.absent is not None:
            last = max(self._newest(minute), blind_until)
            return RuleValue(
                minute - last >= plan.absent, float(minute - last), {"minutes_without_data": minute - last}
            )
        now, before = self._reading(plan, minute), self._reading(plan, minute - plan.window)
        said = holds(rule, now, before if rule.changes_by is not None else None)
        return RuleValue(said, None if now is None else now.value, _shown(now, before if rule.changes_by else None))

    def forget(self, plan: RulePlan, minute: int) -> None:
        """Drop data that no window reaches any more."""
        self.newest = max(self.newest, self._newest(minute))
        oldest = minute - 2 * plan.window - plan.pane
        self.panes.forget(oldest)
        if plan.rule.changes_by is None:
            oldest = minute
        kept = bisect_right(self.samples, oldest, key=lambda one: one[0])
        del self.samples[: max(0, kept - 1)]

    def is_empty(self) -> bool:
        """Return whether nothing is counted and no signal is in force."""
        return not (self.panes.by_minute or self.samples or self.holding)

    def minutes(self) -> set[int]:
        """Return the minutes with data."""
        return {*self.panes.by_minute, *(one[0] for one in self.samples)}

    def dump(self) -> bytes:
        """Return the series in stored form."""
        life = self.life
        panes = [[minute, *pane] for minute, pane in self.panes.by_minute.items()]
        return orjson.dumps([
            self.project, self.rule, self.labels, self.severity, self.mark, panes, self.samples, self.holding,
            self.evidence, self.value, self.newest, [life.state, life.since, life.quiet_since_ms, life.firings],
            self.hushed,
        ])  # fmt: skip

    def _newest(self, minute: int) -> int:
        samples = (one[0] for one in self.samples if one[0] <= minute and one[1] is not None)
        return max(self.newest, self.panes.newest(minute) or 0, max(samples, default=0))

    def _reading(self, plan: RulePlan, minute: int) -> RuleReading | None:
        if plan.rule.metric is Metric.AGREEMENT:
            place = bisect_right(self.samples, minute, key=lambda one: one[0])
            taken = self.samples[place - 1] if place else None
            if taken is None or taken[1] is None or minute - taken[0] > plan.window:
                return None
            return RuleReading(taken[1], taken[2], taken[3], taken[4])
        hits, total = self.panes.total(minute, plan.window)
        return mean(hits, total) if plan.rule.metric is Metric.LAG else share(hits, total)


def load_series(raw: bytes) -> Series:
    """Parse a series from its stored form."""
    (
        project, rule, labels, severity, mark, panes, samples, holding, evidence, value, newest, life, hushed,
    ) = orjson.loads(raw)  # fmt: skip
    state, since, quiet, firings = life
    return Series(
        project, rule, labels, severity, mark, MinuteCounts({minute: (hits, total) for minute, hits, total in panes}),
        [(one[0], one[1], one[2], one[3], one[4]) for one in samples], holding, evidence, value, newest,
        AlertLifecycle(None if state is None else AlertState(state), since, quiet, tuple(firings)), hushed,
    )  # fmt: skip


def _shown(now: RuleReading | None, before: RuleReading | None) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if now is not None:
        shown = {"value": now.value, "low": now.low, "high": now.high, "count": now.count}
    if before is not None:
        shown |= {"before": before.value, "before_low": before.low, "before_high": before.high}
    return shown
