"""The truth as the votes arrive: one stream per project and partition."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from assay_models.truth.categorical.confusion_counts import UNITS, SparseCounts, added_up, counts_of, errors_of
from assay_models.truth.categorical.em_state import EMState, PlacedItem, Settled
from assay_models.truth.categorical.hyperparameters import (
    NOTHING,
    PredictiveEvidence,
    Weighing,
    learn,
    sample_evidence,
    weighed,
)
from assay_models.truth.categorical.item_arrays import UNPINNED
from assay_models.truth.categorical.posterior import Learned
from assay_models.truth.categorical.reliability import AnnotatorAccuracy, reliability_of
from assay_models.truth.categorical.vote_arrays import IntegerArray, Votes, VoteWeights, across

Likeliest: TypeAlias = tuple[int, float]
"""A class and its probability (0-1)."""

NOTICEABLE = 0.005
_LONGEST_WAIT = 200_000
_VOTES_A_PIECE = 50
_CALM, _LESS = 0.01, 4
"""When less than one in a hundred swept items changes its label, a quarter is swept: the rest is for quiet moments."""


class OnlineEM:
    """Dawid-Skene by incremental expectation-maximisation (Neal & Hinton 1998, section 3): mutable, deterministic.

    Every settled item's responsibilities are contained in its annotators' counts. To settle it again, its votes are
    asked with what all other items say of the annotators, and the difference is put in. Counts are whole numbers:
    whatever the order of votes, updates and removals, they are exactly those of the items that are open, plus those
    of the closed ones.
    """

    def __init__(self, classes: int, *, learned: Learned | None = None) -> None:
        """Start with so many classes (2 or more), and with what was learned before, if anything was."""
        self._books = EMState(classes)
        self._learned = learned or Learned()
        self._evidence, self._others_evidence = NOTHING, NOTHING
        self._pending: dict[int, PlacedItem] = {}
        self._closing: list[int] = []
        self._removing: list[int] = []
        self._weighing: Weighing | None = None
        self._next = 0
        self._unrest, self._flips = 0.0, 1.0

    @property
    def unrest(self) -> float:
        """By how much (0-1) the last sweep changed a belief, at most."""
        return self._unrest

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return self._books.items.classes

    @property
    def learned(self) -> Learned:
        """What was learned so far beside the counts: plain data, to be stored, and handed over when restoring."""
        return self._learned

    @property
    def evidence(self) -> PredictiveEvidence:
        """Of what it was learned here: plain data, for the other partitions."""
        return self._evidence

    def __len__(self) -> int:
        return len(self._books.items.places)

    def __contains__(self, item: Hashable) -> bool:
        return item in self._books.items.places

    def put(
        self,
        item: Hashable,
        votes: Votes,
        *,
        weights: VoteWeights | None = None,
        gold: int | None = None,
        view: Sequence[float] | None = None,
        posterior: Sequence[float] | None = None,
        told: Sequence[float] | None = None,
    ) -> None:
        """Let these be the item's votes from now on: annotator index -> label index. Takes effect when settled.

        `weights` (0-1) of votes that count for less than one, as one that copied a prelabel. `gold`: the label that
        is known to be right. `view`: a model's probabilities of the classes. `posterior`: responsibilities restored
        from storage; the item counts as settled with them, exactly, and `told` is what was last published of it
        (those responsibilities, if nothing is given).
        """
        items = self._books.items
        said = votes.values()
        if votes and not 0 <= min(said) <= max(said) < items.classes:
            raise ValueError(f"not all labels are among the {items.classes} classes: {sorted(set(said))}")
        if votes and min(votes) < 0:
            raise ValueError(f"an annotator's index is below 0: {min(votes)}")
        place = items.place(item)
        items.gold[place] = UNPINNED if gold is None else gold
        items.see(place, view)
        self._pending[place] = PlacedItem(votes, weights, posterior, told)

    def reopen(
        self,
        item: Hashable,
        votes: Votes,
        posterior: Sequence[float],
        *,
        weights: VoteWeights | None = None,
        gold: int | None = None,
        view: Sequence[float] | None = None,
    ) -> None:
        """Have a closed item again, with the votes, weights and responsibilities it was closed with."""
        self.put(item, votes, weights=weights, gold=gold, view=view, posterior=posterior)
        place = self._books.items.place(item)
        self._books.absorb({place: self._pending.pop(place)})
        self._books.fetch_back(np.array([place]))

    def remove(self, item: Hashable) -> None:
        """Forget the item and its counts; nothing happens if it is not open."""
        if item in self:
            place = self._books.items.detach(item)
            self._pending.pop(place, None)
            self._removing.append(place)

    def close(self, item: Hashable) -> None:
        """Forget the item but keep its counts in the annotators' sums; nothing happens if it is not open."""
        if item in self:
            self._closing.append(self._books.items.detach(item))

    def settle(self, *, sweep: int = 0) -> Settled:
        """Judge all items put since the last time, but for restored ones, and return them.

        With `sweep`, up to so many other settled items are judged again in the same stroke, in turn (only a quarter of
        them beside fresh ones if the last ones hardly ever changed their label); those that moved by half a hundredth
        or more are returned, too.
        """
        self._flush()
        fresh = self._books.absorb(self._pending)
        self._pending = {}
        calm = self._flips < _CALM and len(fresh) > 0
        return self._judged(fresh, self._turn(-(-sweep // _LESS) if calm else sweep, fresh))

    def sweep(self, count: int) -> Settled:
        """Judge up to `count` settled items again, in turn; return those that moved by half a hundredth or more."""
        self._flush()
        nothing = np.zeros(0, np.int64)
        return self._judged(nothing, self._turn(count, nothing))

    def without(self, items: Sequence[Hashable], *, among: int) -> Mapping[Hashable, Mapping[int, Likeliest]]:
        """Return for each of these settled items, by annotator, the likeliest of the first classes without their vote.

        `among`: how many classes may be named.
        """
        self._flush()
        places = [self._books.items.places[item] for item in items if item in self]
        named = [item for item in items if item in self]
        ballots, probabilities = self._books.without(np.array(places, np.int64), self._learned)
        found: dict[Hashable, dict[int, Likeliest]] = {item: {} for item in named}
        best, most = probabilities[:, :among].argmax(axis=1), probabilities[:, :among].max(axis=1).round(6)
        likeliest = zip(best.tolist(), most.tolist(), strict=True)
        for row, annotator, each in zip(ballots.row.tolist(), ballots.annotator.tolist(), likeliest, strict=True):
            found[named[row]][annotator] = each
        return found

    def sums(self, annotator: int) -> SparseCounts:
        """Return what this partition counts of the annotator: open and closed items."""
        self._flush()
        return self._books.own(annotator)

    def set_others(self, annotator: int, counts: SparseCounts) -> None:
        """Let this be what all other partitions count of the annotator."""
        self._books.replace(self._books.others, annotator, counts)

    def set_others_evidence(self, evidence: PredictiveEvidence) -> None:
        """Let this be the evidence of all other partitions, added up."""
        self._others_evidence = evidence
        self._learned = learn(self._learned, self._evidence.plus(evidence))

    def restore_learned(self, learned: Learned) -> None:
        """Go on with what was learned before."""
        self._learned = learned

    def closed_sums(self, annotator: int) -> SparseCounts:
        """Return what is counted of the annotator in closed items."""
        self._flush()
        return counts_of(self._books.past, annotator)

    def load_closed(self, annotator: int, counts: SparseCounts) -> None:
        """Restore what is counted of the annotator in closed items."""
        self._books.replace(self._books.past, annotator, counts)

    def closed_errors(self) -> SparseCounts:
        """Return how the pool erred in closed items; empty up to 16 classes, where the annotators' sums tell."""
        self._flush()
        return errors_of(self._books.past)

    def load_closed_errors(self, counts: SparseCounts) -> None:
        """Restore how the pool erred in closed items; after `load_closed`."""
        self._books.load_closed_errors(counts)

    def fade(self, share: float) -> None:
        """Forget this share (0-1) of what closed items say of the annotators, of all of them alike.

        For a half-life of h, call it after each time t with 1 - 2 ** (-t / h).
        """
        self._flush()
        self._books.fade(share)

    def reliability(self, annotator: int) -> AnnotatorAccuracy:
        """Return how reliable the annotator is, by all that is counted here and elsewhere."""
        return self.reliability_of_all([annotator])

    def reliability_of_all(self, annotators: Sequence[int]) -> AnnotatorAccuracy:
        """Return how reliable these annotators are, counted as one: somebody who is known by several indexes."""
        self._flush()
        counts = [counts_of(self._books.counted, annotator) for annotator in annotators]
        return reliability_of(added_up(counts), self._books.pool)

    def grow(self, classes: int) -> None:
        """Have more classes, numbered after those there are."""
        if classes < self.classes:
            raise ValueError(f"labels cannot be taken back: there are {self.classes} classes, not {classes}")
        if classes > self.classes:
            self._flush()
            self._books.grow(classes)

    def _turn(self, count: int, besides: IntegerArray) -> IntegerArray:
        """Return the places of the settled items whose turn it is."""
        turn = self._books.items.in_turn(self._next, count)
        self._next = int(turn[-1]) + 1 if len(turn) else 0
        return turn[~np.isin(turn, besides)]

    def _judged(self, fresh: IntegerArray, turn: IntegerArray) -> Settled:
        """Judge these places; return those in turn that moved, and all that are fresh."""
        items, swept = self._books.items, len(turn)
        told, before = items.told[turn], items.beliefs(turn)
        places = np.concatenate([turn, fresh])
        settled = self._books.settle(places, self._learned, fresh=len(fresh))
        self._learn(int(items.lengths(places).sum()))
        said = np.ones(len(places), np.bool_)
        if swept:
            self._unrest = float(np.abs(settled.responsibilities[:swept] - before).max()) / UNITS
            self._flips = float(np.mean(settled.posterior[:swept].argmax(axis=1) != told.argmax(axis=1)))
            said[:swept] = across(np.maximum, np.abs(settled.posterior[:swept] - told)) >= NOTICEABLE
        items.told[places[said]] = settled.posterior[said]
        return settled.of(said)

    def relearn(self) -> None:
        """Learn now what is learned beside the counts, from the open items as they are; else it happens in due time."""
        self._flush()
        self._weighing = None
        self._take(weighed(sample_evidence(self._books, self._learned)))

    def _learn(self, votes: int) -> None:
        """Learn in due time; a little with every batch, so that none has to wait for all of it."""
        work = self._learned.work + votes
        self._learned = replace(self._learned, work=work)
        if work >= self._learned.due:
            self._weighing = sample_evidence(self._books, self._learned)
            self._learned = replace(self._learned, due=work + min(work, _LONGEST_WAIT))
        if self._weighing is not None:
            self._weigh_on(self._weighing, pieces=1 + votes // _VOTES_A_PIECE)

    def _weigh_on(self, weighing: Weighing, *, pieces: int) -> None:
        for _ in range(pieces):
            try:
                next(weighing)
            except StopIteration as end:
                self._weighing = None
                self._take(end.value)
                return

    def _take(self, evidence: PredictiveEvidence) -> None:
        self._evidence = evidence
        self._learned = learn(self._learned, evidence.plus(self._others_evidence))

    def _flush(self) -> None:
        if not self._closing and not self._removing:
            return
        closing, removing = np.array(self._closing, np.int64), np.array(self._removing, np.int64)
        self._closing, self._removing = [], []
        last = {place: self._pending.pop(place) for place in closing.tolist() if place in self._pending}
        self._books.settle(self._books.absorb(last), self._learned)
        self._books.put_away(closing)
        self._books.take_out(removing)
        self._books.items.release(np.concatenate([closing, removing]))
