"""The built-in checks: each takes an annotation and says what it objects to."""

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias, TypeGuard, TypeVar

from schemas.annotation import Annotation, Box, Label, Span
from schemas.contract import (
    AnnotatorAllowedRule,
    BoxesLabel,
    CategoricalLabel,
    FasterThanReadingRule,
    LabelContract,
    MultilabelLabel,
    NotBeforeProjectRule,
    NotInFutureRule,
    OrdinalLabel,
    PairwiseLabel,
    RequiredFieldsRule,
    Rule,
    SpansLabel,
    TooFastRule,
    TooSlowRule,
)
from schemas.verdict import Finding, ModelScore


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a check may know beside the annotation: the time it arrived, and the model's view."""

    now: datetime
    score: ModelScore | None


Objections: TypeAlias = Sequence[Finding]
Check: TypeAlias = Callable[[Annotation, Circumstances], Objections]
_NONE: Objections = ()
_SHOWN_CHARACTERS = 60
_HINTS = 3
_LISTED = 5
_ROUNDING = 1e-9
_HIDDEN = {"Cf", "Cc", "Co", "Cn", "Zl", "Zp"}
_Part = TypeVar("_Part")


def finding(rule: Rule, path: str, message: str) -> Objections:
    """Return the rule's one objection, in the contract's own words where it has some."""
    return (Finding(rule=rule.id, action=rule.action, message=rule.message or message, path=path),)


def shown(value: object) -> str:
    """Return a value for a message: short, with invisible and direction-changing characters made visible."""
    text = value if isinstance(value, str) else str(value)
    return f"'{visible(text[:_SHOWN_CHARACTERS])}'" + ("…" if len(text) > _SHOWN_CHARACTERS else "")


def visible(text: str) -> str:
    """Return the text with its invisible and direction-changing characters written out by number."""
    return "".join(f"\\u{{{ord(c):x}}}" if unicodedata.category(c) in _HIDDEN else c for c in text)


def label_kind(rule: Rule, contract: LabelContract) -> Check:
    """Make the check that the label is of the contract's kind."""
    kind = contract.label.kind
    kinds: dict[str, tuple[Callable[[object], bool], str]] = {
        "categorical": (lambda v: isinstance(v, str), "a text"),
        "pairwise": (lambda v: isinstance(v, str), "'left', 'right' or 'tie'"),
        "ordinal": (lambda v: isinstance(v, int | float), "a number"),
        "multilabel": (lambda v: _list_of(v, str), "a list of texts"),
        "spans": (lambda v: _list_of(v, Span), "a list of spans"),
        "boxes": (lambda v: _list_of(v, Box), "a list of boxes"),
    }
    fits, wanted = kinds[kind]

    takes_text = kind in {"categorical", "pairwise"}  # the common case first: this runs for every annotation

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        label = annotation.label
        if (label.__class__ is str and takes_text) or fits(label):
            return _NONE
        return finding(rule, "label", f"the label is {_kind_of(annotation.label)}; this project wants {wanted}")

    return check


def known_label(rule: Rule, contract: LabelContract) -> Check:
    """Make the check that every label is in the vocabulary."""
    values = _vocabulary(contract)
    known = frozenset(values)

    @lru_cache(maxsize=1_000)
    def nearest(value: str) -> list[str]:
        return get_close_matches(value, values, n=1)

    def object_to(value: str, path: str, *, hinted: bool = True) -> Finding:
        near = nearest(value[:_SHOWN_CHARACTERS]) if hinted else []
        hint = f"did the annotator mean {shown(near[0])}?" if near else f"the contract has {_listed(values)}"
        return finding(rule, path, f"{shown(value)} is not a label of this project; {hint}")[0]

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        label = annotation.label
        if label.__class__ is str:
            return _NONE if label in known else (object_to(str(label), "label"),)
        if not isinstance(label, list):
            return _NONE
        parts: Sequence[str | Span | Box] = label
        named = [(part if isinstance(part, str) else part.label, i) for i, part in enumerate(parts)]
        suffix = "" if label and isinstance(label[0], str) else ".label"
        unknown = [(name, f"label[{i}]{suffix}") for name, i in named if name not in known]
        return [object_to(name, path, hinted=n < _HINTS) for n, (name, path) in enumerate(unknown)]

    return check


def label_count(rule: Rule, contract: LabelContract) -> Check:
    """Make the check that a multi-label has the right number of values, none twice."""
    kind = contract.label
    if not isinstance(kind, MultilabelLabel):
        raise TypeError(kind)
    low, high = kind.min_count, kind.max_count if kind.max_count is not None else len(kind.values)

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        label = annotation.label
        if not _list_of(label, str):
            return _NONE
        if len(set(label)) < len(label):
            return finding(rule, "label", "the same value is given twice")
        if low <= len(label) <= high:
            return _NONE
        return finding(rule, "label", f"{len(label)} values are given; this project wants {low} to {high}")

    return check


