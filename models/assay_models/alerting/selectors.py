"""Which annotations, agreement readings and signals a rule selects, and the labels of the alert they belong to."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from assay_models.alerting.durations import minutes_of
from assay_schemas.alert_rule import EACH, AlertRule, Metric
from assay_schemas.annotation import AnnotatorId
from assay_schemas.conduct import Signal
from assay_schemas.contract.label_contract import LabelContract


class RuleInput(NamedTuple):
    """One annotation with its verdict, reduced to what rules look at. `labels` are all its labels as text."""

    annotator: AnnotatorId
    labels: frozenset[str]
    attributes: Mapping[str, str]
    rejected: bool
    findings: frozenset[str]
    improbable: bool | None
    late_seconds: float


class Count(NamedTuple):
    """One annotation's contribution to the counts of one alert: labels of the alert, hits, total."""

    labels: Mapping[str, str]
    hits: float
    total: int


def window_minutes(rule: AlertRule, contract: LabelContract) -> int:
    """Return a rule's window in minutes: its own, else for agreement the contract's longest one, else 60."""
    if rule.where.window is not None:
        return minutes_of(rule.where.window)
    if rule.metric is Metric.AGREEMENT:
        return max(map(minutes_of, contract.agreement.windows))
    return 60


def counts(rule: AlertRule, seen: RuleInput, vocabulary: Sequence[str]) -> list[Count]:
    """Return an annotation's contributions to a rule's alerts; empty if the rule does not select it.

    A rule on each label has one alert per label of the annotation. A rule on the share of each label has one alert per
    label of the vocabulary, because an annotation with another label counts in the total.
    """
    where, labels = rule.where, dict[str, str]()
    if where.annotator is not None:
        if where.annotator not in {EACH, seen.annotator}:
            return []
        labels["annotator"] = seen.annotator
    if where.attribute is not None and where.value is not None:
        value = seen.attributes.get(where.attribute)
        if value is None or where.value not in {EACH, value}:
            return []
        labels[where.attribute] = value
    if rule.metric is Metric.LABEL_SHARE:
        return [] if seen.rejected else _label_counts(rule, seen, labels, vocabulary)
    return _by_label(rule, seen, labels)


def of_reading(rule: AlertRule, window: str, scope: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the labels of the alert that an agreement reading belongs to; None if the rule does not select it."""
    where = rule.where
    if where.window is not None and window != where.window:
        return None
    if ("label" in scope) != (where.label is not None) or ("attribute" in scope) != (where.attribute is not None):
        return None
    if "annotators" in scope or where.attribute != scope.get("attribute"):
        return None
    for wanted, given in ((where.label, scope.get("label")), (where.value, scope.get("value"))):
        if wanted not in {None, EACH, given}:
            return None
    labels = {"label": scope["label"]} if "label" in scope else {}
    return labels | ({scope["attribute"]: scope["value"]} if "attribute" in scope else {})


def of_signal(rule: AlertRule, signal: Signal) -> Mapping[str, str] | None:
    """Return the labels of the alert that a signal belongs to; None if the rule does not select it."""
    where = rule.where
    if where.annotator not in {None, EACH, signal.annotator} or where.detector not in {None, signal.detector}:
        return None
    peer = {} if signal.peer is None else {"peer": signal.peer}
    return {"annotator": signal.annotator, "detector": signal.detector.value} | peer


def _label_counts(rule: AlertRule, seen: RuleInput, labels: dict[str, str], vocabulary: Sequence[str]) -> list[Count]:
    wanted = vocabulary if rule.where.label == EACH else [str(rule.where.label)]
    return [Count(labels | {"label": one}, float(one in seen.labels), 1) for one in wanted]


def _by_label(rule: AlertRule, seen: RuleInput, labels: dict[str, str]) -> list[Count]:
    hit = _hit(rule, seen)
    if hit is None:
        return []
    if rule.where.label is None:
        return [Count(labels, hit, 1)]
    wanted = seen.labels if rule.where.label == EACH else seen.labels & {rule.where.label}
    return [Count(labels | {"label": one}, hit, 1) for one in sorted(wanted)]


def _hit(rule: AlertRule, seen: RuleInput) -> float | None:
    """Return 1 or 0 for a share, or seconds for a mean; None if the annotation does not count in the total."""
    match rule.metric:
        case Metric.REJECTION_SHARE:
            return float(seen.rejected)
        case Metric.FINDING_RATE:
            return float(rule.where.rule in seen.findings)
        case Metric.MODEL_DISAGREEMENT:
            return None if seen.improbable is None or seen.rejected else float(seen.improbable)
        case _:
            return seen.late_seconds
