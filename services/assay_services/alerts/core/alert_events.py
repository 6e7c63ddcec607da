"""Build the records on `alerts` from transitions, and parse them."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import orjson

from assay_models.alerting.state_machine import Transition, is_flapping
from assay_schemas.alert import Alert
from assay_schemas.alert_rule import AlertRule, Metric
from assay_services.alerts.core.series import RulePlan, Series
from assay_services.engine.core.cloudevents import event, iso
from assay_services.engine.core.core_api import Output

ALERTS_TOPIC = "alerts"
NO_DATA = "no_data_since"
"""The evidence of an active alert that has nothing to judge by any more."""


class Suppression(NamedTuple):
    """Why an alert's notifications are suppressed: ids of silences, and rules that inhibit it."""

    silences: Sequence[str] = ()
    rules: Sequence[str] = ()

    def __bool__(self) -> bool:
        """Return whether notifications are suppressed."""
        return bool(self.silences or self.rules)


class Acknowledgement(NamedTuple):
    """Who acknowledged an alert, and why."""

    by: str | None = None
    why: str | None = None


def alert_event(
    series: Series,
    plan: RulePlan | None,
    change: Transition,
    *,
    hushed: Suppression,
    told: Acknowledgement | None = None,
) -> Output:
    """Return a transition as a record. `plan` is None if the rule is no longer in the contract."""
    told = told or Acknowledgement()
    value = {
        "id": series.id,
        "transition": _transition(series.id, change),
        "project": series.project,
        "rule": series.rule,
        "state": change.state.value,
        "was": None if change.was is None else change.was.value,
        "at": iso(change.at),
        "since": iso(change.since),
        "severity": series.severity,
        "value": series.value,
        "threshold": None if plan is None else plan.threshold,
        "labels": series.labels | ({} if plan is None else dict(plan.rule.labels)),
        "summary": "the rule was taken out of the contract" if plan is None else summary(plan, series),
        "runbook": None if plan is None else plan.rule.runbook,
        "by": told.by,
        "why": told.why,
        "silenced_by": list(hushed.silences),
        "inhibited_by": list(hushed.rules),
        "flapping": is_flapping(series.life, change.at),
        "evidence": series.evidence,
    }
    transition = str(value["transition"])
    return event(ALERTS_TOPIC, series.id.encode(), value, kind="alert", source="alerts", event_id=transition)


def all_labels(series: Series, rule: AlertRule | None) -> Mapping[str, str]:
    """Return an alert's labels and those that its rule adds."""
    return series.labels | ({} if rule is None else dict(rule.labels))


def summary(plan: RulePlan, series: Series) -> str:
    """Return a one-sentence summary for people."""
    rule = plan.rule
    about = ", ".join(f"{name} {value}" for name, value in series.labels.items())
    if rule.message is not None:
        return rule.message + (f" ({about})" if about else "")
    what = rule.metric.value.replace("-", " ")
    if rule.metric is Metric.SIGNAL:
        peer = f" with {series.labels['peer']}" if "peer" in series.labels else ""
        strength = "" if series.value is None else f" (e-value {series.value:,.0f})"
        return f"{series.labels.get('annotator', '?')}: {series.labels.get('detector', '?')}{peer}{strength}"
    of = f" of {about}" if about else ""
    if NO_DATA in series.evidence:
        return f"no data for {what}{of} over {_window(plan)}: whether it is over is not known, so the alert stays"
    if rule.absent is not None:
        return f"no {what}{of} for {rule.absent} or more"
    return f"{what}{of} is {_number(series.value)}, {_condition(rule)}, over {_window(plan)}"


def _condition(rule: AlertRule) -> str:
    if rule.changes_by is not None:
        return f"more than {rule.changes_by:g} from the window before"
    return f"the limit is below {rule.below:g}" if rule.below is not None else f"the limit is above {rule.above:g}"


def _window(plan: RulePlan) -> str:
    minutes = plan.window
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"


def _transition(alert: str, change: Transition) -> str:
    told = orjson.dumps([alert, change.state, change.was, change.at, change.since])
    return f"{alert}-{blake2b(told, digest_size=6).hexdigest()}"


def read_alert(value: bytes | None) -> Alert:
    """Parse a transition; raise ValidationError if it is malformed."""
    return Alert.model_validate_json(value or b"")
