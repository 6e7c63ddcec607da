"""The open items and the annotators' counts, held together: what the one believes is what the other contains."""

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
from assay_models.truth.categorical.posterior import Learned, Logits, believe, gain_of_a_vote, publish, temper
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
    """What is believed of some items now.

    `posterior`: (items, classes), the probabilities to publish. `responsibilities`: (items, classes), what the
    annotators' counts contain, in millionths: divided by `UNITS` it is what to store and to hand to `put` when
    restoring. `gain`: (items,), by how much one more vote is expected to raise the probability of being right.
    """

    items: tuple[Hashable, ...]
    posterior: FloatArray
    responsibilities: IntegerArray
    gain: FloatArray

    def of(self, chosen: NDArray[np.bool_]) -> "Settled":
        """Return it of the chosen items, (items,), only."""
        if chosen.all():
            return self
        return Settled(
            tuple(compress(self.items, chosen.tolist())),
            self.posterior[chosen],
            self.responsibilities[chosen],
            self.gain[chosen],
        )


class PlacedItem(NamedTuple):
    """An item's votes, not yet settled; or settled long ago with this posterior, of which this was told."""

    votes: Votes
    weights: VoteWeights | None
    posterior: Sequence[float] | None
    published: Sequence[float] | None


class EMState:
    """Open items, and what is counted of annotators: of closed items (`past`), by other partitions (`others`), in all.

    Mutable. `counted` is at all times exactly `past` and `others` and the sum over the settled items of votes times
    responsibilities.
    """

    def __init__(self, classes: int) -> None:
        """Start empty."""
        self.items = OpenItems(classes)
        self.counted, self.past, self.others = (
            ConfusionCounts(classes),
            ConfusionCounts(classes),
            ConfusionCounts(classes),
        )

    @property
    def pool(self) -> PooledCounts:
        """All annotators as one."""
        return pool_of(self.counted)

    def own(self, annotator: int) -> SparseCounts:
        """Return what is counted of an annotator here: in open and closed items."""
        return counts_of(self.counted, annotator, besides=self.others)

    def replace(self, part: ConfusionCounts, annotator: int, counts: SparseCounts) -> None:
        """Let this be what `past` or `others` counts of an annotator."""
        before = counts_of(part, annotator)
        for tally in (part, self.counted):
            tally.exchange(annotator, before, counts)

    def load_closed_errors(self, counts: SparseCounts) -> None:
        """Let this be how the pool erred in closed items, as `errors_of` returned it."""
        before = self.past.pool.copy()
        load_errors(self.past, counts)
        self.counted.pool += self.past.pool - before

    def fade(self, share: float) -> None:
        """Forget this share (0-1) of everything that is counted of closed items."""
        self.counted.make_room(self.past.annotators)
        for part, whole in zip(self.past.tables, self.counted.tables, strict=True):
            kept = np.rint(part * (1 - share)).astype(np.int64)
            whole[: len(part)] -= part - kept
            part[...] = kept

    def absorb(self, pending: Mapping[int, PlacedItem]) -> IntegerArray:
        """Write the votes of these places and return those that are not restored.

        What was believed of an item is believed of its new votes, too, until it is judged.
        """
        places = np.fromiter(pending, np.int64, len(pending))
        self._count(places[self.items.settled[places]], sign=-1)
        puts = list(pending.values())
        self.items.write(places, ballots_of([put.votes for put in puts], [put.weights for put in puts]))
        restored = np.fromiter((put.posterior is not None for put in puts), np.bool_, len(puts))
        believed = [put.posterior for put in puts if put.posterior is not None]
        told = [put.published or put.posterior for put in puts if put.posterior is not None]
        self.items.restore(places[restored], believed, told)
        self.items.settled[places[restored]] = True
        self._count(places[self.items.settled[places]], sign=1)
        return places[~restored]

    def settle(self, places: IntegerArray, learned: Learned, *, fresh: int = 0) -> Settled:
        """Judge the items at these places, the last `fresh` of them twice, and return what is believed of them."""
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
        """Return what the votes of these items say, without the items' own part in the counts, `mine`."""
        mine = self.items.beliefs(places) if mine is None else mine
        view = self.items.views(places)
        return judge(self.items.read(places), self.counted, learned.strengths, mine=mine, view=view)

    def without(self, places: IntegerArray, learned: Learned) -> tuple[VoteArrays, FloatArray]:
        """Return the votes of these items, and for each what would be published of its item without it.

        The probabilities are (votes, classes). Gold is left out of them: they are for comparing votes with votes.
        """
        judged = self.judge(places, learned)
        ballots, logits = judged.ballots, judged.logits
        votes = logits.votes[ballots.row] - judged.logarithms * ballots.share[:, None]
        sizes = logits.sizes[ballots.row] - ballots.share
        view = None if logits.view is None else logits.view[ballots.row]
        tempered = temper(logits.prior[ballots.row], votes, sizes, view, learned)
        return ballots, np.asarray((1 - learned.lapse) * tempered + learned.lapse / self.items.classes)

    def take_out(self, places: IntegerArray) -> None:
        """Take those of these items that are settled out of the counts."""
        self._count(places, sign=-1)
        self.items.unsettle(places)

    def put_away(self, places: IntegerArray) -> None:
        """Let the counts of these settled items be those of closed ones."""
        self.past.add(self.items.read(places), self.items.beliefs(places))
        self.items.unsettle(places)

    def fetch_back(self, places: IntegerArray) -> None:
        """Take the counts of these settled items out of those of closed ones: they were closed, and are open again."""
        ballots, units = self.items.read(places), self.items.beliefs(places)
        for tally in (self.past, self.counted):
            tally.add(ballots, units, sign=-1)

    def grow(self, classes: int) -> None:
        """Have more classes."""
        self.items.grow(classes)
        for tally in (self.counted, self.past, self.others):
            tally.grow(classes)

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
        """Believe what the votes say now; return it, and by how much the responsibilities moved."""
        items = self.items
        before = items.beliefs(places)
        judged = self.judge(places, learned, before)
        units = believe(judged.logits, learned)
        pinned = np.flatnonzero(items.gold[places] != UNPINNED)
        units[pinned] = 0
        units[pinned, items.gold[places[pinned]]] = UNITS
        moved = units - before
        self.counted.add(judged.ballots, moved)
        items.units[places] = units
        items.settled[places] = True
        return judged.logits, np.abs(moved)

    def _starts(self, places: IntegerArray) -> list[int]:
        """Return where to cut, so that no piece has many more numbers than fit into the processor's cache."""
        if not len(places):
            return []
        numbers = np.cumsum(self.items.lengths(places).astype(np.int64) + 1) * self.items.classes
        return [0, *(np.flatnonzero(np.diff(numbers // _AT_ONCE)) + 1).tolist()]

    def _count(self, places: IntegerArray, *, sign: int) -> None:
        self.counted.add(self.items.read(places), self.items.beliefs(places), sign=sign)
