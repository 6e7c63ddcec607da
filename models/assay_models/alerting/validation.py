"""Validation of a contract's alert rules: unknown names, wrong scope fields, thresholds in the wrong unit."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import NamedTuple

from assay_schemas.alert_rule import EACH, AlertRule, Metric
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.rules import BUILT_IN, Rule

MOST_LABELS = 200
"""Limit on the label shares that one annotation updates."""
_SHARES = {
    Metric.REJECTION_SHARE,
    Metric.LABEL_SHARE,
    Metric.MODEL_DISAGREEMENT,
    Metric.FINDING_RATE,
    Metric.REVIEW_SHARE,
}
_OF_ANNOTATIONS = {"window", "annotator", "attribute", "value"}
_SCOPES: dict[Metric, set[str]] = {
    Metric.AGREEMENT: {"window", "label", "attribute", "value"},
    Metric.REJECTION_SHARE: _OF_ANNOTATIONS | {"label"},
    Metric.LABEL_SHARE: _OF_ANNOTATIONS | {"label"},
    Metric.MODEL_DISAGREEMENT: _OF_ANNOTATIONS | {"label"},
    Metric.FINDING_RATE: _OF_ANNOTATIONS | {"label", "rule"},
    Metric.LAG: {"window"},
    Metric.REVIEW_SHARE: {"window"},
    Metric.SIGNAL: {"annotator", "detector"},
}
"""The scope fields that apply to each metric."""

_NEEDED = {Metric.LABEL_SHARE: "label", Metric.FINDING_RATE: "rule"}


class AlertProblem(NamedTuple):
    """One problem: the index of the rule, the path of the field in it, and a message."""

    place: int
    field: tuple[str, ...]
    message: str


def alert_problems(contract: LabelContract) -> Iterator[AlertProblem]:
    """Yield all problems of the contract's alert rules."""
    for index, rule in enumerate(contract.alerts):
        for field, message in _problems(rule, contract):
            yield AlertProblem(index, field, message)


def _problems(rule: AlertRule, contract: LabelContract) -> Iterator[tuple[tuple[str, ...], str]]:
    given = {name for name in type(rule.where).model_fields if getattr(rule.where, name) is not None}
    for name in sorted(given - _SCOPES[rule.metric]):
        fields = ", ".join(sorted(_SCOPES[rule.metric]))
        yield ("where", name), f"'{rule.metric.value}' is not read by {name}; fields it uses: {fields}"
    needed = _NEEDED.get(rule.metric)
    if needed is not None and needed not in given:
        yield ("where",), f"'{rule.metric.value}' needs a {needed} here"
    if (rule.where.value is None) != (rule.where.attribute is None):
        yield ("where",), "attribute and value stand together; value '*' makes one alert for each"
    if rule.absent is not None and EACH in {rule.where.label, rule.where.value, rule.where.annotator}:
        yield ("absent",), "what is absent must be named: '*' is not possible here"
    labels = getattr(contract.label, "values", ())
    if rule.metric is Metric.LABEL_SHARE and rule.where.label == EACH and not 0 < len(labels) <= MOST_LABELS:
        yield ("where", "label"), f"'*' needs a vocabulary of at most {MOST_LABELS} labels"
    yield from _name_problems(rule, contract)
    yield from _unit_problems(rule)


def _name_problems(rule: AlertRule, contract: LabelContract) -> Iterator[tuple[tuple[str, ...], str]]:
    where = rule.where
    labels = list(getattr(contract.label, "values", ()))
    if where.label not in {None, EACH}:
        if labels:
            yield from _unknown_name(("where", "label"), "label", where.label, labels)
        elif rule.metric is Metric.AGREEMENT:
            yield (
                ("where", "label"),
                f"agreement by label needs a kind of label with values, which '{contract.label.kind}' is not",
            )
    if rule.metric is Metric.AGREEMENT:
        yield from _unknown_name(("where", "attribute"), "attribute", where.attribute, contract.agreement.attributes)
        yield from _unknown_name(("where", "window"), "window", where.window, contract.agreement.windows)
    rules = [*(rule_id for rule_id in BUILT_IN if _is_active_by_default(rule_id)), *(one.id for one in contract.rules)]
    yield from _unknown_name(("where", "rule"), "rule", where.rule, rules)
    others = [one.id for one in contract.alerts if one.id != rule.id]
    for one in rule.inhibited_by:
        yield from _unknown_name(("inhibited_by",), "other alert", one, others)


def _is_active_by_default(rule_id: str) -> bool:
    kind: type[Rule] = BUILT_IN[rule_id]
    needs_options = any(field.is_required() for name, field in kind.model_fields.items() if name != "id")
    return not needs_options and not kind.model_fields["id"].is_required()


def _unknown_name(
    field: tuple[str, ...], what: str, name: str | None, known: Iterable[str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    names = list(known)
    if name is None or name in names:
        return
    near = get_close_matches(name, names, n=1)
    if near:
        yield field, f"there is no {what} '{name}'; did you mean '{near[0]}'?"
    else:
        yield field, f"there is no {what} '{name}'; there are: {', '.join(names) or 'none'}"


def _unit_problems(rule: AlertRule) -> Iterator[tuple[tuple[str, ...], str]]:
    lowest, highest, unit = 0.0, float("inf"), "a number of seconds"
    if rule.metric in _SHARES:
        lowest, highest, unit = 0.0, 1.0, "a share"
    elif rule.metric is Metric.AGREEMENT:
        lowest, highest, unit = -1.0, 1.0, "agreement"
    elif rule.metric is Metric.SIGNAL:
        unit = "an e-value"
    for name in ("below", "above", "changes_by"):
        threshold = getattr(rule, name)
        most = 2.0 if name == "changes_by" and rule.metric is Metric.AGREEMENT else highest
        if threshold is not None and not lowest <= threshold <= most:
            hint = f"; did you mean {threshold / 100:g}?" if most < threshold <= 100 else ""  # noqa: PLR2004  # per cent
            bounds = f"{lowest:g} and {most:g}" if most < float("inf") else f"{lowest:g} and more"
            yield (name,), f"{unit} lies between {bounds}{hint}"
