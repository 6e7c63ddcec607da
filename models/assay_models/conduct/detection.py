"""Take one annotation in by all detectors of its annotator, and say what is to be raised or withdrawn."""

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
from assay_schemas.conduct import Detector

_COPYING_AT: Final = 1 / LEVELS[Detector.COPYING]
_DEMANDS = [
    (detector, row.ratios, 1 / LEVELS[detector], 1 - UPFRONT.get(detector, 0.0)) for detector, row in DETECTORS.items()
]
"""Of each detector: what judges an annotation, the evidence demanded, what is left of the first week's allowance."""
_ROUNDING: Final = 1 - 1e-9
"""A sharpened bet leads to exactly what is demanded."""


class DetectionChange(NamedTuple):
    """What is to be said: a detector's watch or a pair, and whether it is raised or else withdrawn."""

    detector: Detector
    peer: str | None
    about: EDetector | AnnotatorPair
    raised: bool


def update_detectors(look: Features, own: AnnotatorState, pool: Population, *, spent: float) -> list[DetectionChange]:
    """Let each detector take the annotation in; return those that have reached what their level demands."""
    habits, fading = own.habits, own.purse.fading
    first, changes = own.purse.is_in_first_week, list[DetectionChange]()
    for detector, ratios, demanded, left in _DEMANDS:
        watch, said = own.watches[detector], ratios(look, habits, pool)
        share = spent * left if first else spent
        if isinstance(said, Bet):
            watch.update_with_bet(said, share, fading, look.at, agrees=look.agrees, demanded=demanded)
        elif said is not None:
            watch.update(said, share, fading, look.at)
        due = watch.strength >= demanded * _ROUNDING if watch.raised is None else watch.is_refuted
        if due and (detector is not Detector.FATIGUE or _spans_sessions(watch, own)):
            changes.append(DetectionChange(detector, None, watch, raised=watch.raised is None))
    return changes


def _spans_sessions(watch: EDetector, own: AnnotatorState) -> bool:
    """Tell whether what was seen began before this session: one bad session may have other reasons than fatigue."""
    return watch.raised is not None or watch.choose().since < own.habits.session


def update_pairs(
    judged: JudgedAnnotation,
    truth: ComparisonLabel,
    look: Features,
    own: AnnotatorState,
    pool: Population,
    *,
    spent: float,
) -> Iterator[DetectionChange]:
    """Let the pairs with the item's other annotators take it in.

    A pair belongs to the one of the two who comes first by name, so an item counts once, and one annotator's state
    is enough.
    """
    peers = sorted(peer for peer in judged.others if peer > judged.annotator)
    if look.truth is None or not peers:
        return
    for peer in peers:
        theirs, pair = name_of(judged.others[peer]), own.pair(peer, look.at)
        same = theirs == look.label
        ratio = copy_detection.ratio(look, own.habits, pool, truth.kind, theirs)
        pair.update(ratio, spent / len(peers), own.purse.fading, look.at)
        pair.count(same=same, error=not look.agrees)
        is_gold = truth.kind == GOLD
        pair.record(ratio, [judged.item, judged.annotation, look.label, look.truth, is_gold, look.at])
        pool.note_pair(truth.kind, dissents=theirs != look.truth, same=same)
        if pair.raised is None and pair.copying.evidence >= _COPYING_AT:
            yield DetectionChange(Detector.COPYING, peer, pair, raised=True)
        elif pair.is_refuted:
            yield DetectionChange(Detector.COPYING, peer, pair, raised=False)
