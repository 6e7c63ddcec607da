"""Truth model for numbers on a scale: each annotator has a bias, a stretch and a noise variance."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial
from math import floor, log10, sqrt
from typing import Any, TypeGuard

import numpy as np

from assay_models.intervals import interval
from assay_models.rules.canonical_label import whole_if_possible
from assay_models.truth.categorical.annotator_index import AnnotatorIndex, way_of
from assay_models.truth.categorical.vote_arrays import IntegerArray
from assay_models.truth.numeric.annotator_noise import FIXED, HITS, VOTES, rescaled
from assay_models.truth.numeric.numeric_state import NumericItem, NumericState, ScaleMeaning
from assay_models.truth.truth_model import Accuracy, ItemFacts, ItemJudgement
from assay_schemas.annotation import AnnotatorId, Label
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.label_kinds import OrdinalLabel
from assay_schemas.json_data import Json

_TOLERANCE_SHARE = 0.1
_PASSES = 2
_NOTICEABLE_SHARE = 0.05
_POOL_VOTES = 2.0
_FIRST_ACCURACY = 0.7
_DIGITS = 3
_DECIMALS = 9


class NumericTruth:
    """A normal posterior per item and the annotators' noise, by incremental expectation-maximisation. Mutable.

    As with categories, the E-step for an item uses sums with that item removed. Sums are whole numbers: whatever the
    order of votes, updates and removals, they equal exactly those of the present items. Two numbers within the
    tolerance count as equal; it is the scale's step, or a tenth of the scale if it has none. Labels that are not
    numbers are ignored.
    """

    def __init__(self, contract: LabelContract) -> None:
        """Start without items. The middle and length of the contract's scale stay the units of all sums."""
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
        """Set the scale. Raises TypeError for another kind of label."""
        if not isinstance(contract.label, OrdinalLabel):
            raise TypeError(contract.label)
        self._scale = contract.label

    def put(self, item: Hashable, facts: ItemFacts, *, stored: Json = None) -> None:
        """Set the observations on an item; with `stored` restore its saved judgement instead of queueing it."""
        measured = self._measured(facts)
        if stored is None or len(stored[2]) != len(measured.number):
            self._fresh[item] = measured
            return
        self.remove(item)
        mean, deviation, weight, hit = stored
        measured.mean, measured.variance = (mean - self._middle) / self._length, (deviation / self._length) ** 2
        measured.weight, measured.hit = np.array(weight, np.float64), np.array(hit, np.float64)
        measured.mark_published()
        self._items[item] = measured
        self._sums.teach(self._sums.open, [measured])

    def remove(self, item: Hashable) -> None:
        """Remove an item together with its contribution to the sums."""
        self._fresh.pop(item, None)
        self._drop(item)

    def close(self, item: Hashable) -> None:
        """Remove an item, but keep its contribution to the sums."""
        if item in self._fresh:
            self._absorb({item: self._fresh.pop(item)})
        if item in self._items:
            self._sums.teach(self._sums.past, [self._items[item]])
            self._drop(item)

    def reopen(self, item: Hashable, facts: ItemFacts, *, stored: Json) -> None:
        """Restore a closed item; `stored` is None if it was closed without having been judged."""
        self.put(item, facts, stored=stored)
        if item in self._items:
            self._sums.teach(self._sums.past, [self._items[item]], sign=-1)

    def settle(self, *, sweep: int = 0) -> Mapping[Any, ItemJudgement]:
        """Judge the items put since the last call, after a sweep over `sweep` others."""
        moved = self.sweep(sweep) if sweep else {}
        fresh, self._fresh = self._fresh, {}
        self._absorb(fresh)
        return {**moved, **self._judgements(fresh)}

    def sweep(self, count: int) -> Mapping[Any, ItemJudgement]:
        """Judge again the `count` items judged longest ago; return those that moved by 5 % of the tolerance."""
        self._turn = self._turn or list(self._items)
        turn, self._turn = self._turn[:count], self._turn[count:]
        swept = {item: self._items[item] for item in turn if item in self._items}
        before = [each.mean for each in swept.values()]
        self._judge(list(swept.values()))
        shifts = (abs(each.mean - mean) for each, mean in zip(swept.values(), before, strict=True))
        self._unrest = max(shifts, default=0.0)
        step = _NOTICEABLE_SHARE * self._tolerance
        moved = {item: each for item, each in swept.items() if each.moved >= step and item not in self._fresh}
        return self._judgements(moved)

    def without(self, items: Sequence[Hashable]) -> Mapping[Any, Mapping[AnnotatorId, tuple[Label, float]]]:  # noqa: ARG002
        """Return nothing: the other annotators' plurality is as good a prediction."""
        return {}

    @property
    def unrest(self) -> float:
        """The largest shift of any item's mean in the last sweep, as a share (0-1) of the scale."""
        return self._unrest

    def relearn(self) -> None:
        """Do nothing: this model has no hyper-parameters to estimate."""

    def learned(self, annotator: AnnotatorId) -> Json:
        """Return this partition's sums of an annotator; empty for the POOL."""
        return self._dump(annotator, self._sums.open + self._sums.past)

    def set_remote_counts(self, annotator: AnnotatorId, others: Sequence[Any]) -> None:
        """Set an annotator's sums from the other partitions, one entry per partition."""
        for number in self._annotators.ways(annotator).values():
            self._sums.others[number] = 0
        for other in others:
            for number, sums in self._read(annotator, other):
                self._sums.others[number] += sums

    def dump_closed(self, annotator: AnnotatorId) -> Json:
        """Return an annotator's sums from closed items."""
        return self._dump(annotator, self._sums.past)

    def load_closed(self, annotator: AnnotatorId, stored: Json) -> None:
        """Restore what `dump_closed` returned."""
        for number, sums in self._read(annotator, stored):
            self._sums.past[number] = sums

    def fade(self, share: float) -> None:
        """Discount the sums of closed items: multiply those of all annotators by 1 - `share` (0-1)."""
        self._sums.past = np.rint(self._sums.past * (1 - share)).astype(np.int64)

    def accuracy(self, annotator: AnnotatorId) -> Accuracy | None:
        """Return the share of an annotator's numbers within the tolerance of the truth; None without votes."""
        sums = self._sums.every[:, [VOTES, HITS]] / FIXED
        votes, hits = sums[list(self._annotators.ways(annotator).values())].sum(axis=0).tolist()
        if votes <= 0:
            return None
        all_votes, all_hits = sums.sum(axis=0).tolist()
        share = (all_hits + _FIRST_ACCURACY) / (all_votes + 1)
        right = max(hits, 0.0) + _POOL_VOTES * share
        wrong = max(votes - hits, 0.0) + _POOL_VOTES * (1 - share)
        return Accuracy(right / (right + wrong), *interval(right, wrong), round(votes), {})

    @property
    def _tolerance(self) -> float:
        """The largest distance of two numbers that count as equal, in units of the sums."""
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
        """Return a number in units of the sums, clipped to at most half a scale length outside the scale."""
        return min(max((label - self._middle) / self._length, -1.0), 1.0)

    def _number(self, who: AnnotatorId, way: str) -> int:
        number = self._annotators.number(who, way)
        self._sums.make_room(number + 1)
        return number

    def _drop(self, item: Hashable) -> None:
        dropped = self._items.pop(item, None)
        if dropped is not None:
            self._sums.teach(self._sums.open, [dropped], sign=-1)

    def _absorb(self, fresh: Mapping[Hashable, NumericItem]) -> None:
        before = {item: self._items[item] for item in fresh if item in self._items}
        for item, previous in before.items():
            fresh[item].inherit(previous)
        self._sums.teach(self._sums.open, list(before.values()), sign=-1)
        self._sums.teach(self._sums.open, [fresh[item] for item in before])
        self._items |= fresh
        for _ in range(_PASSES):
            self._judge(list(fresh.values()))

    def _judge(self, items: Sequence[NumericItem]) -> None:
        if items:
            self._sums.judge(items, self._tolerance)

    def _dump(self, annotator: AnnotatorId, table: IntegerArray) -> Json:
        ways = self._annotators.ways(annotator)
        if not ways:
            return {}
        return {
            "scale": [self._middle, self._length],
            "sums": {way: table[number].tolist() for way, number in ways.items()},
        }

    def _read(self, annotator: AnnotatorId, dumped: Json) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield (annotator number, sums) from the format of `_dump`, converted to this model's units."""
        middle, length = dumped.get("scale", (self._middle, self._length))
        for way, sums in dumped.get("sums", {}).items():
            same = (middle, length) == (self._middle, self._length)
            moved = sums if same else rescaled(sums, length / self._length, (middle - self._middle) / self._length)
            yield self._number(annotator, way), moved

    def _judgements(self, items: Mapping[Hashable, NumericItem]) -> Mapping[Any, ItemJudgement]:
        noise = self._sums.pool.noise
        for each in items.values():
            each.mark_published()
        return {item: self._judgement(each, noise) for item, each in items.items()}

    def _judgement(self, item: NumericItem, noise: float) -> ItemJudgement:
        stored = [self._middle + self._length * item.mean, self._length * sqrt(item.variance)]
        stored += [item.weight.tolist(), item.hit.tolist()]
        if item.known is None and not len(item.number):
            return ItemJudgement(None, None, {}, 0.0, _certain_doubt, stored)
        label, meaning, tolerance = self._label(item.mean), item.meaning, self._tolerance
        probability = meaning.within(self._units(label), tolerance)
        after = 0.0 if item.known is not None else 1 / (1 / meaning.variance + 1 / noise)
        gain = max(0.0, meaning._replace(variance=after).within(self._units(label), tolerance) - probability)
        doubt = partial(_doubt, meaning, tolerance, self._middle, self._length)
        return ItemJudgement(label, round(probability, 6), {}, round(gain, 6), doubt, stored)

    def _label(self, mean: float) -> float:
        """Return the number to publish: within the scale, rounded to its step or about a thousandth of it.

        It is whole if it can be, as in a canonical label.
        """
        scale = self._scale
        inside = min(max(self._middle + self._length * mean, scale.low), scale.high)
        step = scale.step or 10.0 ** (floor(log10(scale.high - scale.low)) - _DIGITS)
        on_step = round(scale.low + round((inside - scale.low) / step) * step, _DECIMALS)
        return whole_if_possible(min(on_step, scale.high))


def _is_number(label: Label | None) -> TypeGuard[float]:
    return isinstance(label, int | float) and not isinstance(label, bool)


def _certain_doubt(label: Label) -> float:  # noqa: ARG001  # whatever it is
    return 0.0


def _doubt(meaning: ScaleMeaning, tolerance: float, middle: float, length: float, label: Label) -> float:
    return 1 - meaning.within((label - middle) / length, tolerance) if _is_number(label) else 1.0
