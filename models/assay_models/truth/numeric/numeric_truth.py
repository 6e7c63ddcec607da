"""The truth of labels that are numbers on a scale: each annotator has a bias, a stretch and a spread."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial
from math import floor, log10, sqrt
from typing import Any, TypeGuard

import numpy as np

from assay_models.intervals import interval
from assay_models.truth.categorical.annotator_index import AnnotatorIndex, way_of
from assay_models.truth.categorical.vote_arrays import IntegerArray
from assay_models.truth.numeric.annotator_noise import FIXED, HITS, VOTES, rescaled
from assay_models.truth.numeric.numeric_state import NumericItem, NumericState, ScaleMeaning
from assay_models.truth.truth_model import Accuracy, ItemFacts, ItemJudgement
from assay_schemas.annotation import Label
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.label_kinds import OrdinalLabel

_TOLERANCE_SHARE = 0.1
_PASSES = 2
_NOTICEABLE_SHARE = 0.05
_POOL_VOTES = 2.0
_FIRST_ACCURACY = 0.7
_DIGITS = 3
_DECIMALS = 9


class NumericTruth:
    """A normal truth per item and the annotators' noise, by expectation-maximisation as the votes arrive.

    As with categories, an item is judged by what all other items say of its annotators, and the sums are whole
    numbers: whatever the order of votes, updates and removals, they are those of the items that are there. The
    tolerance, within which two numbers mean the same, is the scale's step, or a tenth of the scale without one. What
    is no number is no vote. It changes in place.
    """

    def __init__(self, contract: LabelContract) -> None:
        """Begin with the contract's scale, whose middle and length are the units of all sums from now on."""
        self._items: dict[Hashable, NumericItem] = {}
        self._fresh: dict[Hashable, NumericItem] = {}
        self._annotators = AnnotatorIndex()
        self._sums = NumericState()
        self._turn: list[Hashable] = []
        self._unrest = 0.0
        self.adopt(contract)
        self._length = self._scale.high - self._scale.low
        self._middle = (self._scale.high + self._scale.low) / 2

    def adopt(self, contract: LabelContract) -> None:
        """Take a newer contract: another scale."""
        if not isinstance(contract.label, OrdinalLabel):
            raise TypeError(contract.label)
        self._scale = contract.label

    def put(self, item: Hashable, facts: ItemFacts, *, stored: Any = None) -> None:  # noqa: ANN401
        """Say what is known of an item; with `stored` it counts as judged, as it was then."""
        found = self._measured(facts)
        if stored is None or len(stored[2]) != len(found.number):
            self._fresh[item] = found
            return
        self.remove(item)
        mean, deviation, weight, hit = stored
        found.mean, found.variance = (mean - self._middle) / self._length, (deviation / self._length) ** 2
        found.weight, found.hit = np.array(weight, np.float64), np.array(hit, np.float64)
        found.mark_published()
        self._items[item] = found
        self._sums.teach(self._sums.open, [found])

    def remove(self, item: Hashable) -> None:
        """Forget an item and all it taught."""
        self._fresh.pop(item, None)
        self._drop(item)

    def close(self, item: Hashable) -> None:
        """Forget an item, and keep what it taught."""
        if item in self._fresh:
            self._absorb({item: self._fresh.pop(item)})
        if item in self._items:
            self._sums.teach(self._sums.past, [self._items[item]])
            self._drop(item)

    def reopen(self, item: Hashable, facts: ItemFacts, *, stored: Any) -> None:  # noqa: ANN401
        """Take up a closed item again, as it was; without `stored` it had nothing to teach."""
        self.put(item, facts, stored=stored)
        if item in self._items:
            self._sums.teach(self._sums.past, [self._items[item]], sign=-1)

    def settle(self, *, sweep: int = 0) -> Mapping[Any, ItemJudgement]:
        """Judge the items put since the last call, after a sweep over some others if that is asked for."""
        moved = self.sweep(sweep) if sweep else {}
        fresh, self._fresh = self._fresh, {}
        self._absorb(fresh)
        return {**moved, **self._judgements(fresh)}

    def sweep(self, count: int) -> Mapping[Any, ItemJudgement]:
        """Judge the `count` items again that were judged longest ago; return those that moved noticeably."""
        self._turn = self._turn or list(self._items)
        turn, self._turn = self._turn[:count], self._turn[count:]
        found = {item: self._items[item] for item in turn if item in self._items}
        before = [each.mean for each in found.values()]
        self._judge(list(found.values()))
        shifts = (abs(each.mean - mean) for each, mean in zip(found.values(), before, strict=True))
        self._unrest = max(shifts, default=0.0)
        step = _NOTICEABLE_SHARE * self._tolerance
        moved = {item: each for item, each in found.items() if each.moved >= step and item not in self._fresh}
        return self._judgements(moved)

    def without(self, items: Sequence[Hashable]) -> Mapping[Any, Mapping[str, tuple[Label, float]]]:  # noqa: ARG002
        """Return nothing: what the others say tells as much."""
        return {}

    @property
    def unrest(self) -> float:
        """By how much of the scale (0-1) the last sweep moved a truth, at most."""
        return self._unrest

    def relearn(self) -> None:
        """Do nothing: beside the sums nothing is learned."""

    def learned(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what this partition has learned of an annotator; of the pool there is nothing else."""
        return self._told(annotator, self._sums.open + self._sums.past)

    def set_remote_counts(self, annotator: str, others: Sequence[Any]) -> None:
        """Take over what each of the other partitions has learned of an annotator."""
        for number in self._annotators.ways(annotator).values():
            self._sums.others[number] = 0
        for other in others:
            for number, sums in self._read(annotator, other):
                self._sums.others[number] += sums

    def dump_closed(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what closed items taught of an annotator."""
        return self._told(annotator, self._sums.past)

    def load_closed(self, annotator: str, stored: Any) -> None:  # noqa: ANN401  # plain JSON data
        """Restore what `kept` gave."""
        for number, sums in self._read(annotator, stored):
            self._sums.past[number] = sums

    def fade(self, share: float) -> None:
        """Forget this share (0-1) of what closed items taught of all annotators."""
        self._sums.past = np.rint(self._sums.past * (1 - share)).astype(np.int64)

    def accuracy(self, annotator: str) -> Accuracy | None:
        """Return how often an annotator's numbers lie within the tolerance of the truth; None for one nobody knows."""
        every = self._sums.every[:, [VOTES, HITS]] / FIXED
        votes, hits = every[list(self._annotators.ways(annotator).values())].sum(axis=0).tolist()
        if votes <= 0:
            return None
        all_votes, all_hits = every.sum(axis=0).tolist()
        share = (all_hits + _FIRST_ACCURACY) / (all_votes + 1)
        right = max(hits, 0.0) + _POOL_VOTES * share
        wrong = max(votes - hits, 0.0) + _POOL_VOTES * (1 - share)
        return Accuracy(right / (right + wrong), *interval(right, wrong), round(votes), {})

    @property
    def _tolerance(self) -> float:
        """How far apart numbers may lie that mean the same, in units of the sums."""
        return (self._scale.step or _TOLERANCE_SHARE * (self._scale.high - self._scale.low)) / self._length

    def _measured(self, facts: ItemFacts) -> NumericItem:
        numbers = {
            self._number(who, way_of(ballot)): self._units(ballot.label)
            for who, ballot in sorted(facts.ballots.items())
            if _is_number(ballot.label)
        }
        known = self._units(facts.known) if _is_number(facts.known) else None
        return NumericItem(np.array(list(numbers), np.int64), np.array(list(numbers.values()), np.float64), known)

    def _units(self, label: float) -> float:
        """Return a number in units of the sums; what lies outside the scale by more than half of it is taken nearer."""
        return min(max((label - self._middle) / self._length, -1.0), 1.0)

    def _number(self, who: str, way: str) -> int:
        number = self._annotators.number(who, way)
        self._sums.make_room(number + 1)
        return number

    def _drop(self, item: Hashable) -> None:
        found = self._items.pop(item, None)
        if found is not None:
            self._sums.teach(self._sums.open, [found], sign=-1)

    def _absorb(self, fresh: Mapping[Hashable, NumericItem]) -> None:
        before = {item: self._items[item] for item in fresh if item in self._items}
        for item, found in before.items():
            fresh[item].inherit(found)
        self._sums.teach(self._sums.open, list(before.values()), sign=-1)
        self._sums.teach(self._sums.open, [fresh[item] for item in before])
        self._items |= fresh
        for _ in range(_PASSES):
            self._judge(list(fresh.values()))

    def _judge(self, found: Sequence[NumericItem]) -> None:
        if found:
            self._sums.judge(found, self._tolerance)

    def _told(self, annotator: str, table: IntegerArray) -> Any:  # noqa: ANN401  # plain JSON data
        ways = self._annotators.ways(annotator)
        if not ways:
            return {}
        return {
            "scale": [self._middle, self._length],
            "sums": {way: table[number].tolist() for way, number in ways.items()},
        }

    def _read(self, annotator: str, told: Any) -> Iterator[tuple[int, Sequence[int]]]:  # noqa: ANN401
        """Yield what `_told` gave, by the annotator's numbers, in the units of our own sums."""
        middle, length = told.get("scale", (self._middle, self._length))
        for way, sums in told.get("sums", {}).items():
            same = (middle, length) == (self._middle, self._length)
            moved = sums if same else rescaled(sums, length / self._length, (middle - self._middle) / self._length)
            yield self._number(annotator, way), moved

    def _judgements(self, found: Mapping[Hashable, NumericItem]) -> Mapping[Any, ItemJudgement]:
        noise = self._sums.pool.noise
        for each in found.values():
            each.mark_published()
        return {item: self._judgement(each, noise) for item, each in found.items()}

    def _judgement(self, found: NumericItem, noise: float) -> ItemJudgement:
        stored = [self._middle + self._length * found.mean, self._length * sqrt(found.variance)]
        stored += [found.weight.tolist(), found.hit.tolist()]
        if found.known is None and not len(found.number):
            return ItemJudgement(None, None, {}, 0.0, _certain_doubt, stored)
        label, meaning, tolerance = self._label(found.mean), found.meaning, self._tolerance
        probability = meaning.within(self._units(label), tolerance)
        after = 0.0 if found.known is not None else 1 / (1 / meaning.variance + 1 / noise)
        gain = max(0.0, meaning._replace(variance=after).within(self._units(label), tolerance) - probability)
        doubt = partial(_doubt, meaning, tolerance, self._middle, self._length)
        return ItemJudgement(label, round(probability, 6), {}, round(gain, 6), doubt, stored)

    def _label(self, mean: float) -> float:
        """Return the number to publish: on the scale, on its steps if it has any, to a thousandth of it if not."""
        scale = self._scale
        inside = min(max(self._middle + self._length * mean, scale.low), scale.high)
        step = scale.step or 10.0 ** (floor(log10(scale.high - scale.low)) - _DIGITS)
        on_step = round(scale.low + round((inside - scale.low) / step) * step, _DECIMALS)
        return min(on_step, scale.high)


def _is_number(label: Label | None) -> TypeGuard[float]:
    return isinstance(label, int | float) and not isinstance(label, bool)


def _certain_doubt(label: Label) -> float:  # noqa: ARG001  # whatever it is
    return 0.0


def _doubt(meaning: ScaleMeaning, tolerance: float, middle: float, length: float, label: Label) -> float:
    return 1 - meaning.within((label - middle) / length, tolerance) if _is_number(label) else 1.0
