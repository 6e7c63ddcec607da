"""What other systems do about annotators who get worse, as rules over one annotator's agreement with the consensus.

Each rule is made with one setting, so that all can be set to the same rate of false alarms.
"""

from collections import deque
from collections.abc import Callable, Sequence
from math import log
from random import Random
from typing import Any, Protocol

from river.drift import ADWIN
from scipy.stats import chi2

_ADWIN: Any = ADWIN  # it has no types
_WINDOW = 20
_LOOKS, _VOTES = 5, 100


class Rule(Protocol):
    """A rule is told of each annotation whether it agreed, and answers whether it objects."""

    def put(self, *, agrees: bool) -> bool:
        """Take one annotation."""
        ...


class InARow:
    """So many disagreements one after the other (a count rule as on crowdsourcing platforms)."""

    def __init__(self, count: float) -> None:
        """Object at this many."""
        self._most, self._run = count, 0

    def put(self, *, agrees: bool) -> bool:
        """Take one annotation."""
        self._run = 0 if agrees else self._run + 1
        if self._run < self._most:
            return False
        self._run = 0
        return True


class ShareOfBlock:
    """Less than this share right in a block of 20 (as Toloka's control tasks: a share after so many answers)."""

    def __init__(self, share: float) -> None:
        """Object below this share."""
        self._share, self._seen = share, [0, 0]

    def put(self, *, agrees: bool) -> bool:
        """Take one annotation."""
        self._seen = [self._seen[0] + 1, self._seen[1] + agrees]
        if self._seen[0] < _WINDOW:
            return False
        objects = self._seen[1] < self._share * _WINDOW
        self._seen = [0, 0]
        return objects


class MovingAverage:
    """Less than this share right among the last 20."""

    def __init__(self, share: float) -> None:
        """Object below this share."""
        self._share, self._last = share, deque[bool](maxlen=_WINDOW)

    def put(self, *, agrees: bool) -> bool:
        """Take one annotation."""
        self._last.append(agrees)
        if len(self._last) < _WINDOW or sum(self._last) >= self._share * _WINDOW:
            return False
        self._last.clear()
        return True


class Adwin:
    """River's ADWIN on the errors; it objects when they have become more frequent."""

    def __init__(self, delta: float) -> None:
        """Take ADWIN's own level."""
        self._adwin: Any = _ADWIN(delta=delta, clock=1, grace_period=10)

    def put(self, *, agrees: bool) -> bool:
        """Take one annotation."""
        before = self._adwin.estimation
        self._adwin.update(1 - agrees)
        return bool(self._adwin.drift_detected and self._adwin.estimation > before)


class FisherProduct:
    """The product of p-values, by Fisher's test at five random looks in a hundred votes, as for Chatbot Arena's voters.

    The p-value of a disagreement is how often disagreements were seen before; of an agreement it is 1. Arena looks
    at an annotator's first hundred votes only; here each hundred is looked at anew.
    """

    def __init__(self, level: float) -> None:
        """Take the level of each look."""
        self._thresholds = [float(chi2.ppf(1 - level, 2 * votes)) for votes in range(1, _VOTES + 1)]
        self._dice = Random(0)  # noqa: S311  # a simulation
        self._seen, self._errors, self._place, self._sum = 0, 0, 0, 0.0
        self._looks: set[int] = set()

    def put(self, *, agrees: bool) -> bool:
        """Take one annotation."""
        if self._place == 0:
            self._looks, self._sum = set(self._dice.sample(range(1, _VOTES + 1), _LOOKS)), 0.0
        self._place += 1
        if not agrees:
            self._sum -= 2 * log((self._errors + 1) / (self._seen + 1))
        self._seen, self._errors = self._seen + 1, self._errors + (not agrees)
        objects = self._place in self._looks and self._sum >= self._thresholds[self._place - 1]
        if objects or self._place == _VOTES:
            self._place = 0
        return objects


RULES: dict[str, tuple[Callable[[float], Rule], Sequence[float]]] = {
    "k disagreements in a row": (InARow, tuple(range(3, 16))),
    "share of each 20": (ShareOfBlock, tuple(share / 20 for share in range(12, 0, -1))),
    "moving average of 20": (MovingAverage, tuple(share / 20 for share in range(12, 0, -1))),
    "ADWIN (river)": (Adwin, (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001, 1e-4, 1e-6)),
    "product of p-values": (FisherProduct, (0.9, 0.7, 0.5, 0.3, 0.1, 0.03, 0.01, 0.001, 1e-4, 1e-6)),
}
"""Rules and their settings, from the one that objects most to the one that objects least."""


def alarms(rule: Rule, agreements: Sequence[bool]) -> int:
    """Return how often a rule objects."""
    return sum(rule.put(agrees=agrees) for agrees in agreements)


def delay(rule: Rule, before: Sequence[bool], after: Sequence[bool]) -> int | None:
    """Return after how many annotations of `after` a rule objects first; None if it does not."""
    for agrees in before:
        rule.put(agrees=agrees)
    return next((number for number, agrees in enumerate(after, 1) if rule.put(agrees=agrees)), None)