def label_range(rule: Rule, contract: LabelContract) -> Check:
    """Make the check that a number lies in the contract's range and on its steps."""
    kind = contract.label
    if not isinstance(kind, OrdinalLabel):
        raise TypeError(kind)

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        label = annotation.label
        if not isinstance(label, int | float):
            return _NONE
        if not kind.low <= label <= kind.high:
            return finding(rule, "label", f"{label:.6g} lies outside {kind.low:g} to {kind.high:g}")
        if kind.step is not None and not _on_step(label, kind.low, kind.step):
            return finding(rule, "label", f"{label:g} is not on the scale's steps of {kind.step:g}")
        return _NONE

    return check


def span_bounds(rule: Rule, _: LabelContract) -> Check:
    """Make the check that spans lie inside the text and are not empty."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        size = None if annotation.item.text is None else len(annotation.item.text)
        found: list[Finding] = []
        for i, span in enumerate(_parts(annotation.label, Span)):
            if span.start >= span.end:
                found += finding(rule, f"label[{i}]", f"the span {span.start}-{span.end} is empty")
            elif span.start < 0 or (size is not None and span.end > size):
                length = "" if size is None else f", which has {size} characters"
                found += finding(rule, f"label[{i}]", f"the span {span.start}-{span.end} lies outside the text{length}")
        return found

    return check


def span_overlap(rule: Rule, _: LabelContract) -> Check:
    """Make the check that no two spans overlap."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        ordered = sorted(enumerate(_parts(annotation.label, Span)), key=lambda pair: (pair[1].start, pair[1].end))
        for (i, one), (j, other) in pairwise(ordered):
            if other.start < one.end:
                return finding(rule, f"label[{max(i, j)}]", f"the spans {min(i, j)} and {max(i, j)} overlap")
        return _NONE

    return check


def box_bounds(rule: Rule, _: LabelContract) -> Check:
    """Make the check that boxes have an area and lie inside the image, where its size is known."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        media = annotation.item.media
        right = math.inf if media is None or media.width is None else media.width
        bottom = math.inf if media is None or media.height is None else media.height
        found: list[Finding] = []
        for i, box in enumerate(_parts(annotation.label, Box)):
            if box.width <= 0 or box.height <= 0:
                found += finding(rule, f"label[{i}]", f"the box is {box.width:g} by {box.height:g}: it has no area")
            elif box.x < 0 or box.y < 0 or box.x + box.width > right or box.y + box.height > bottom:
                found += finding(rule, f"label[{i}]", "the box reaches beyond the image")
        return found

    return check


def required_fields(rule: RequiredFieldsRule, _: LabelContract) -> Check:
    """Make the check that the item carries the fields the contract requires."""
    attributes = [name.removeprefix("attributes.") for name in rule.fields if name.startswith("attributes.")]
    others = [name for name in rule.fields if not name.startswith("attributes.")]
    empty: tuple[object, ...] = (None, "", [])

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        item = annotation.item
        missing = [name for name in others if getattr(item, name) in empty]
        missing += [f"attributes.{name}" for name in attributes if not item.attributes.get(name)]
        return [finding(rule, f"item.{name}", f"the item has no {name}")[0] for name in missing]

    return check


def not_in_future(rule: NotInFutureRule, _: LabelContract) -> Check:
    """Make the check that the annotation was not made later than now."""
    tolerance = timedelta(seconds=rule.tolerance_seconds)

    def check(annotation: Annotation, circumstances: Circumstances) -> Objections:
        if annotation.occurred_at - circumstances.now <= tolerance:
            return _NONE
        return finding(rule, "occurred_at", f"{_time(annotation.occurred_at)} lies in the future")

    return check


def not_before_project(rule: NotBeforeProjectRule, _: LabelContract) -> Check:
    """Make the check that the annotation was not made before the project began."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        if annotation.occurred_at >= rule.began_at:
            return _NONE
        began, made = _time(rule.began_at), _time(annotation.occurred_at)
        return finding(rule, "occurred_at", f"{made} lies before the project began ({began})")

    return check


def not_updated_before_created(rule: Rule, _: LabelContract) -> Check:
    """Make the check that the annotation's state is not older than the annotation."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        created = annotation.created_at
        if created is None or annotation.occurred_at >= created:
            return _NONE
        made = _time(annotation.occurred_at)
        return finding(rule, "occurred_at", f"{made} lies before its creation ({_time(created)})")

    return check


def negative_lead_time(rule: Rule, _: LabelContract) -> Check:
    """Make the check that the time spent is not negative."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        seconds = annotation.lead_time_seconds
        if seconds is None or seconds >= 0:
            return _NONE
        return finding(rule, "lead_time_seconds", f"the time spent is negative ({seconds:g} s)")

    return check


