"""The truth of labels that are numbers on a scale: each annotator has a bias and a spread."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import erf, inf, isfinite, sqrt
from typing import Any, NamedTuple

from models.truth.credible import interval
from models.truth.judging import POOL, Accuracy, Ballot, Facts, Judgement
from schemas.annotation import Label
from schemas.contract import LabelContract, OrdinalLabel

_TOLERANCE_SHARE = 0.1
_FREEDOM = 10.0
"""Degrees of freedom of the noise: a vote far off counts for less (Lange, Little & Taylor 1989, section 2)."""

_FIRST_VOTES = 20.0
_FIRST_SPREAD_SHARE = 0.25
_PASSES = 3
_MOVED_SHARE = 0.005
_POOL_ACCURACY = 0.7


class _Sums(NamedTuple):
    """What is known of an annotator: votes, summed residuals, summed squares of them (uncertainty included), hits."""

    votes: float = 0.0
    residuals: float = 0.0
    squares: float = 0.0
    hits: float = 0.0

    def plus(self, other: "_Sums", sign: float = 1.0) -> "_Sums":
        return _Sums(*(a + sign * b for a, b in zip(self, other, strict=True)))


@dataclass(slots=True)
class _Item:
    """An open item: its numbers by annotator, the number that is right where that is known, and what is believed."""

    ballots: Mapping[str, float]
    known: float | None
    mean: float = 0.0
    variance: float = inf
    taught: dict[str, _Sums] = field(default_factory=dict)


class NumericTruth:
    """A normal truth per item, noise by annotator with bias and spread, both shrunk to the pool's. Changes in place.

    The tolerance, within which two numbers mean the same, is the scale's step, or a tenth of the scale without one.
    """

    def __init__(self, contract: LabelContract) -> None:
        """Begin with the contract's scale."""
        self._items: dict[Hashable, _Item] = {}
        self._open: dict[str, _Sums] = {}
        self._past: dict[str, _Sums] = {}
        self._others: dict[str, _Sums] = {}
        self._fresh: dict[Hashable, None] = {}
        self._turn: list[Hashable] = []
        self._unrest = self._centre = 0.0
        self.adopt(contract)

    def adopt(self, contract: LabelContract) -> None:
        """Take a newer contract: another scale."""
        if not isinstance(contract.label, OrdinalLabel):
            raise TypeError(contract.label)
        self._scale = contract.label
        self._range = self._scale.high - self._scale.low
        self._tolerance = self._scale.step or _TOLERANCE_SHARE * self._range

    def put(self, item: Hashable, facts: Facts, *, stored: Any = None) -> None:  # noqa: ANN401
        """Say what is known of an item; with `stored` it counts as judged, as it was then."""
        self.remove(item)
        found = self._items[item] = _Item(_numbers(facts.ballots), _number(facts.known))
        if stored is None:
            self._fresh[item] = None
            return
        found.mean, found.variance = stored
        self._teach(found)

    def remove(self, item: Hashable) -> None:
        """Forget an item and all it taught."""
        found = self._items.pop(item, None)
        self._fresh.pop(item, None)
        if found is not None:
            self._unteach(found)

    def close(self, item: Hashable) -> None:
        """Forget an item, and keep what it taught."""
        found = self._items.get(item)
        taught = {} if found is None else dict(found.taught)
        self.remove(item)
        for who, sums in taught.items():
            self._past[who] = self._past.get(who, _Sums()).plus(sums)

    def reopen(self, item: Hashable, facts: Facts, *, stored: Any) -> None:  # noqa: ANN401
        """Take up a closed item again, as it was."""
        self.put(item, facts, stored=stored)
        for who, sums in self._items[item].taught.items():
            self._past[who] = self._past.get(who, _Sums()).plus(sums, -1)

    def settle(self) -> Mapping[Any, Judgement]:
        """Judge the items put since the last call."""
        fresh, self._fresh = self._fresh, {}
        for _ in range(_PASSES):
            self._centre = self._mean_bias()
            for item in fresh:
                self._judge(self._items[item])
        return {item: self._judgement(self._items[item]) for item in fresh}

    def sweep(self, count: int) -> Mapping[Any, Judgement]:
        """Judge the `count` items again that were judged longest ago; return those that moved noticeably."""
        if not self._turn:
            self._turn = list(self._items)
        turn, self._turn = self._turn[:count], self._turn[count:]
        moved: dict[Any, Judgement] = {}
        self._unrest, self._centre = 0.0, self._mean_bias()
        for item in turn:
            found = self._items.get(item)
            if found is None or item in self._fresh:
                continue
            before = found.mean
            self._judge(found)
            change = abs(found.mean - before) / self._range
            self._unrest = max(self._unrest, change)
            if change >= _MOVED_SHARE:
                moved[item] = self._judgement(found)
        return moved

    @property
    def unrest(self) -> float:
        """By how much of the scale (0-1) the last sweep moved a truth, at most."""
        return self._unrest

    def reflect(self) -> None:
        """Do nothing: beside the sums nothing is learned."""

    def learned(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what this partition has learned of an annotator; of the pool there is nothing else."""
        if annotator == POOL:
            return {}
        return {"sums": list(self._open.get(annotator, _Sums()).plus(self._past.get(annotator, _Sums())))}

    def hear(self, annotator: str, others: Sequence[Any]) -> None:
        """Take over what each of the other partitions has learned of an annotator."""
        total = _Sums()
        for other in others:
            total = total.plus(_Sums(*other.get("sums", _Sums())))
        if annotator != POOL:
            self._others[annotator] = total

    def kept(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what closed items taught of an annotator."""
        return {} if annotator == POOL else {"sums": list(self._past.get(annotator, _Sums()))}

    def keep(self, annotator: str, stored: Any) -> None:  # noqa: ANN401  # plain JSON data
        """Restore what `kept` gave."""
        if annotator != POOL:
            self._past[annotator] = _Sums(*stored["sums"])

    def accuracy(self, annotator: str) -> Accuracy | None:
        """Return how often an annotator's numbers lie within the tolerance of the truth; None for one nobody knows."""
        sums = self._sums(annotator)
        if sums.votes <= 0:
            return None
        hits = max(sums.hits, 0.0) + 2 * _POOL_ACCURACY
        misses = max(sums.votes - sums.hits, 0.0) + 2 * (1 - _POOL_ACCURACY)
        low, high = interval(hits, misses)
        return Accuracy(hits / (hits + misses), low, high, round(sums.votes), {})

    def _sums(self, who: str) -> _Sums:
        parts = (sums.get(who, _Sums()) for sums in (self._open, self._past, self._others))
        first, second, third = parts
        return first.plus(second).plus(third)

    def _noise(self, who: str, without: _Sums) -> tuple[float, float]:
        """Return an annotator's bias and variance, by all items but one, shrunk to no bias and a usual spread."""
        sums = self._sums(who).plus(without, -1)
        votes = max(sums.votes, 0.0) + _FIRST_VOTES
        bias = sums.residuals / votes
        usual = (_FIRST_SPREAD_SHARE * self._range) ** 2
        squares = max(sums.squares, 0.0) + _FIRST_VOTES * usual
        return bias, max(squares / votes - bias * bias, usual / 100)

    def _mean_bias(self) -> float:
        """Return the annotators' mean bias, by precision: all of them and the truth could shift together unseen."""
        noise = [self._noise(who, _Sums()) for who in sorted({*self._open, *self._past, *self._others})]
        precision = sum(1 / variance for _, variance in noise)
        return sum(bias / variance for bias, variance in noise) / precision if precision else 0.0

    def _judge(self, found: _Item) -> None:
        """Weigh the numbers by their annotators' spread; one far off counts for less."""
        noise = {who: self._noise(who, found.taught.get(who, _Sums())) for who in found.ballots}
        if found.known is not None:
            mean, variance = found.known, 0.0
        else:
            mean, variance = self._weighed(found, noise)
        self._unteach(found)
        found.mean, found.variance = round(mean, 9), round(variance, 9)
        self._teach(found)

    def _weighed(self, found: _Item, noise: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
        corrected = {who: number - noise[who][0] + self._centre for who, number in found.ballots.items()}
        ordered = sorted(corrected.values())
        mean = found.mean if isfinite(found.variance) else ordered[len(ordered) // 2]
        numbers = [(corrected[who], noise[who][1]) for who in sorted(corrected)]
        weights, precision = [1.0] * len(numbers), float(len(numbers))
        for _ in range(_PASSES):
            weights = [(_FREEDOM + 1) / (_FREEDOM * spread + (number - mean) ** 2) for number, spread in numbers]
            precision = sum(weights)
            mean = sum(weight * number for weight, (number, _) in zip(weights, numbers, strict=True)) / precision
        spread = (
            sum(weight * (number - mean) ** 2 for weight, (number, _) in zip(weights, numbers, strict=True)) / precision
        )
        # What the annotators' spread promises, or what the numbers show: whichever is wider.
        return mean, max(1 / precision, spread / len(corrected))

    def _teach(self, found: _Item) -> None:
        for who, number in found.ballots.items():
            residual = number - found.mean
            hit = _within(found.mean, found.variance, number, self._tolerance)
            sums = found.taught[who] = _Sums(1.0, residual, residual * residual + found.variance, hit)
            self._open[who] = self._open.get(who, _Sums()).plus(sums)

    def _unteach(self, found: _Item) -> None:
        for who, sums in found.taught.items():
            self._open[who] = self._open[who].plus(sums, -1)
        found.taught = {}

    def _judgement(self, found: _Item) -> Judgement:
        label = self._on_scale(found.mean)
        probability = _within(found.mean, found.variance, label, self._tolerance)
        usual = (_FIRST_SPREAD_SHARE * self._range) ** 2
        after = 0.0 if not found.variance else 1 / (1 / found.variance + 1 / usual)
        gain = max(0.0, _within(found.mean, after, label, self._tolerance) - probability)
        doubt = partial(_doubt, found.mean, found.variance, self._tolerance)
        return Judgement(label, round(probability, 6), {}, round(gain, 6), doubt, [found.mean, found.variance])

    def _on_scale(self, mean: float) -> float:
        scale = self._scale
        inside = min(max(mean, scale.low), scale.high)
        if scale.step is None:
            return round(inside, 6)
        return round(scale.low + round((inside - scale.low) / scale.step) * scale.step, 9)


def _numbers(ballots: Mapping[str, Ballot]) -> dict[str, float]:
    return {who: float(ballot.label) for who, ballot in ballots.items() if isinstance(ballot.label, int | float)}


def _number(label: Label | None) -> float | None:
    return float(label) if isinstance(label, int | float) else None


def _within(mean: float, variance: float, number: float, tolerance: float) -> float:
    """Return the probability that a normal truth lies within the tolerance of a number."""
    if variance <= 0:
        return float(abs(number - mean) <= tolerance)
    width = sqrt(2 * variance)
    return 0.5 * (erf((number + tolerance - mean) / width) - erf((number - tolerance - mean) / width))


def _doubt(mean: float, variance: float, tolerance: float, label: Label) -> float:
    return 1.0 if not isinstance(label, int | float) else 1 - _within(mean, variance, label, tolerance)
