"""Baseline of all annotators of a project: how often they agree with the consensus, and how fast they are.

All counts are whole numbers, and each minute of event time enters the baseline once it is over. The order in which
different annotators' annotations arrive within a minute therefore does not matter: all are compared with the same
baseline.
"""

from bisect import bisect_right
from math import log
from typing import Any, Final

_EDGES = (0.5, 0.7, 0.85, 0.92, 0.95, 0.98)
_MIDDLES = (0.4, 0.6, 0.78, 0.89, 0.935, 0.965, 0.99, 1.0)
"""Accuracy assumed for each kind of consensus. Kinds are ranges of the consensus probability; the last kind is gold."""
GOLD: Final = len(_EDGES) + 1

USUAL_ACCURACY: Final = 0.87
"""Prior accuracy of annotators."""
_PRIOR_COUNT: Final = 20
_LEAST_ABOVE_CHANCE: Final = 0.05
_MOST: Final = 0.985
_MOST_CELLS: Final = 2_000
_MILLION: Final = 1_000_000
_ENOUGH_TIMES: Final = 50
_CLIPPED_FROM: Final = 100
_CLIP: Final = 3.0
_LEAST_SPREAD: Final = 0.1
_USUALLY_CLOSE: Final = 0.1
_MINUTE: Final = 60.0
_DAY_MINUTES: Final = 1_440


def kind_of(probability: float | None) -> int:
    """Return the kind (0 to 6) of a consensus with this probability (0-1); None counts as 0."""
    return bisect_right(_EDGES, probability or 0.0)


class Population:
    """The baseline, updated online. `chance` (0-1) is the probability of agreement by chance. Mutable."""

    __slots__ = ("_counts", "_known", "_minute", "_pending", "chance")

    def __init__(self, classes: int) -> None:
        """Start without observations, for a project with this many labels to choose from."""
        self.chance = 1 / classes
        self._counts: dict[tuple[Any, ...], list[int]] = {}
        self._pending: dict[tuple[Any, ...], list[int]] = {}
        self._known: dict[tuple[Any, ...], Any] = {}
        self._minute = -1.0

    def pass_to(self, at: float) -> bool:
        """Add the observations of the past minute if `at` (s) is in a later one; return whether it is.

        A time more than a day back counts as a later minute, too.
        """
        minute = at // _MINUTE
        if self._minute - _DAY_MINUTES <= minute <= self._minute:
            return False
        self._minute = minute
        for key, added in self._pending.items():
            counts = self._counts.get(key)
            if counts is not None:
                counts[:] = [one + other for one, other in zip(counts, added, strict=True)]
            elif len(self._counts) < _MOST_CELLS:
                self._counts[key] = added
        self._pending = {}
        self._known = {}
        return True

    def _note(self, key: tuple[Any, ...], value: bool | int, *more: int) -> None:  # noqa: FBT001  # summed like a number
        counts = self._pending.get(key)
        if counts is None:
            self._pending[key] = [1, value, *more]
            return
        counts[0] += 1
        counts[1] += value
        if more:
            counts[2] += more[0]

    def note_agreement(self, kind: int, truth: str, *, agrees: bool) -> None:
        """Record whether an annotation agreed with `truth`, which is the consensus or gold."""
        self._note(("kind", kind), agrees)
        self._note(("cell", kind, truth), agrees)

    def note_pair(self, kind: int, *, dissents: bool, same: bool) -> None:
        """Record whether an annotation equals another one; `dissents`: the other one differs from the consensus."""
        self._note(("dissent" if dissents else "concord", kind), same)

    def note_time(self, length: int, seconds: float) -> None:
        """Record the seconds that an item of this length (see `length_of`) took."""
        usual = self.time(length)
        value = log(seconds)
        if usual is not None and self._counts["time", length][0] >= _CLIPPED_FROM:
            value = min(max(value, usual[0] - _CLIP * usual[1]), usual[0] + _CLIP * usual[1])
        self._note(("time", length), round(value * _MILLION), round(value * value * _MILLION))

    def note_regularity(self, sort: str, *, close: bool) -> None:
        """Record whether two successive times were nearly equal; `sort` is one of `TIMINGS`."""
        self._note(("regular", sort), close)

    def agreement(self, kind: int, truth: str) -> float:
        """Return the share (0-1) of annotations that agree with a consensus `truth` of this kind."""
        key = ("cell", kind, truth)
        share = self._known.get(key)
        if share is None:
            whole = self._share(("kind", kind), self._before(kind))
            share = min(max(self._share(key, whole), self.chance + _LEAST_ABOVE_CHANCE), _MOST)
            self._known[key] = share
        return float(share)

    def likeness(self, kind: int, *, dissents: bool) -> float:
        """Return the share (0-1) of annotations equal to another one; `dissents`: that one is not the consensus."""
        key = ("dissent" if dissents else "concord", kind)
        share = self._known.get(key)
        if share is None:
            usual = self._share(("kind", kind), self._before(kind))
            share = self._share(key, (1 - usual) / 2 if dissents else usual)
            self._known[key] = share
        return float(share)

    def usual_agreement(self, kind: int) -> float:
        """Return the share (0-1) of annotations that agree with a consensus of this kind."""
        return self._share(("kind", kind), self._before(kind))

    def time(self, length: int) -> tuple[float, float] | None:
        """Return mean and standard deviation of ln(seconds) for items of this length; None below 50 observations."""
        key = ("time", length)
        moments = self._known.get(key)
        if moments is None:
            count, total, squares = self._counts.get(key, (0, 0, 0))
            moments = ()
            if count >= _ENOUGH_TIMES:
                mean = total / count / _MILLION
                spread = max(squares / count / _MILLION - mean * mean, 0.0) ** 0.5
                moments = (mean, max(spread, _LEAST_SPREAD))
            self._known[key] = moments
        return moments or None

    def regularity(self, sort: str) -> float:
        """Return the share (0-1) of successive times that are nearly equal."""
        return self._share(("regular", sort), _USUALLY_CLOSE)

    def _before(self, kind: int) -> float:
        sure = (_MIDDLES[kind] - self.chance) / (1 - self.chance)
        return self.chance + (USUAL_ACCURACY - self.chance) * max(sure, _LEAST_ABOVE_CHANCE)

    def _share(self, key: tuple[Any, ...], before: float) -> float:
        count, found = self._counts.get(key, (0, 0))
        return (found + _PRIOR_COUNT * before) / (count + _PRIOR_COUNT)

    def dump(self) -> list[Any]:
        """Return the state as plain JSON data."""
        return [
            self._minute,
            *([[list(key), counts] for key, counts in part.items()] for part in (self._counts, self._pending)),
        ]

    def load(self, stored: list[Any]) -> None:
        """Restore the state that `dump` returned."""
        self._minute = stored[0]
        self._counts, self._pending = ({tuple(key): list(counts) for key, counts in part} for part in stored[1:])
        self._known = {}
