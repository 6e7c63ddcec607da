"""Checks of everything but the label's form: fields, times, speed, annotators, pre-labels, gold, the model."""

from datetime import datetime

from assay_models.rules.canonical_label import gold_reader
from assay_models.rules.check import NONE, Check, Circumstances, Objections, finding, shown
from assay_models.rules.label_checks import label_objections
from assay_schemas.annotation import Annotation, Label, microseconds
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.rules import (
    AnnotatorAllowedRule,
    FasterThanReadingRule,
    NotBeforeProjectRule,
    NotInFutureRule,
    RequiredFieldsRule,
    Rule,
    TooFastRule,
    TooSlowRule,
)


def required_fields(rule: RequiredFieldsRule, _: LabelContract) -> Check:
    """Return the check that the item has the fields the contract requires."""
    attributes = [name.removeprefix("attributes.") for name in rule.fields if name.startswith("attributes.")]
    others = [name for name in rule.fields if not name.startswith("attributes.")]
    empty: tuple[object, ...] = (None, "", [])

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        item = annotation.item
        missing = [name for name in others if not (value := getattr(item, name)) and value in empty]
        missing += [f"attributes.{name}" for name in attributes if not item.attributes.get(name)]
        if not missing:
            return NONE
        return [finding(rule, f"item.{name}", f"the item has no {name}")[0] for name in missing]

    return check


def not_in_future(rule: NotInFutureRule, _: LabelContract) -> Check:
    """Return the check that the annotation was not made later than now."""
    tolerance = rule.tolerance_seconds * 1_000_000

    def check(annotation: Annotation, circumstances: Circumstances) -> Objections:
        if circumstances.occurred - circumstances.now <= tolerance:
            return NONE
        return finding(rule, "occurred_at", f"{_time(annotation.occurred_at)} lies in the future")

    return check


def not_before_project(rule: NotBeforeProjectRule, _: LabelContract) -> Check:
    """Return the check that the annotation was not made before the project began."""
    began_at = microseconds(rule.began_at)

    def check(annotation: Annotation, circumstances: Circumstances) -> Objections:
        if circumstances.occurred >= began_at:
            return NONE
        began, made = _time(rule.began_at), _time(annotation.occurred_at)
        return finding(rule, "occurred_at", f"{made} lies before the project began ({began})")

    return check


def not_updated_before_created(rule: Rule, _: LabelContract) -> Check:
    """Return the check that the annotation was not changed before it was created."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        created = annotation.created_at
        if created is None or annotation.occurred_at >= created:
            return NONE
        made = _time(annotation.occurred_at)
        return finding(rule, "occurred_at", f"{made} lies before its creation ({_time(created)})")

    return check


def negative_lead_time(rule: Rule, _: LabelContract) -> Check:
    """Return the check that the time spent is not negative."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        seconds = annotation.lead_time_seconds
        if seconds is None or seconds >= 0:
            return NONE
        return finding(rule, "lead_time_seconds", f"the time spent is negative ({seconds:g} s)")

    return check


def too_fast(rule: TooFastRule, _: LabelContract) -> Check:
    """Return the check that the annotator spent at least the minimum time."""
    limit = rule.lead_time_below_seconds

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        seconds = annotation.lead_time_seconds
        if seconds is None or seconds >= limit:
            return NONE
        return finding(rule, "lead_time_seconds", f"answered in {seconds:.3g} s; under {limit:g} s is too fast")

    return check


def too_slow(rule: TooSlowRule, _: LabelContract) -> Check:
    """Return the check that the annotator spent at most the maximum time."""
    limit = rule.lead_time_above_seconds

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        seconds = annotation.lead_time_seconds
        if seconds is None or seconds <= limit:
            return NONE
        return finding(rule, "lead_time_seconds", f"took {seconds:.0f} s; over {limit:g} s is too slow")

    return check


def faster_than_reading(rule: FasterThanReadingRule, _: LabelContract) -> Check:
    """Return the check that the annotator spent the time that a fast reader needs for the text."""
    seconds_a_word = 60 / rule.words_per_minute

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        seconds, text = annotation.lead_time_seconds, annotation.item.text
        if seconds is None or text is None:
            return NONE
        words = text.count(" ") + 1
        needed = words * seconds_a_word
        if words < rule.shortest_words or seconds >= needed:
            return NONE
        return finding(
            rule, "lead_time_seconds", f"answered in {seconds:.3g} s; reading these {words} words takes {needed:.3g} s"
        )

    return check


def annotator_allowed(rule: AnnotatorAllowedRule, _: LabelContract) -> Check:
    """Return the check that the annotator may label in this project."""
    allow = None if rule.allow is None else frozenset(rule.allow)
    deny = frozenset(rule.deny)

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        who = annotation.annotator.id
        if who in deny:
            return finding(rule, "annotator.id", f"annotator {shown(who)} is on the project's deny list")
        if allow is None or who in allow:
            return NONE
        return finding(rule, "annotator.id", f"annotator {shown(who)} is not on the project's allow list")

    return check


def prelabel_copied(rule: Rule, _: LabelContract) -> Check:
    """Return the check that the label differs from the pre-label."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        if annotation.prelabel is None or annotation.label != annotation.prelabel:
            return NONE
        return finding(rule, "label", "the label is the pre-label, unchanged")

    return check


def known_gold(rule: Rule, contract: LabelContract) -> Check:
    """Return the check that the gold label is a label of the contract."""
    read, objections_to_label = gold_reader(contract), label_objections(contract)

    def check(annotation: Annotation, circumstances: Circumstances) -> Objections:
        gold = annotation.item.gold
        if gold is None or read(gold) is not None:
            return NONE
        as_label = annotation.model_copy(update={"label": gold})
        objections = objections_to_label(as_label, circumstances)
        why = objections[0].message if objections else "the contract has no such label"
        return finding(rule, "item.gold", f"the gold label {shown(gold)} is not used: {why}")

    return check


def gold_missed(rule: Rule, contract: LabelContract) -> Check:
    """Return the check that the label equals the gold label, if that is one of the contract's."""
    read = gold_reader(contract)

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        gold = annotation.item.gold
        if gold is None or (known := read(gold)) is None or _same(annotation.label, known):
            return NONE
        return finding(rule, "label", f"{shown(annotation.label)} was given; {shown(gold)} is known to be right")

    return check


def model_disagrees(rule: Rule, _: LabelContract) -> Check:
    """Return the check that the consistency model does not consider the label improbable."""

    def check(_: Annotation, circumstances: Circumstances) -> Objections:
        score = circumstances.score
        if score is None or not score.below_threshold:
            return NONE
        return finding(
            rule,
            "label",
            f"the model gives this label {score.label_probability:.1%}, "
            f"and {shown(score.predicted)} {score.predicted_probability:.1%}",
        )

    return check


def _same(label: Label | None, gold: Label) -> bool:
    """Return whether label and gold are equal; the order of a list does not matter."""
    if isinstance(label, list) and isinstance(gold, list):
        return sorted(map(repr, label)) == sorted(map(repr, gold))
    return label == gold


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
