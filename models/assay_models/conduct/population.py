"""What is usual among all annotators of a project: how often they agree with such a consensus, how fast they are.

Whole numbers, and a minute of event time is learned when it is over: whatever the order of arrival of different
annotators' annotations within a minute, everybody is compared with the same.
"""

from bisect import bisect_right
from math import log
from typing import Any, Final

_EDGES = (0.5, 0.7, 0.85, 0.92, 0.95, 0.98)
_MIDDLES = (0.4, 0.6, 0.78, 0.89, 0.935, 0.965, 0.99, 1.0)
"""Kinds of consensus by its probability; the last one is gold."""
GOLD: Final = len(_EDGES) + 1

USUAL_ACCURACY: Final = 0.87
"""Of annotators before anything is known of them."""
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
    """Return the kind of a consensus of this probability."""
    return bisect_right(_EDGES, probability or 0.0)


class Population:
    """The usual, learned as it comes. `chance` is how often somebody agrees who knows nothing."""

    __slots__ = ("_counts", "_known", "_minute", "_pending", "chance")

    def __init__(self, classes: int) -> None:
        """Know nothing yet of a project with so many labels to choose from."""
        self.chance = 1 / classes
        self._counts: dict[tuple[Any, ...], list[int]] = {}
        self._pending: dict[tuple[Any, ...], list[int]] = {}
        self._known: dict[tuple[Any, ...], Any] = {}
        self._minute = -1.0

    def pass_to(self, at: float) -> bool:
        """Learn what was noted before, if `at` (s) lies in a later minute, or a day back; tell whether it does."""
        minute = at // _MINUTE
        if self._minute - _DAY_MINUTES <= minute <= self._minute:
            return False
        self._minute = minute
        for key, found in self._pending.items():
            place = self._counts.get(key)
            if place is not None:
                place[:] = [one + other for one, other in zip(place, found, strict=True)]
            elif len(self._counts) < _MOST_CELLS:
                self._counts[key] = found
        self._pending = {}
        self._known = {}
        return True

    def _note(self, key: tuple[Any, ...], value: bool | int, *more: int) -> None:  # noqa: FBT001  # kept as it is told
        place = self._pending.get(key)
        if place is None:
            self._pending[key] = [1, value, *more]
            return
        place[0] += 1
        place[1] += value
        if more:
            place[2] += more[0]

    def note_agreement(self, kind: int, truth: str, *, agrees: bool) -> None:
        """Note whether an annotation agreed with the consensus (or gold) `truth`."""
        self._note(("kind", kind), agrees)
        self._note(("cell", kind, truth), agrees)

    def note_pair(self, kind: int, *, dissents: bool, same: bool) -> None:
        """Note whether an annotation was the same as another one, which dissents from the consensus or does not."""
        self._note(("dissent" if dissents else "concord", kind), same)

    def note_time(self, length: int, seconds: float) -> None:
        """Note how long an item of this length took."""
        usual = self.time(length)
        value = log(seconds)
        if usual is not None and self._counts["time", length][0] >= _CLIPPED_FROM:
            value = min(max(value, usual[0] - _CLIP * usual[1]), usual[0] + _CLIP * usual[1])
        self._note(("time", length), round(value * _MILLION), round(value * value * _MILLION))

    def note_regularity(self, sort: str, *, close: bool) -> None:
        """Note whether two times in a row were nearly the same."""
        self._note(("regular", sort), close)

    def agreement(self, kind: int, truth: str) -> float:
        """Return how often annotators agree with a consensus of this kind that says `truth`."""
        key = ("cell", kind, truth)
        found = self._known.get(key)
        if found is None:
            whole = self._share(("kind", kind), self._before(kind))
            found = min(max(self._share(key, whole), self.chance + _LEAST_ABOVE_CHANCE), _MOST)
            self._known[key] = found
        return float(found)

    def likeness(self, kind: int, *, dissents: bool) -> float:
        """Return how often an annotation is the same as one other that dissents from the consensus, or does not."""
        key = ("dissent" if dissents else "concord", kind)
        found = self._known.get(key)
        if found is None:
            usual = self._share(("kind", kind), self._before(kind))
            found = self._share(key, (1 - usual) / 2 if dissents else usual)
            self._known[key] = found
        return float(found)

    def usual_agreement(self, kind: int) -> float:
        """Return how often annotators agree with a consensus of this kind."""
        return self._share(("kind", kind), self._before(kind))

    def time(self, length: int) -> tuple[float, float] | None:
        """Return mean and spread of the logarithm of the seconds that such an item takes; None where few are known."""
        key = ("time", length)
        found = self._known.get(key)
        if found is None:
            count, total, squares = self._counts.get(key, (0, 0, 0))
            found = ()
            if count >= _ENOUGH_TIMES:
                mean = total / count / _MILLION
                spread = max(squares / count / _MILLION - mean * mean, 0.0) ** 0.5
                found = (mean, max(spread, _LEAST_SPREAD))
            self._known[key] = found
        return found or None

    def regularity(self, sort: str) -> float:
        """Return how often two times in a row are nearly the same."""
        return self._share(("regular", sort), _USUALLY_CLOSE)

    def _before(self, kind: int) -> float:
        sure = (_MIDDLES[kind] - self.chance) / (1 - self.chance)
        return self.chance + (USUAL_ACCURACY - self.chance) * max(sure, _LEAST_ABOVE_CHANCE)

    def _share(self, key: tuple[Any, ...], before: float) -> float:
        count, found = self._counts.get(key, (0, 0))
        return (found + _PRIOR_COUNT * before) / (count + _PRIOR_COUNT)

    def dump(self) -> list[Any]:
        """Return it as plain JSON data."""
        return [
            self._minute,
            *([[list(key), counts] for key, counts in part.items()] for part in (self._counts, self._pending)),
        ]

    def load(self, stored: list[Any]) -> None:
        """Take back what `dump` gave."""
        self._minute = stored[0]
        self._counts, self._pending = ({tuple(key): list(counts) for key, counts in part} for part in stored[1:])
        self._known = {}
