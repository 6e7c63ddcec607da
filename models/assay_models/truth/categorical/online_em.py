"""Online estimation of the true classes: one model per project and partition, updated as votes arrive."""

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
"""If fewer than 1 % of the swept items change their label, only a quarter is swept; idle time does the rest."""


class OnlineEM:
    """Dawid-Skene by incremental expectation-maximisation (Neal & Hinton 1998, section 3). Mutable, deterministic.

    The annotators' counts contain every settled item's responsibilities. The E-step for an item uses counts with that
    item removed; the counts are then adjusted by the change. Counts are whole numbers: whatever the order of votes,
    updates and removals, they equal exactly those of the open items plus those of the closed ones.
    """

    def __init__(self, classes: int, *, learned: Learned | None = None) -> None:
        """Start with this many classes (2 or more) and hyper-parameters estimated before, or the default ones."""
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
        """The largest change (0-1) of any item's posterior in the last sweep."""
        return self._unrest

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self._books.items.classes

    @property
    def learned(self) -> Learned:
        """The current hyper-parameters; plain data, to be stored and passed on when restoring."""
        return self._learned

    @property
    def evidence(self) -> PredictiveEvidence:
        """This partition's evidence for the hyper-parameters; plain data, for the other partitions."""
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
        """Set the item's votes: annotator index -> label index. Takes effect with the next `settle`.

        `weights` (0-1): of votes that count for less than one. `gold`: the label known to be right. `view`: a
        consistency model's probabilities of the classes. `posterior`: responsibilities (0-1) restored from storage;
        the item then counts as settled with exactly these. `told`: the probabilities published last, by default those
        responsibilities. Raises ValueError for a label or annotator index out of range.
        """
        items = self._books.items
        labels = votes.values()
        if votes and not 0 <= min(labels) <= max(labels) < items.classes:
            raise ValueError(f"not all labels are among the {items.classes} classes: {sorted(set(labels))}")
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
        """Restore a closed item with the votes, weights and responsibilities it was closed with."""
        self.put(item, votes, weights=weights, gold=gold, view=view, posterior=posterior)
        place = self._books.items.place(item)
        self._books.absorb({place: self._pending.pop(place)})
        self._books.fetch_back(np.array([place]))

    def remove(self, item: Hashable) -> None:
        """Remove the item and its contribution to the counts; no effect if it is not open."""
        if item in self:
            place = self._books.items.detach(item)
            self._pending.pop(place, None)
            self._removing.append(place)

    def close(self, item: Hashable) -> None:
        """Remove the item, but keep its contribution to the counts; no effect if it is not open."""
        if item in self:
            self._closing.append(self._books.items.detach(item))

    def settle(self, *, sweep: int = 0) -> Settled:
        """Judge and return all items put since the last call, except restored ones.

        With `sweep`, up to that many other settled items are judged again, in rotation (a quarter of them if there are
        new items and the last sweep hardly changed any label). Those whose probabilities moved by 0.005 or more are
        returned too.
        """
        self._flush()
        fresh = self._books.absorb(self._pending)
        self._pending = {}
        calm = self._flips < _CALM and len(fresh) > 0
        return self._judged(fresh, self._turn(-(-sweep // _LESS) if calm else sweep, fresh))

    def sweep(self, count: int) -> Settled:
        """Judge up to `count` settled items again, in rotation; return those that moved by 0.005 or more."""
        self._flush()
        no_fresh = np.zeros(0, np.int64)
        return self._judged(no_fresh, self._turn(count, no_fresh))

    def without(self, items: Sequence[Hashable], *, among: int) -> Mapping[Hashable, Mapping[int, Likeliest]]:
        """Return the leave-one-out predictions for these settled items, by annotator.

        A prediction is the likeliest class without this annotator's vote, with its probability. Only the first `among`
        classes can be predicted.
        """
        self._flush()
        places = [self._books.items.places[item] for item in items if item in self]
        named = [item for item in items if item in self]
        ballots, probabilities = self._books.without(np.array(places, np.int64), self._learned)
        predictions: dict[Hashable, dict[int, Likeliest]] = {item: {} for item in named}
        best, most = probabilities[:, :among].argmax(axis=1), probabilities[:, :among].max(axis=1).round(6)
        likeliest = zip(best.tolist(), most.tolist(), strict=True)
        for row, annotator, each in zip(ballots.row.tolist(), ballots.annotator.tolist(), likeliest, strict=True):
            predictions[named[row]][annotator] = each
        return predictions

    def sums(self, annotator: int) -> SparseCounts:
        """Return this partition's counts of the annotator, from open and closed items."""
        self._flush()
        return self._books.own(annotator)

    def set_others(self, annotator: int, counts: SparseCounts) -> None:
        """Set the sum of all other partitions' counts of the annotator."""
        self._books.replace(self._books.others, annotator, counts)

    def set_others_evidence(self, evidence: PredictiveEvidence) -> None:
        """Set the sum of all other partitions' evidence and update the hyper-parameters."""
        self._others_evidence = evidence
        self._learned = learn(self._learned, self._evidence.plus(evidence))

    def restore_learned(self, learned: Learned) -> None:
        """Set the hyper-parameters estimated before."""
        self._learned = learned

    def closed_sums(self, annotator: int) -> SparseCounts:
        """Return the annotator's counts from closed items."""
        self._flush()
        return counts_of(self._books.past, annotator)

    def load_closed(self, annotator: int, counts: SparseCounts) -> None:
        """Restore the annotator's counts from closed items."""
        self._books.replace(self._books.past, annotator, counts)

    def closed_errors(self) -> SparseCounts:
        """Return the pool's errors in closed items; empty up to 16 classes: the annotators' counts contain them."""
        self._flush()
        return errors_of(self._books.past)

    def load_closed_errors(self, counts: SparseCounts) -> None:
        """Restore the pool's errors in closed items; call it after `load_closed`."""
        self._books.load_closed_errors(counts)

    def fade(self, share: float) -> None:
        """Discount the counts of closed items: multiply those of all annotators by 1 - `share` (0-1).

        For a half-life of h, call it after each time t with 1 - 2 ** (-t / h).
        """
        self._flush()
        self._books.fade(share)

    def reliability(self, annotator: int) -> AnnotatorAccuracy:
        """Return the annotator's accuracy over all partitions."""
        return self.reliability_of_all([annotator])

    def reliability_of_all(self, annotators: Sequence[int]) -> AnnotatorAccuracy:
        """Return the joint accuracy of these indexes: one annotator may have several."""
        self._flush()
        counts = [counts_of(self._books.counted, annotator) for annotator in annotators]
        return reliability_of(added_up(counts), self._books.pool)

    def grow(self, classes: int) -> None:
        """Increase the number of classes; new ones follow the existing ones. Raises ValueError for a decrease."""
        if classes < self.classes:
            raise ValueError(f"labels cannot be taken back: there are {self.classes} classes, not {classes}")
        if classes > self.classes:
            self._flush()
            self._books.grow(classes)

    def _turn(self, count: int, besides: IntegerArray) -> IntegerArray:
        """Return the next `count` settled places in rotation, except those in `besides`."""
        turn = self._books.items.in_turn(self._next, count)
        self._next = int(turn[-1]) + 1 if len(turn) else 0
        return turn[~np.isin(turn, besides)]

    def _judged(self, fresh: IntegerArray, turn: IntegerArray) -> Settled:
        """Judge these places; return all fresh ones, and those of the rotation that moved."""
        items, swept = self._books.items, len(turn)
        published, before = items.published[turn], items.beliefs(turn)
        places = np.concatenate([turn, fresh])
        settled = self._books.settle(places, self._learned, fresh=len(fresh))
        self._learn(int(items.lengths(places).sum()))
        returned = np.ones(len(places), np.bool_)
        if swept:
            self._unrest = float(np.abs(settled.responsibilities[:swept] - before).max()) / UNITS
            self._flips = float(np.mean(settled.posterior[:swept].argmax(axis=1) != published.argmax(axis=1)))
            returned[:swept] = across(np.maximum, np.abs(settled.posterior[:swept] - published)) >= NOTICEABLE
        items.published[places[returned]] = settled.posterior[returned]
        return settled.of(returned)

    def relearn(self) -> None:
        """Estimate the hyper-parameters now, from the open items, instead of in small steps."""
        self._flush()
        self._weighing = None
        self._set_evidence(weighed(sample_evidence(self._books, self._learned)))

    def _learn(self, votes: int) -> None:
        """Start an estimate when it is due; advance a running one by a few steps, which bounds the time per batch."""
        work = self._learned.work + votes
        self._learned = replace(self._learned, work=work)
        if work >= self._learned.due:
            self._weighing = sample_evidence(self._books, self._learned)
            self._learned = replace(self._learned, due=work + min(work, _LONGEST_WAIT))
        if self._weighing is not None:
            self._advance_weighing(self._weighing, pieces=1 + votes // _VOTES_A_PIECE)

    def _advance_weighing(self, weighing: Weighing, *, pieces: int) -> None:
        for _ in range(pieces):
            try:
                next(weighing)
            except StopIteration as end:
                self._weighing = None
                self._set_evidence(end.value)
                return

    def _set_evidence(self, evidence: PredictiveEvidence) -> None:
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
