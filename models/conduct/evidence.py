"""Evidence that can be looked at after every annotation: e-detectors with a change at any time.

Per alternative a Shiryaev-Roberts sum of likelihood ratios, R <- (fading R + spent) x ratio: a mixture over all the
times at which the change may have come (Shin, Ramdas & Rinaldo 2022, "E-detectors", section 2). While nothing is wrong,
the sum of what was spent minus R is a martingale. So the expected number of times that R reaches 1 / level (and
begins again) is at most the level times all that was spent: `levels.py` sees to it that this is one per week.
"""

from collections.abc import Sequence
from math import log
from typing import Any

MOST = 1e12
WITHDRAW_AT = 100.0
_NEARLY = 1.92
"""Log likelihood by which a less likely time of change is still in its interval (95 %)."""


class Alternative:
    """One way in which things may have changed: the evidence, and since when it would be.

    `rise` is the log likelihood ratio since the most likely change (Page's statistic), `low_rise` by how much the
    earliest likely time is less likely than that.
    """

    __slots__ = ("evidence", "high", "low", "low_rise", "rise", "since")

    def __init__(self, evidence: float = 0.0) -> None:
        """Start with what was spent up front."""
        self.evidence = evidence
        self.rise = self.low_rise = self.low = self.since = self.high = 0.0

    def take(self, ratio: float, spent: float, fading: float, at: float) -> None:
        """Take in one annotation made `at` that is so many times as likely if things have changed."""
        if self.rise <= 0:
            self.since = at
            self.low = self.low or at
        if self.rise <= _NEARLY:
            self.high = at
        evidence = (self.evidence * fading + spent) * ratio
        self.evidence = min(MOST, evidence)
        self.rise += log(ratio)
        if self.rise < 0:
            self.low_rise -= self.rise
            self.rise = 0.0
            if self.low_rise > _NEARLY:
                self.low_rise, self.low = 0.0, 0.0

    def dump(self) -> list[float]:
        """Return it as plain JSON data."""
        return [self.evidence, self.rise, self.low_rise, self.low, self.since, self.high]

    @classmethod
    def load(cls, stored: list[float]) -> "Alternative":
        """Take back what `dump` gave."""
        one = cls()
        one.evidence, one.rise, one.low_rise, one.low, one.since, one.high = stored
        return one


class Watch:
    """One detector's evidence about one annotator: the mean of its alternatives'.

    Once raised it is quiet until the annotations since speak against it as clearly (a hundred to one).
    """

    __slots__ = ("against", "alternatives", "best", "raised", "share", "strength")

    def __init__(self, count: int, upfront: float = 0.0) -> None:
        """Have so many alternatives of equal weight."""
        self.alternatives = [Alternative(upfront) for _ in range(count)]
        self.share = 1 / count
        self.raised: str | None = None
        self.strength, self.against, self.best = upfront, 1.0, 0

    def take(self, ratios: Sequence[float], spent: float, fading: float, at: float) -> None:
        """Take in one annotation: how many times as likely it is under each alternative."""
        if self.raised is not None:
            self.against = max(self.against / ratios[self.best], 1.0)
            return
        total = 0.0
        for one, ratio in zip(self.alternatives, ratios, strict=True):
            one.take(ratio, spent, fading, at)
            total += one.evidence
        self.strength = total * self.share

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

    def begin_again(self) -> None:
        """Forget all evidence."""
        self.alternatives = [Alternative() for _ in self.alternatives]
        self.raised, self.strength, self.against, self.best = None, 0.0, 1.0, 0

    def dump(self) -> list[Any]:
        """Return it as plain JSON data."""
        return [self.raised, self.strength, self.against, self.best, [one.dump() for one in self.alternatives]]

    @classmethod
    def load(cls, stored: list[Any]) -> "Watch":
        """Take back what `dump` gave."""
        watch = cls(len(stored[4]))
        watch.raised, watch.strength, watch.against, watch.best = stored[:4]
        watch.alternatives = [Alternative.load(one) for one in stored[4]]
        return watch
