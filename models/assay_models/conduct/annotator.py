"""All that is remembered of one annotator."""

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
from assay_schemas.conduct import Detector

_MOST_PAIRS: Final = 34
_MOST_NAMES: Final = 1_360
"""Pairs that are remembered, and characters of their names together; a pair with a long name counts for several."""
_COPYING_PART = LEVELS[Detector.COPYING] / FALSE_ALARMS_PER_WEEK
_PARTS = [LEVELS[detector] / FALSE_ALARMS_PER_WEEK for detector in DETECTORS]


class AnnotatorState:
    """One annotator: evidence by detector and peer, habits, the last annotations, tallies for the report."""

    __slots__ = ("habits", "pairs", "purse", "recent", "signals", "tallies", "watches")

    def __init__(self, at: float) -> None:
        """Begin with the time (s) of the first annotation."""
        self.purse = AlarmBudget(at)
        self.habits = Baseline(session=at)
        self.watches = {
            detector: EDetector(row.weights, at=at, upfront=UPFRONT.get(detector, 0.0))
            for detector, row in DETECTORS.items()
        }
        self.pairs: dict[str, AnnotatorPair] = {}
        self.recent = History()
        self.tallies = ReportCounts()
        self.signals = 0

    def pair(self, peer: str, at: float) -> AnnotatorPair:
        """Return the pair with a peer; a new one, from this time (s) on, takes the place of the weakest."""
        found = self.pairs.get(peer)
        if found is None:
            while self.pairs and (len(self.pairs) + 1) * max(len(peer), _MOST_NAMES // _MOST_PAIRS) > _MOST_NAMES:
                del self.pairs[_weakest(self.pairs)]
            found = self.pairs[peer] = AnnotatorPair(Alternative(at=at))
        return found

    @property
    def e_value(self) -> float:
        """The evidence that anything is wrong: the mean over the detectors, weighed by their allowances."""
        parts = sum([part * watch.strength for part, watch in zip(_PARTS, self.watches.values(), strict=True)])
        return float(parts + _COPYING_PART * sum([pair.copying.evidence for pair in self.pairs.values()]))

    def forget_item(self, item: str) -> bool:
        """Forget which annotations of the item there were, not what was concluded; tell whether any was remembered."""
        found = self.recent.forget(item)
        for pair in self.pairs.values():
            found = pair.forget_item(item) or found
        return found

    def forget_peer(self, peer: str, pseudonym: str | None) -> bool:
        """Forget the pair with a peer, or have it under another name; tell whether there was one."""
        pair = self.pairs.pop(peer, None)
        if pair is not None and pseudonym is not None:
            self.pairs[pseudonym] = pair
        return pair is not None

    def standing(self) -> Iterator[Detector]:
        """Yield what is raised and not withdrawn."""
        yield from (detector for detector, watch in self.watches.items() if watch.raised is not None)
        if any(pair.raised is not None for pair in self.pairs.values()):
            yield Detector.COPYING

    def dump(self) -> list[Any]:
        """Return it as plain JSON data."""
        return [
            self.purse.dump(),
            self.habits.dump(),
            [watch.dump() for watch in self.watches.values()],
            {peer: pair.dump() for peer, pair in self.pairs.items()},
            self.recent.dump(),
            self.tallies.dump(),
            self.signals,
        ]

    @classmethod
    def load(cls, stored: list[Any]) -> "AnnotatorState":
        """Take back what `dump` gave."""
        one = cls(0.0)
        one.purse, one.habits = AlarmBudget.load(stored[0]), Baseline.load(stored[1])
        one.watches = {
            detector: EDetector.load(found, row.weights)
            for (detector, row), found in zip(DETECTORS.items(), stored[2], strict=True)
        }
        one.pairs = {peer: AnnotatorPair.load(pair) for peer, pair in stored[3].items()}
        one.recent, one.tallies, one.signals = History.load(stored[4]), ReportCounts.load(stored[5]), stored[6]
        return one


def _weakest(pairs: Mapping[str, AnnotatorPair]) -> str:
    """Return the peer with whom there is least evidence, of several the first by name; raised ones only at need."""
    weakest, least = "", inf
    for peer, pair in pairs.items():
        if pair.raised is None:
            evidence = pair.copying.evidence
            if evidence < least or (evidence == least and peer < weakest):
                weakest, least = peer, evidence
    return weakest or min((pair.copying.evidence, peer) for peer, pair in pairs.items())[1]
