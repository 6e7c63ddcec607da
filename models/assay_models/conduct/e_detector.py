"""E-detectors: sequential evidence for a change at an unknown time, valid after every annotation.

For each alternative a Shiryaev-Roberts sum of likelihood ratios, R <- (fading R + spent) x ratio: a mixture over all
possible change times (Shin, Ramdas & Rinaldo 2022, "E-detectors", section 2). Without a change, R minus the sum of
what was spent is a martingale. The expected number of times that R reaches 1 / level (and restarts) is therefore at
most the level times the total spent; `alarm_budget.py` limits that total to one per week.
"""

from collections.abc import Sequence
from math import log
from typing import Any, Final, NamedTuple

MOST: Final = 1e12
WITHDRAW_AT: Final = 10_000.0
_OUT_OF_ORDER: Final = 1_800.0
"""Usual delay (s) by which annotations are judged out of order, because items wait for their votes."""
_NEARLY: Final = 4.0
"""Change times with a log-likelihood at most this far below the maximum form the interval (coverage about 90 %)."""

_STATE: Final = ("evidence", "high", "low", "low_rise", "middle", "middle_rise", "rise", "since")
"""Attributes of an alternative, in the order of the stored state."""


class Bet(NamedTuple):
    """Likelihood ratios for an annotation that may agree with the truth or not.

    `agreeing` and `disagreeing`: the likelihood ratio of either outcome, per alternative; `usual`: the probability of
    agreement (0-1) without a change.
    """

    agreeing: Sequence[float]
    disagreeing: Sequence[float]
    usual: float


class Alternative:
    """The evidence for one alternative, and the interval of its change time. Times in s since 1970.

    `rise` is the log-likelihood ratio since the most likely change time (Page's statistic). `low` and `high` are the
    first and last change times that are nearly as likely, and `low_rise` is the log-likelihood by which `low` is less
    likely. `middle` replaces `low` once that has become unlikely.
    """

    __slots__ = _STATE

    def __init__(self, evidence: float = 0.0, at: float = 0.0) -> None:
        """Start at this time with the evidence that was spent up front."""
        self.evidence = evidence
        self.low = self.middle = self.since = self.high = at
        self.rise = self.low_rise = self.middle_rise = 0.0

    def update(self, ratio: float, spent: float, fading: float, at: float, *, sharpened: float = 1.0) -> None:
        """Multiply in the likelihood ratio of one annotation made at `at`.

        When `rise` falls to 0, nothing since an earlier time supports a change: the most likely change time is now.
        """
        rise = self.rise
        if rise <= 0:
            self.since = self.high = at
            self.low_rise -= rise
            self.middle_rise -= rise
            if self.low_rise > _NEARLY:
                self.low, self.low_rise = self.middle, self.middle_rise
                self.middle, self.middle_rise = at, 0.0
            elif self.middle_rise > _NEARLY / 2:
                self.middle, self.middle_rise = at, 0.0
            rise = 0.0
        elif rise <= _NEARLY:
            self.high = at
        if at < self.low <= at + _OUT_OF_ORDER:
            self.low = at
        evidence = (self.evidence * fading + spent) * ratio * sharpened
        self.evidence = evidence if evidence < MOST else MOST  # noqa: FURB136  # min() takes as long as all the rest
        self.rise = rise + log(ratio)

    def dump(self) -> list[float]:
        """Return the state as plain JSON data."""
        return [getattr(self, name) for name in _STATE]

    @classmethod
    def load(cls, stored: list[float]) -> "Alternative":
        """Return the alternative that `dump` described."""
        alternative = cls()
        for name, value in zip(_STATE, stored, strict=True):
            setattr(alternative, name, value)
        return alternative


class EDetector:
    """The evidence of one detector about one annotator: the weighted mean over its alternatives.

    After a signal it accumulates only counter-evidence, until the signal is withdrawn.
    """

    __slots__ = ("against", "alternatives", "best", "raised", "strength", "weights")

    def __init__(self, weights: Sequence[float], *, at: float = 0.0, upfront: float = 0.0) -> None:
        """Start at this time with alternatives of these weights, which add up to 1."""
        self.alternatives = [Alternative(upfront, at) for _ in weights]
        self.weights = weights
        self.raised: str | None = None
        self.strength, self.against, self.best = upfront, 1.0, 0

    def update(
        self, ratios: Sequence[float], spent: float, fading: float, at: float, *, sharpened: float = 1.0
    ) -> None:
        """Update with one annotation, given its likelihood ratio under each alternative."""
        if self.raised is not None:
            usual = sum([ratio * weight for ratio, weight in zip(ratios, self.weights, strict=True)])
            self.against = max(self.against / usual, 1.0)
            return
        total = 0.0
        for one, ratio, weight in zip(self.alternatives, ratios, self.weights, strict=True):
            one.update(ratio, spent, fading, at, sharpened=sharpened)
            total += one.evidence * weight
        self.strength = total

    def update_with_bet(
        self, bet: Bet, spent: float, fading: float, at: float, *, agrees: bool, demanded: float
    ) -> None:
        """Update with one annotation that agrees or not, avoiding overshoot of the threshold `demanded`.

        Where a disagreement would lead beyond the threshold, the bet on it is cut there, and the difference is added
        to the bet on an agreement; the whole bet stays fair (Fischer & Ramdas 2024, "Improving Wald's (approximate)
        sequential probability ratio test by avoiding overshoot").
        """
        if not agrees:
            self.update(bet.disagreeing, spent, fading, at)
            return
        lost, won, sharpened = 0.0, 0.0, 1.0
        for place, one in enumerate(self.alternatives):
            stake = (one.evidence * fading + spent) * self.weights[place]
            lost += stake * bet.disagreeing[place]
            won += stake * bet.agreeing[place]
        if lost > demanded:
            sharpened += (1 - bet.usual) * (lost - demanded) / (bet.usual * won)
        self.update(bet.agreeing, spent, fading, at, sharpened=sharpened)

    @property
    def leading(self) -> Alternative:
        """The alternative selected by `choose`."""
        return self.alternatives[self.best]

    def choose(self) -> Alternative:
        """Select the alternative with the most evidence and return it."""
        self.best = max(range(len(self.alternatives)), key=lambda place: self.alternatives[place].evidence)
        return self.leading

    def raise_as(self, signal: str) -> None:
        """Mark as raised by the signal with this id."""
        self.raised, self.against = signal, 1.0

    @property
    def is_refuted(self) -> bool:
        """Return whether the counter-evidence suffices to withdraw the signal."""
        return self.against >= WITHDRAW_AT

    def begin_again(self, at: float) -> None:
        """Discard all evidence up to this time (s)."""
        self.alternatives = [Alternative(at=at) for _ in self.alternatives]
        self.raised, self.strength, self.against, self.best = None, 0.0, 1.0, 0

    def dump(self) -> list[Any]:
        """Return the state as plain JSON data."""
        return [self.raised, self.strength, self.against, self.best, [one.dump() for one in self.alternatives]]

    @classmethod
    def load(cls, stored: list[Any], weights: Sequence[float]) -> "EDetector":
        """Return the detector that `dump` described."""
        detector = cls(weights)
        detector.raised, detector.strength, detector.against, detector.best = stored[:4]
        detector.alternatives = [Alternative.load(alternative) for alternative in stored[4]]
        return detector
