"""Checks of the label: its kind, vocabulary, count, range, and bounds inside the item."""

import math
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import TypeGuard, TypeVar

from assay_models.rules.check import NONE, SHOWN_CHARACTERS, Check, Circumstances, Objections, finding, shown
from assay_schemas.annotation import Annotation, Box, Label, Span
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.label_kinds import (
    BoxesLabel,
    CategoricalLabel,
    MultilabelLabel,
    OrdinalLabel,
    PairwiseLabel,
    SpansLabel,
)
from assay_schemas.contract.rules import BUILT_IN, Rule
from assay_schemas.lookalikes import look, spelled_out
from assay_schemas.verdict import Finding

_HINTS = 3
_LISTED = 5
_ROUNDING = 1e-9
_Part = TypeVar("_Part")


def label_kind(rule: Rule, contract: LabelContract) -> Check:
    """Return the check that the label has the contract's kind."""
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
            return NONE
        return finding(rule, "label", f"the label is {_kind_of(annotation.label)}; this project wants {wanted}")

    return check


def known_label(rule: Rule, contract: LabelContract) -> Check:
    """Return the check that every label is in the vocabulary."""
    values = _vocabulary(contract)
    known = frozenset(values)
    looks = {look(value): value for value in values}

    @lru_cache(maxsize=1_000)
    def nearest(value: str) -> list[str]:
        return get_close_matches(value, values, n=1)

    def object_to(value: str, path: str, *, hinted: bool = True) -> Finding:
        alike = looks.get(look(value))
        if alike is not None:
            why = f"{spelled_out(value)} looks like the label {spelled_out(alike)}, which is written otherwise"
            return finding(rule, path, why)[0]
        near = nearest(value[:SHOWN_CHARACTERS]) if hinted else []
        hint = f"did the annotator mean {shown(near[0])}?" if near else f"the contract has {_listed(values)}"
        return finding(rule, path, f"{shown(value)} is not a label of this project; {hint}")[0]

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        label = annotation.label
        if label.__class__ is str:
            return NONE if label in known else (object_to(str(label), "label"),)
        if not isinstance(label, list):
            return NONE
        parts: Sequence[str | Span | Box] = label
        named = [(part if isinstance(part, str) else part.label, i) for i, part in enumerate(parts)]
        suffix = "" if label and isinstance(label[0], str) else ".label"
        unknown = [(name, f"label[{i}]{suffix}") for name, i in named if name not in known]
        return [object_to(name, path, hinted=n < _HINTS) for n, (name, path) in enumerate(unknown)]

    return check


def label_count(rule: Rule, contract: LabelContract) -> Check:
    """Return the check that a multi-label has an allowed number of values, without repetition."""
    kind = contract.label
    if not isinstance(kind, MultilabelLabel):
        raise TypeError(kind)
    low, high = kind.min_count, kind.max_count if kind.max_count is not None else len(kind.values)

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        label = annotation.label
        if not _list_of(label, str):
            return NONE
        if len(set(label)) < len(label):
            return finding(rule, "label", "the same value is given twice")
        if low <= len(label) <= high:
            return NONE
        return finding(rule, "label", f"{len(label)} values are given; this project wants {low} to {high}")

    return check


def label_range(rule: Rule, contract: LabelContract) -> Check:
    """Return the check that a number lies in the contract's range and on its steps."""
    kind = contract.label
    if not isinstance(kind, OrdinalLabel):
        raise TypeError(kind)

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        label = annotation.label
        if not isinstance(label, int | float):
            return NONE
        if not kind.low <= label <= kind.high:
            return finding(rule, "label", f"{label:.6g} lies outside {kind.low:g} to {kind.high:g}")
        if kind.step is not None and not _on_step(label, kind.low, kind.step):
            return finding(rule, "label", f"{label:g} is not on the scale's steps of {kind.step:g}")
        return NONE

    return check


def span_bounds(rule: Rule, _: LabelContract) -> Check:
    """Return the check that spans lie inside the text and are not empty."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        size = None if annotation.item.text is None else len(annotation.item.text)
        findings: list[Finding] = []
        for i, span in enumerate(_parts(annotation.label, Span)):
            if span.start >= span.end:
                findings += finding(rule, f"label[{i}]", f"the span {span.start}-{span.end} is empty")
            elif span.start < 0 or (size is not None and span.end > size):
                length = "" if size is None else f", which has {size} characters"
                findings += finding(
                    rule, f"label[{i}]", f"the span {span.start}-{span.end} lies outside the text{length}"
                )
        return findings

    return check


def span_overlap(rule: Rule, _: LabelContract) -> Check:
    """Return the check that no two spans overlap."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        ordered = sorted(enumerate(_parts(annotation.label, Span)), key=lambda pair: (pair[1].start, pair[1].end))
        for (i, one), (j, other) in pairwise(ordered):
            if other.start < one.end:
                return finding(rule, f"label[{max(i, j)}]", f"the spans {min(i, j)} and {max(i, j)} overlap")
        return NONE

    return check


def box_bounds(rule: Rule, _: LabelContract) -> Check:
    """Return the check that boxes have an area and lie inside the image, if its size is known."""

    def check(annotation: Annotation, _: Circumstances) -> Objections:
        media = annotation.item.media
        right = math.inf if media is None or media.width is None else media.width
        bottom = math.inf if media is None or media.height is None else media.height
        findings: list[Finding] = []
        for i, box in enumerate(_parts(annotation.label, Box)):
            if box.width <= 0 or box.height <= 0:
                findings += finding(rule, f"label[{i}]", f"the box is {box.width:g} by {box.height:g}: it has no area")
            elif box.x < 0 or box.y < 0 or box.x + box.width > right or box.y + box.height > bottom:
                findings += finding(rule, f"label[{i}]", "the box reaches beyond the image")
        return findings

    return check


def label_objections(contract: LabelContract) -> Check:
    """Return one check of all that a label has to be by its contract's kind: kind, vocabulary, count, range."""
    makers = {"label-kind": label_kind, "known-label": known_label}
    if contract.label.kind == "multilabel":
        makers["label-count"] = label_count
    if contract.label.kind == "ordinal":
        makers = {"label-kind": label_kind, "label-range": label_range}
    checks = [make(BUILT_IN[name](), contract) for name, make in makers.items()]  # type: ignore[call-arg]

    def check(annotation: Annotation, circumstances: Circumstances) -> Objections:
        return [one for check in checks for one in check(annotation, circumstances)]

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
