"""Updates all detectors and pairs of an annotator with one annotation, and returns which to raise or withdraw."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from assay_models.conduct import copy_detection
from assay_models.conduct.alarm_budget import LEVELS, UPFRONT
from assay_models.conduct.annotator import AnnotatorState
from assay_models.conduct.copy_detection import AnnotatorPair
from assay_models.conduct.detectors import DETECTORS, Features
from assay_models.conduct.e_detector import Bet, EDetector
from assay_models.conduct.features import ComparisonLabel
from assay_models.conduct.judged_annotation import JudgedAnnotation
from assay_models.conduct.labels import name_of
from assay_models.conduct.population import GOLD, Population
from assay_schemas.annotation import AnnotatorId
from assay_schemas.conduct import Detector

_COPYING_AT: Final = 1 / LEVELS[Detector.COPYING]
_DEMANDS = [
    (detector, row.ratios, 1 / LEVELS[detector], 1 - UPFRONT.get(detector, 0.0)) for detector, row in DETECTORS.items()
]
"""Per detector: ratio function, evidence threshold, and the share of the first week's budget not spent up front."""
_ROUNDING: Final = 1 - 1e-9
"""Tolerance: a bet that was cut to avoid overshoot leads to exactly the threshold."""


class DetectionChange(NamedTuple):
    """A detector or pair (`about`) whose signal is to be raised, or else withdrawn. `peer` is None for detectors."""

    detector: Detector
    peer: AnnotatorId | None
    about: EDetector | AnnotatorPair
    raised: bool


def update_detectors(look: Features, own: AnnotatorState, pool: Population, *, spent: float) -> list[DetectionChange]:
    """Update every detector with the annotation; return those to raise or to withdraw."""
    habits, fading = own.baseline, own.budget.fading
    first, changes = own.budget.is_in_first_week, list[DetectionChange]()
    for detector, ratios, demanded, left in _DEMANDS:
        state, ratio_or_bet = own.detectors[detector], ratios(look, habits, pool)
        budget = spent * left if first else spent
        if isinstance(ratio_or_bet, Bet):
            state.update_with_bet(ratio_or_bet, budget, fading, look.at, agrees=look.agrees, demanded=demanded)
        elif ratio_or_bet is not None:
            state.update(ratio_or_bet, budget, fading, look.at)
        due = state.strength >= demanded * _ROUNDING if state.raised is None else state.is_refuted
        if due and (detector is not Detector.FATIGUE or _spans_sessions(state, own)):
            changes.append(DetectionChange(detector, None, state, raised=state.raised is None))
    return changes


def _spans_sessions(state: EDetector, own: AnnotatorState) -> bool:
    """Return whether the change began before this session: one bad session may have other causes than fatigue."""
    return state.raised is not None or state.choose().since < own.baseline.session


def update_pairs(
    judged: JudgedAnnotation,
    truth: ComparisonLabel,
    look: Features,
    own: AnnotatorState,
    pool: Population,
    *,
    spent: float,
) -> Iterator[DetectionChange]:
    """Update the annotator's pairs with the other annotators of the item; yield those to raise or to withdraw.

    A pair belongs to the annotator whose name sorts first. Each item therefore counts once, and the state of one
    annotator suffices.
    """
    peers = sorted(peer for peer in judged.others if peer > judged.annotator)
    if look.truth is None or not peers:
        return
    for peer in peers:
        theirs, pair = name_of(judged.others[peer]), own.pair(peer, look.at)
        same = theirs == look.label
        ratio = copy_detection.ratio(look, own.baseline, pool, truth.kind, theirs)
        pair.update(ratio, spent / len(peers), own.budget.fading, look.at)
        pair.count(same=same, error=not look.agrees)
        is_gold = truth.kind == GOLD
        pair.record(ratio, [judged.item, judged.annotation, look.label, look.truth, is_gold, look.at])
        pool.note_pair(truth.kind, dissents=theirs != look.truth, same=same)
        if pair.raised is None and pair.copying.evidence >= _COPYING_AT:
            yield DetectionChange(Detector.COPYING, peer, pair, raised=True)
        elif pair.is_refuted:
            yield DetectionChange(Detector.COPYING, peer, pair, raised=False)