def too_fast(rule: TooFastRule, _: LabelContract) -> Check:
    """Make the check that the annotator took at least so long."""
    limit = rule.lead_time_below_seconds

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        seconds = annotation.lead_time_seconds
        if seconds is None or seconds >= limit:
            return _NONE
        return finding(rule, "lead_time_seconds", f"answered in {seconds:.3g} s; under {limit:g} s is too fast")

    return check


def too_slow(rule: TooSlowRule, _: LabelContract) -> Check:
    """Make the check that the annotator took at most so long."""
    limit = rule.lead_time_above_seconds

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        seconds = annotation.lead_time_seconds
        if seconds is None or seconds <= limit:
            return _NONE
        return finding(rule, "lead_time_seconds", f"took {seconds:.0f} s; over {limit:g} s is too slow")

    return check


def faster_than_reading(rule: FasterThanReadingRule, _: LabelContract) -> Check:
    """Make the check that the annotator took as long as a fast reader needs for the text."""
    seconds_a_word = 60 / rule.words_per_minute

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        seconds, text = annotation.lead_time_seconds, annotation.item.text
        if seconds is None or text is None:
            return _NONE
        words = text.count(" ") + 1
        needed = words * seconds_a_word
        if words < rule.shortest_words or seconds >= needed:
            return _NONE
        return finding(
            rule, "lead_time_seconds", f"answered in {seconds:.3g} s; reading these {words} words takes {needed:.3g} s"
        )

    return check


def annotator_allowed(rule: AnnotatorAllowedRule, _: LabelContract) -> Check:
    """Make the check that the annotator may label this project."""
    allow = None if rule.allow is None else frozenset(rule.allow)
    deny = frozenset(rule.deny)

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        who = annotation.annotator.id
        if who in deny:
            return finding(rule, "annotator.id", f"annotator {shown(who)} is on the project's deny list")
        if allow is None or who in allow:
            return _NONE
        return finding(rule, "annotator.id", f"annotator {shown(who)} is not on the project's allow list")

    return check


def prelabel_copied(rule: Rule, _: LabelContract) -> Check:
    """Make the check that the label differs from the pre-label."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        if annotation.prelabel is None or annotation.label != annotation.prelabel:
            return _NONE
        return finding(rule, "label", "the label is the pre-label, unchanged")

    return check


def gold_missed(rule: Rule, _: LabelContract) -> Check:
    """Make the check that the label is the known right one."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        gold = annotation.item.gold
        if gold is None or _same(annotation.label, gold):
            return _NONE
        return finding(rule, "label", f"{shown(annotation.label)} was given; {shown(gold)} is known to be right")

    return check


def model_disagrees(rule: Rule, _: LabelContract) -> Check:
    """Make the check that the consistency model does not find the label improbable."""

    def check(_: Annotation, circumstances: Circumstances) -> Objections:
        score = circumstances.score
        if score is None or not score.below_threshold:
            return _NONE
        return finding(
            rule,
            "label",
            f"the model gives this label {score.label_probability:.1%}, "
            f"and {shown(score.predicted)} {score.predicted_probability:.1%}",
        )

    return check


def _vocabulary(contract: LabelContract) -> Sequence[str]:
    kind = contract.label
    if isinstance(kind, PairwiseLabel):
        return ("left", "right", "tie") if kind.ties else ("left", "right")
    if isinstance(kind, CategoricalLabel | MultilabelLabel | SpansLabel | BoxesLabel):
        return kind.values
    raise TypeError(kind)


def _listed(values: Sequence[str]) -> str:
    return ", ".join(shown(value) for value in values[:_LISTED]) + (" …" if len(values) > _LISTED else "")


def _list_of(label: object, kind: type[_Part]) -> TypeGuard[list[_Part]]:
    return isinstance(label, list) and all(isinstance(part, kind) for part in label)


def _parts(label: Label | None, kind: type[_Part]) -> list[_Part]:
    return [part for part in label if isinstance(part, kind)] if isinstance(label, list) else []


def _kind_of(label: Label | None) -> str:
    if label is None:
        return "missing"
    if isinstance(label, str):
        return "a text"
    return "a list" if isinstance(label, list) else "a number"


def _on_step(value: float, low: float, step: float) -> bool:
    steps = (value - low) / step
    return math.isfinite(steps) and abs(steps - round(steps)) < _ROUNDING


def _same(label: Label | None, gold: Label) -> bool:
    """Compare as the field does: the order of a list does not matter."""
    if isinstance(label, list) and isinstance(gold, list):
        return sorted(map(repr, label)) == sorted(map(repr, gold))
    return label == gold


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
