"""The state of the EM algorithm: open items with their responsibilities, and the annotators' confusion counts."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay_models.truth.categorical.confusion_counts import UNITS, ConfusionCounts, SparseCounts, counts_of, load_errors
from assay_models.truth.categorical.e_step import Posteriors, judge
from assay_models.truth.categorical.emission import PooledCounts, pool_of
from assay_models.truth.categorical.item_arrays import UNPINNED, OpenItems
from assay_models.truth.categorical.posterior import Learned, Logits, gain_of_a_vote, publish, temper, update_posteriors
from assay_models.truth.categorical.vote_arrays import (
    FloatArray,
    IntegerArray,
    VoteArrays,
    Votes,
    VoteWeights,
    ballots_of,
)

_STILL = UNITS // 100
_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Settled:
    """Posteriors of some items, as of now.

    `posterior`: (items, classes), the probabilities to publish. `responsibilities`: (items, classes), in millionths,
    as contained in the annotators' counts; divide by `UNITS` for storage, and pass that to `put` to restore. `gain`:
    (items,), the expected increase of the probability of being right from one more vote.
    """

    items: tuple[Hashable, ...]
    posterior: FloatArray
    responsibilities: IntegerArray
    gain: FloatArray

    def of(self, chosen: NDArray[np.bool_]) -> "Settled":
        """Return the subset of the chosen items; `chosen` is a mask, (items,)."""
        if chosen.all():
            return self
        return Settled(
            tuple(compress(self.items, chosen.tolist())),
            self.posterior[chosen],
            self.responsibilities[chosen],
            self.gain[chosen],
        )


class PlacedItem(NamedTuple):
    """An item's new votes, waiting to be settled.

    `posterior` and `published` are given for an item restored from storage: its responsibilities (0-1) and the
    probabilities published last; None for a new item.
    """

    votes: Votes
    weights: VoteWeights | None
    posterior: Sequence[float] | None
    published: Sequence[float] | None


class EMState:
    """Open items, and annotators' counts from closed items (`past`), from other partitions (`others`) and in total.

    Mutable. Invariant: `counted` equals `past` + `others` + the sum over all settled items of votes times
    responsibilities, exactly.
    """

    def __init__(self, classes: int) -> None:
        """Start without items, for this many classes."""
        self.items = OpenItems(classes)
        self.counted, self.past, self.others = (
            ConfusionCounts(classes),
            ConfusionCounts(classes),
            ConfusionCounts(classes),
        )

    @property
    def pool(self) -> PooledCounts:
        """The counts of all annotators together."""
        return pool_of(self.counted)

    def own(self, annotator: int) -> SparseCounts:
        """Return an annotator's counts from this partition: open and closed items."""
        return counts_of(self.counted, annotator, besides=self.others)

    def replace(self, part: ConfusionCounts, annotator: int, counts: SparseCounts) -> None:
        """Replace an annotator's counts in `part`, which is `past` or `others`, and adjust the total."""
        before = counts_of(part, annotator)
        for counts_table in (part, self.counted):
            counts_table.exchange(annotator, before, counts)

    def load_closed_errors(self, counts: SparseCounts) -> None:
        """Set the pool's error counts of closed items, as `errors_of` returned them."""
        before = self.past.pool.copy()
        load_errors(self.past, counts)
        self.counted.pool += self.past.pool - before

    def fade(self, share: float) -> None:
        """Discount the counts of closed items: multiply them by 1 - `share` (0-1), rounded to whole units."""
        self.counted.make_room(self.past.annotators)
        for part, whole in zip(self.past.tables, self.counted.tables, strict=True):
            remaining = np.rint(part * (1 - share)).astype(np.int64)
            whole[: len(part)] -= part - remaining
            part[...] = remaining

    def absorb(self, pending: Mapping[int, PlacedItem]) -> IntegerArray:
        """Write the pending votes and return the places of the items that need judging: all but the restored ones.

        An item that was settled before keeps its responsibilities for the new votes until it is judged.
        """
        places = np.fromiter(pending, np.int64, len(pending))
        self._count(places[self.items.settled[places]], sign=-1)
        placed = list(pending.values())
        self.items.write(places, ballots_of([put.votes for put in placed], [put.weights for put in placed]))
        restored = np.fromiter((put.posterior is not None for put in placed), np.bool_, len(placed))
        posteriors = [put.posterior for put in placed if put.posterior is not None]
        published = [put.published or put.posterior for put in placed if put.posterior is not None]
        self.items.restore(places[restored], posteriors, published)
        self.items.settled[places[restored]] = True
        self._count(places[self.items.settled[places]], sign=1)
        return places[~restored]

    def settle(self, places: IntegerArray, learned: Learned, *, fresh: int = 0) -> Settled:
        """Judge the items at these places, the last `fresh` ones twice, and return their posteriors."""
        starts = self._starts(places)
        pieces = [
            self._settle_piece(places[start:end], learned, max(len(places) - fresh - start, 0))
            for start, end in pairwise([*starts, len(places)])
        ]
        names = tuple(map(self.items.names.__getitem__, places.tolist()))
        posterior = np.concatenate([np.zeros((0, self.items.classes)), *pieces])
        gain = gain_of_a_vote(posterior, self.pool)
        return Settled(names, posterior, self.items.beliefs(places), gain)

    def judge(self, places: IntegerArray, learned: Learned, mine: IntegerArray | None = None) -> Posteriors:
        """Run the E-step for these items with their own contribution to the counts, `mine`, removed."""
        mine = self.items.beliefs(places) if mine is None else mine
        view = self.items.views(places)
        return judge(self.items.read(places), self.counted, learned.strengths, mine=mine, view=view)

    def without(self, places: IntegerArray, learned: Learned) -> tuple[VoteArrays, FloatArray]:
        """Return the votes of these items, and for each vote its item's leave-one-out probabilities, (votes, classes).

        Gold labels are ignored: the probabilities serve to compare votes with votes.
        """
        judged = self.judge(places, learned)
        ballots, logits = judged.ballots, judged.logits
        votes = logits.votes[ballots.row] - judged.logarithms * ballots.share[:, None]
        sizes = logits.sizes[ballots.row] - ballots.share
        view = None if logits.view is None else logits.view[ballots.row]
        tempered = temper(logits.prior[ballots.row], votes, sizes, view, learned)
        return ballots, np.asarray((1 - learned.lapse) * tempered + learned.lapse / self.items.classes)

    def take_out(self, places: IntegerArray) -> None:
        """Subtract these items' contribution from the counts and mark the items unsettled."""
        self._count(places, sign=-1)
        self.items.unsettle(places)

    def put_away(self, places: IntegerArray) -> None:
        """Move the contribution of these settled items to the counts of closed items."""
        self.past.add(self.items.read(places), self.items.beliefs(places))
        self.items.unsettle(places)

    def fetch_back(self, places: IntegerArray) -> None:
        """Subtract the contribution of these reopened items from the counts of closed items."""
        ballots, units = self.items.read(places), self.items.beliefs(places)
        for counts_table in (self.past, self.counted):
            counts_table.add(ballots, units, sign=-1)

    def grow(self, classes: int) -> None:
        """Increase the number of classes."""
        self.items.grow(classes)
        for counts_table in (self.counted, self.past, self.others):
            counts_table.grow(classes)

    def _settle_piece(self, places: IntegerArray, learned: Learned, first_fresh: int) -> FloatArray:
        logits, moved = self._judge_once(places, learned)
        posterior = publish(logits, learned)
        again = np.flatnonzero(moved[first_fresh:].max(axis=1, initial=0) >= _STILL) + first_fresh
        if len(again):
            posterior[again] = publish(self._judge_once(places[again], learned)[0], learned)
        pinned = self.items.gold[places] != UNPINNED
        posterior[pinned] = self.items.beliefs(places[pinned]) / UNITS
        return posterior

    def _judge_once(self, places: IntegerArray, learned: Learned) -> tuple[Logits, IntegerArray]:
        """Update responsibilities and counts; return the logits and the absolute change, in millionths."""
        items = self.items
        before = items.beliefs(places)
        judged = self.judge(places, learned, before)
        units = update_posteriors(judged.logits, learned)
        pinned = np.flatnonzero(items.gold[places] != UNPINNED)
        units[pinned] = 0
        units[pinned, items.gold[places[pinned]]] = UNITS
        moved = units - before
        self.counted.add(judged.ballots, moved)
        items.units[places] = units
        items.settled[places] = True
        return judged.logits, np.abs(moved)

    def _starts(self, places: IntegerArray) -> list[int]:
        """Return the starts of the pieces to process, each small enough for the processor's cache."""
        if not len(places):
            return []
        numbers = np.cumsum(self.items.lengths(places).astype(np.int64) + 1) * self.items.classes
        return [0, *(np.flatnonzero(np.diff(numbers // _AT_ONCE)) + 1).tolist()]

    def _count(self, places: IntegerArray, *, sign: int) -> None:
        self.counted.add(self.items.read(places), self.items.beliefs(places), sign=sign)
