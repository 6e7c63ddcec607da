"""The conduct state of one annotator."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any, Final

from assay_models.conduct.alarm_budget import FALSE_ALARMS_PER_WEEK, LEVELS, UPFRONT, AlarmBudget
from assay_models.conduct.baseline import Baseline
from assay_models.conduct.copy_detection import AnnotatorPair
from assay_models.conduct.detectors import DETECTORS
from assay_models.conduct.e_detector import Alternative, EDetector
from assay_models.conduct.history import History
from assay_models.conduct.report_counts import ReportCounts
from assay_schemas.annotation import AnnotatorId, ItemId
from assay_schemas.conduct import Detector

_MOST_PAIRS: Final = 34
_MOST_NAMES: Final = 1_360
"""Limits on the number of pairs and on the characters of their names; a pair with a long name counts for several."""
_COPYING_PART = LEVELS[Detector.COPYING] / FALSE_ALARMS_PER_WEEK
_PARTS = [LEVELS[detector] / FALSE_ALARMS_PER_WEEK for detector in DETECTORS]


class AnnotatorState:
    """One annotator: evidence per detector and peer, baseline, history, and counts for the report. Mutable."""

    __slots__ = ("baseline", "budget", "detectors", "history", "pairs", "report_counts", "signals")

    def __init__(self, at: float) -> None:
        """Start with the time (s) of the first annotation."""
        self.budget = AlarmBudget(at)
        self.baseline = Baseline(session=at)
        self.detectors = {
            detector: EDetector(row.weights, at=at, upfront=UPFRONT.get(detector, 0.0))
            for detector, row in DETECTORS.items()
        }
        self.pairs: dict[AnnotatorId, AnnotatorPair] = {}
        self.history = History()
        self.report_counts = ReportCounts()
        self.signals = 0

    def pair(self, peer: AnnotatorId, at: float) -> AnnotatorPair:
        """Return the pair with a peer; a new one, starting at `at` (s), replaces the weakest over the limit."""
        pair = self.pairs.get(peer)
        if pair is None:
            while self.pairs and (len(self.pairs) + 1) * max(len(peer), _MOST_NAMES // _MOST_PAIRS) > _MOST_NAMES:
                del self.pairs[_weakest(self.pairs)]
            pair = self.pairs[peer] = AnnotatorPair(Alternative(at=at))
        return pair

    @property
    def e_value(self) -> float:
        """The evidence for any change: the mean e-value over all detectors, weighted by their false alarm levels."""
        parts = sum([part * detector.strength for part, detector in zip(_PARTS, self.detectors.values(), strict=True)])
        return float(parts + _COPYING_PART * sum([pair.copying.evidence for pair in self.pairs.values()]))

    def forget_item(self, item: ItemId) -> bool:
        """Delete the item's annotations, but not the evidence from them; return whether any was stored."""
        was_stored = self.history.forget(item)
        for pair in self.pairs.values():
            was_stored = pair.forget_item(item) or was_stored
        return was_stored

    def forget_peer(self, peer: AnnotatorId, pseudonym: AnnotatorId | None) -> bool:
        """Delete the pair with a peer, or rename it to the pseudonym; return whether it existed."""
        pair = self.pairs.pop(peer, None)
        if pair is not None and pseudonym is not None:
            self.pairs[pseudonym] = pair
        return pair is not None

    def standing(self) -> Iterator[Detector]:
        """Yield the detectors with a signal that has not been withdrawn."""
        yield from (detector for detector, watch in self.detectors.items() if watch.raised is not None)
        if any(pair.raised is not None for pair in self.pairs.values()):
            yield Detector.COPYING

    def dump(self) -> list[Any]:
        """Return the state as plain JSON data."""
        return [
            self.budget.dump(),
            self.baseline.dump(),
            [detector.dump() for detector in self.detectors.values()],
            {peer: pair.dump() for peer, pair in self.pairs.items()},
            self.history.dump(),
            self.report_counts.dump(),
            self.signals,
        ]

    @classmethod
    def load(cls, stored: list[Any]) -> "AnnotatorState":
        """Return the annotator that `dump` described."""
        state = cls(0.0)
        state.budget, state.baseline = AlarmBudget.load(stored[0]), Baseline.load(stored[1])
        state.detectors = {
            detector: EDetector.load(dumped, row.weights)
            for (detector, row), dumped in zip(DETECTORS.items(), stored[2], strict=True)
        }
        state.pairs = {peer: AnnotatorPair.load(pair) for peer, pair in stored[3].items()}
        state.history, state.report_counts, state.signals = (
            History.load(stored[4]),
            ReportCounts.load(stored[5]),
            stored[6],
        )
        return state


def _weakest(pairs: Mapping[AnnotatorId, AnnotatorPair]) -> AnnotatorId:
    """Return the peer with the least evidence (ties: first by name); one with a raised signal only if all have one."""
    weakest, least = AnnotatorId(""), inf
    for peer, pair in pairs.items():
        if pair.raised is None:
            evidence = pair.copying.evidence
            if evidence < least or (evidence == least and peer < weakest):
                weakest, least = peer, evidence
    return weakest or min((pair.copying.evidence, peer) for peer, pair in pairs.items())[1]
