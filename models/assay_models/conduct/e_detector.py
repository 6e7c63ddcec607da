"""Evidence that can be looked at after every annotation: e-detectors with a change at any time.

Per alternative a Shiryaev-Roberts sum of likelihood ratios, R <- (fading R + spent) x ratio: a mixture over all the
times at which the change may have come (Shin, Ramdas & Rinaldo 2022, "E-detectors", section 2). While nothing is wrong,
the sum of what was spent minus R is a martingale. So the expected number of times that R reaches 1 / level (and
begins again) is at most the level times all that was spent: `levels.py` sees to it that this is one per week.
"""

from collections.abc import Sequence
from math import log
from typing import Any, Final, NamedTuple

MOST: Final = 1e12
WITHDRAW_AT: Final = 10_000.0
_OUT_OF_ORDER: Final = 1_800.0
"""By how much (s) annotations are usually judged out of order: items wait for their votes."""
_NEARLY: Final = 4.0
"""Log likelihood by which a less likely time of change is still in its interval (nine in ten hold the true time)."""

_STATE: Final = ("evidence", "high", "low", "low_rise", "middle", "middle_rise", "rise", "since")
"""What an alternative keeps, in the order in which it is stored."""


class Bet(NamedTuple):
    """On one annotation that agrees or does not.

    `agreeing` and `disagreeing`: how many times as likely that is under each alternative; `usual`: how probable
    agreement is while nothing is wrong.
    """

    agreeing: Sequence[float]
    disagreeing: Sequence[float]
    usual: float


class Alternative:
    """One way in which things may have changed: the evidence, and since when it would be.

    `rise` is the log likelihood ratio since the most likely time of the change (Page's statistic). `low` and `high`
    are the first and the last time that are nearly as likely, `low_rise` by how much the first one is less so.
    `middle` takes the place of `low` when that has become unlikely.
    """

    __slots__ = _STATE

    def __init__(self, evidence: float = 0.0, at: float = 0.0) -> None:
        """Start at this time with what was spent up front."""
        self.evidence = evidence
        self.low = self.middle = self.since = self.high = at
        self.rise = self.low_rise = self.middle_rise = 0.0

    def update(self, ratio: float, spent: float, fading: float, at: float, *, sharpened: float = 1.0) -> None:
        """Take in one annotation made `at` that is so many times as likely if things have changed.

        Where the rise begins anew, nothing since an earlier time spoke for a change, and this is the most likely time.
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
        self.evidence = evidence if evidence < MOST else MOST  # noqa: FURB136  # a call takes as long as all the rest
        self.rise = rise + log(ratio)

    def dump(self) -> list[float]:
        """Return it as plain JSON data."""
        return [getattr(self, name) for name in _STATE]

    @classmethod
    def load(cls, stored: list[float]) -> "Alternative":
        """Take back what `dump` gave."""
        one = cls()
        for name, value in zip(_STATE, stored, strict=True):
            setattr(one, name, value)
        return one


class EDetector:
    """One detector's evidence about one annotator: the mean of its alternatives', by their weights.

    Once raised it is quiet until the annotations since speak against it as clearly.
    """

    __slots__ = ("against", "alternatives", "best", "raised", "strength", "weights")

    def __init__(self, weights: Sequence[float], *, at: float = 0.0, upfront: float = 0.0) -> None:
        """Have alternatives of these weights, which add up to 1, from this time on."""
        self.alternatives = [Alternative(upfront, at) for _ in weights]
        self.weights = weights
        self.raised: str | None = None
        self.strength, self.against, self.best = upfront, 1.0, 0

    def update(
        self, ratios: Sequence[float], spent: float, fading: float, at: float, *, sharpened: float = 1.0
    ) -> None:
        """Take in one annotation: how many times as likely it is under each alternative."""
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
        """Take in one annotation by a bet; evidence beyond what is `demanded` is not wasted.

        Where a disagreement would lead beyond what is demanded, the bet on it is cut there, and what is saved goes to
        the bet on an agreement: the whole stays fair (Fischer & Ramdas 2024, "Improving Wald's (approximate)
        sequential probability ratio test by avoiding overshoot").
        """
        if not agrees:
            self.update(bet.disagreeing, spent, fading, at)
            return
        lost, won, sharpened = 0.0, 0.0, 1.0
        for place, one in enumerate(self.alternatives):
            held = (one.evidence * fading + spent) * self.weights[place]
            lost += held * bet.disagreeing[place]
            won += held * bet.agreeing[place]
        if lost > demanded:
            sharpened += (1 - bet.usual) * (lost - demanded) / (bet.usual * won)
        self.update(bet.agreeing, spent, fading, at, sharpened=sharpened)

    @property
    def leading(self) -> Alternative:
        """The alternative that was chosen."""
        return self.alternatives[self.best]

    def choose(self) -> Alternative:
        """Let the alternative with the most evidence be the leading one, and return it."""
        self.best = max(range(len(self.alternatives)), key=lambda place: self.alternatives[place].evidence)
        return self.leading

    def raise_as(self, signal: str) -> None:
        """Count as raised, by a signal of this id."""
        self.raised, self.against = signal, 1.0

    @property
    def is_refuted(self) -> bool:
        """Tell whether what was raised is to be withdrawn."""
        return self.against >= WITHDRAW_AT

    def begin_again(self, at: float) -> None:
        """Forget all evidence up to this time."""
        self.alternatives = [Alternative(at=at) for _ in self.alternatives]
        self.raised, self.strength, self.against, self.best = None, 0.0, 1.0, 0

    def dump(self) -> list[Any]:
        """Return it as plain JSON data."""
        return [self.raised, self.strength, self.against, self.best, [one.dump() for one in self.alternatives]]

    @classmethod
    def load(cls, stored: list[Any], weights: Sequence[float]) -> "EDetector":
        """Take back what `dump` gave."""
        watch = cls(weights)
        watch.raised, watch.strength, watch.against, watch.best = stored[:4]
        watch.alternatives = [Alternative.load(one) for one in stored[4]]
        return watch
