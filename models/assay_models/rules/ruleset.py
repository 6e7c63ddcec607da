"""A contract's rules, compiled once into the checks that evaluate every annotation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assay_models.rules import annotation_checks, label_checks
from assay_models.rules.canonical_label import LabelReader, gold_reader, is_same, label_reader
from assay_models.rules.cel_expression import ExpressionError, compile_expression
from assay_models.rules.check import Check, Circumstances
from assay_schemas.annotation import Action, Annotation, Label
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.rules import BUILT_IN, ExpressionRule, Rule
from assay_schemas.verdict import Finding

_MAKERS: dict[str, Callable[[Any, LabelContract], Check]] = {
    "label-kind": label_checks.label_kind,
    "known-label": label_checks.known_label,
    "label-count": label_checks.label_count,
    "label-range": label_checks.label_range,
    "span-bounds": label_checks.span_bounds,
    "span-overlap": label_checks.span_overlap,
    "box-bounds": label_checks.box_bounds,
    "required-fields": annotation_checks.required_fields,
    "not-in-future": annotation_checks.not_in_future,
    "not-before-project": annotation_checks.not_before_project,
    "not-updated-before-created": annotation_checks.not_updated_before_created,
    "negative-lead-time": annotation_checks.negative_lead_time,
    "too-fast": annotation_checks.too_fast,
    "too-slow": annotation_checks.too_slow,
    "faster-than-reading": annotation_checks.faster_than_reading,
    "annotator-allowed": annotation_checks.annotator_allowed,
    "prelabel-copied": annotation_checks.prelabel_copied,
    "known-gold": annotation_checks.known_gold,
    "gold-missed": annotation_checks.gold_missed,
    "model-disagrees": annotation_checks.model_disagrees,
}
_ON_BY_DEFAULT = (
    "label-kind",
    "known-label",
    "label-count",
    "label-range",
    "span-bounds",
    "span-overlap",
    "box-bounds",
    "not-in-future",
    "not-before-project",
    "not-updated-before-created",
    "negative-lead-time",
    "prelabel-copied",
    "known-gold",
    "gold-missed",
    "model-disagrees",
)
_ONLY_FOR_KIND = {
    "known-label": {"categorical", "multilabel", "pairwise", "spans", "boxes"},
    "label-count": {"multilabel"},
    "label-range": {"ordinal"},
    "span-bounds": {"spans"},
    "span-overlap": {"spans"},
    "box-bounds": {"boxes"},
}
_WITHOUT_LABEL = {
    "required-fields",
    "not-in-future",
    "not-before-project",
    "not-updated-before-created",
    "annotator-allowed",
}


class RuleProblem(Exception):
    """A rule that does not compile. `index`: its position under `rules`, -1 if built in; `field`: the cause."""

    def __init__(self, index: int, field: str, message: str) -> None:
        """Create the error with the position, the field and the reason."""
        super().__init__(message)
        self.index = index
        self.field = field


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The checks of one contract: for annotations with a label, and without one (skipped, deleted)."""

    contract: LabelContract
    read_label: LabelReader
    read_gold: LabelReader
    for_labels: Sequence[Check]
    without_label: Sequence[Check]

    def canonical(self, annotation: Annotation) -> Annotation:
        """Return the annotation with label, pre-label and gold in canonical form; what is no label stays as it is."""
        gold = annotation.item.gold
        changes: dict[str, Label] = {}
        for name, label in (("label", annotation.label), ("prelabel", annotation.prelabel)):
            if label is not None and (read := self.read_label(label)) is not None and not is_same(read, label):
                changes[name] = read
        changed = annotation.model_copy(update=changes) if changes else annotation
        if gold is None or (read := self.read_gold(gold)) is None or is_same(read, gold):
            return changed
        return changed.model_copy(update={"item": annotation.item.model_copy(update={"gold": read})})

    def check(self, annotation: Annotation, circumstances: Circumstances) -> list[Finding]:
        """Return all findings, in the contract's order."""
        labelled = annotation.action in (Action.CREATED, Action.UPDATED)
        findings: list[Finding] = []
        for check in self.for_labels if labelled else self.without_label:
            objections = check(annotation, circumstances)
            if objections:
                findings.extend(objections)
        return findings


def compile_contract(contract: LabelContract) -> RuleSet:
    """Return the checks of the contract's rules and of the default rules it does not list; raise RuleProblem."""
    for_labels: list[Check] = []
    without_label: list[Check] = []
    for index, rule in _rules_in_force(contract):
        check = _make(index, rule, contract)
        for_labels.append(check)
        if rule.id in _WITHOUT_LABEL:
            without_label.append(check)
    return RuleSet(contract, label_reader(contract), gold_reader(contract), for_labels, without_label)


def _rules_in_force(contract: LabelContract) -> list[tuple[int, Rule]]:
    own = {rule.id: index for index, rule in enumerate(contract.rules)}
    defaults = [(-1, BUILT_IN[name]()) for name in _ON_BY_DEFAULT if name not in own]  # type: ignore[call-arg]
    listed = [(own[rule.id], rule) for rule in contract.rules if rule.enabled]
    overlap_allowed = contract.label.kind == "spans" and contract.label.overlap
    return [
        (index, rule)
        for index, rule in [*defaults, *listed]
        if contract.label.kind in _ONLY_FOR_KIND.get(rule.id, {contract.label.kind})
        and not (rule.id == "span-overlap" and overlap_allowed)
    ]


def _make(index: int, rule: Rule, contract: LabelContract) -> Check:
    if not isinstance(rule, ExpressionRule):
        return _MAKERS[rule.id](rule, contract)
    try:
        return compile_expression(rule, contract)
    except ExpressionError as error:
        raise RuleProblem(index, "when", str(error)) from None
