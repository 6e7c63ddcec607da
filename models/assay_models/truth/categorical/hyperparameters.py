"""What the votes themselves say about the model: how well each vote is predicted from the item's other votes.

The probability of a vote given the others is Σ over classes of p(class | the item's other votes) times the
annotator's rate of saying so, learned on other items (leave-one-out prediction: Stone 1974, section 2). No gold is
needed for it, and it adds up over items and partitions.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from math import log
from operator import add
from typing import TypeAlias

import numpy as np

from assay_models.truth.categorical.e_step import Posteriors
from assay_models.truth.categorical.em_state import EMState
from assay_models.truth.categorical.emission import Strengths, likelihood
from assay_models.truth.categorical.item_arrays import UNPINNED
from assay_models.truth.categorical.posterior import Learned, temper
from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray, across, total_of

LAPSE_ITEMS = 50.0
_FIRST = Learned()
_LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class HyperparameterGrid:
    """One thing to be learned: the values to try, the one to begin with, and how a value takes effect.

    `margin`: by how many nats a value must predict better than the first.
    """

    values: tuple[float, ...]
    first: float
    margin: float
    moved_to: Callable[[Learned, float], Learned]


@dataclass(frozen=True, slots=True)
class PredictiveEvidence:
    """Sums over a sample of items, plain data; those of several partitions add up.

    `gains`: per dial of `DIALS` and value, by how many nats it predicts better than the dial's first value.
    `lapses`: the expected number of lapses among `gold` items with votes.
    """

    gains: tuple[tuple[float, ...], ...]
    lapses: float
    gold: int

    def plus(self, other: "PredictiveEvidence") -> "PredictiveEvidence":
        """Return the evidence of both."""
        gains = tuple(tuple(map(add, *pair)) for pair in zip(self.gains, other.gains, strict=True))
        return PredictiveEvidence(gains, self.lapses + other.lapses, self.gold + other.gold)


Weighing: TypeAlias = Generator[None, None, PredictiveEvidence]
"""Evidence in the making: every step of it is a small piece of work, and it ends with the evidence."""


@dataclass(frozen=True, slots=True)
class VoteProbabilities:
    """How probable each vote is with these strengths: `own`, and `others`, the logarithm of all others of its item.

    Arrays (votes, classes).
    """

    strengths: Strengths
    own: FloatArray
    others: FloatArray


def weigh(judged: Posteriors, learned: Learned) -> Weighing:
    """Return, at the end, what the votes of these items say; each dial is tried with the others as learned so far.

    One value of one dial is tried at a time, and a pause follows: all of it takes as long as judging many batches.
    """
    gains, rates = list[tuple[float, ...]](), rates_of(judged, learned.strengths)
    for number, (dial, nothing) in enumerate(zip(DIALS, NOTHING.gains, strict=True)):
        told: dict[float, float] = {}
        for value in dict.fromkeys((dial.first, *dial.values)) if _matters(judged, number) else ():
            tried = dial.moved_to(learned, value)
            rates = rates if tried.strengths == rates.strengths else rates_of(judged, tried.strengths)
            told[value] = float(scores(judged, rates, tried).sum())
            yield
        gains.append(tuple(told[value] - told[dial.first] for value in dial.values) if told else nothing)
    return PredictiveEvidence(tuple(gains), 0.0, 0)


def weighed(weighing: Weighing) -> PredictiveEvidence:
    """Return what it comes to, without a pause."""
    while True:
        try:
            next(weighing)
        except StopIteration as end:
            found: PredictiveEvidence = end.value
            return found


def rates_of(judged: Posteriors, strengths: Strengths) -> VoteProbabilities:
    """Return how probable the votes are."""
    own = likelihood(judged.cavity, judged.pool, strengths)
    logarithms = np.log(own) * judged.ballots.share[:, None]
    return VoteProbabilities(strengths, own, judged.ballots.per_item(logarithms)[judged.ballots.row] - logarithms)


def scores(judged: Posteriors, rates: VoteProbabilities, learned: Learned) -> FloatArray:
    """Return per item how well its votes are predicted from each other, in nats, (items,)."""
    ballots, row, logits = judged.ballots, judged.ballots.row, judged.logits
    view = None if logits.view is None else logits.view[row]
    believed = temper(logits.prior[row], rates.others, logits.sizes[row] - ballots.share, view, learned)
    told = np.log(np.maximum(across(np.add, believed * rates.own), _LEAST)) * ballots.share
    return total_of(row, told, ballots.count)


def weigh_gold(tempered: FloatArray, gold: IntegerArray, learned: Learned) -> PredictiveEvidence:
    """Return how often the votes of gold items, (items, classes) of `temper`, were off the mark altogether."""
    told = (1 - learned.lapse) * tempered[np.arange(len(gold)), gold]
    by_lapse = learned.lapse / tempered.shape[1]
    return PredictiveEvidence(NOTHING.gains, float((by_lapse / (by_lapse + told)).sum()), len(gold))


def learn(learned: Learned, evidence: PredictiveEvidence) -> Learned:
    """Return what is learned now: of each dial the values that predict best, averaged by how well they do.

    The first value has 3 nats for a start: to doubt it takes strong evidence (Kass & Raftery 1995, section 3.2);
    with a strength 10, because beliefs follow the strengths in use, which flatters these. The average (Hoeting et
    al. 1999, section 2) makes a little more evidence move a little, so that partitions that know nearly the same
    arrive at nearly the same. The lapses of gold items are one step of expectation-maximisation, from a prior worth
    50 items.
    """
    for dial, gains in zip(DIALS, evidence.gains, strict=True):
        learned = dial.moved_to(learned, _average(dial, gains) if any(gains) else dial.first)
    lapse = (evidence.lapses + _FIRST.lapse * LAPSE_ITEMS) / (evidence.gold + LAPSE_ITEMS)
    return replace(learned, lapse=lapse)


def _average(dial: HyperparameterGrid, gains: tuple[float, ...]) -> float:
    values = np.array((dial.first, *dial.values))
    nats = np.array((dial.margin + log(len(gains)), *gains))
    weights = np.exp(nats - nats.max())
    return float(values @ weights / weights.sum())


def _matters(judged: Posteriors, number: int) -> bool:
    if number == _ERRORS:
        return judged.cavity.given is not None and len(judged.pool.right) > 2  # noqa: PLR2004  # of two, one error
    return number != _VOICE or judged.logits.view is not None


def _turn_accuracy(learned: Learned, value: float) -> Learned:
    return replace(learned, strengths=replace(learned.strengths, accuracy=value))


def _turn_errors(learned: Learned, value: float) -> Learned:
    return replace(learned, strengths=replace(learned.strengths, errors=value))


def _turn_correlation(learned: Learned, value: float) -> Learned:
    return replace(learned, correlation=value)


def _turn_voice(learned: Learned, value: float) -> Learned:
    return replace(learned, voice=value)


DIALS = (
    HyperparameterGrid((2.0, 4.0, 8.0, 16.0, 32.0), _FIRST.strengths.accuracy, 10.0, _turn_accuracy),
    HyperparameterGrid((4.0, 16.0, 64.0, 256.0), _FIRST.strengths.errors, 10.0, _turn_errors),
    HyperparameterGrid(
        (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5), _FIRST.correlation, 3.0, _turn_correlation
    ),
    HyperparameterGrid((0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5), _FIRST.voice, 3.0, _turn_voice),
)
_ERRORS = 1
_VOICE = 3
NOTHING = PredictiveEvidence(tuple((0.0,) * len(dial.values) for dial in DIALS), 0.0, 0)
_MOST_ITEMS = 5_000
_MOST_NUMBERS = 80_000


def sample_evidence(books: EMState, learned: Learned) -> Weighing:
    """Return, at the end, what up to 5,000 open items say as they are now, and as many gold items with votes.

    They are evenly spread over the items that have two votes or more, or one and a model's word.
    """
    live = books.items.live()
    lengths = books.items.lengths(live)
    pinned = books.items.gold[live] != UNPINNED
    views = books.items.views(live)
    telling = (lengths > 1) if views is None else (lengths + np.isfinite(views[:, 0]) > 1)
    judged = books.judge(_spread(books, live[telling & ~pinned]), learned)
    gold = _spread(books, live[pinned & (lengths > 0)])
    logits, labels = books.judge(gold, learned).logits, books.items.gold[gold].astype(np.int64)
    yield
    evidence = yield from weigh(judged, learned)
    posterior = temper(logits.prior, logits.votes, logits.sizes, logits.view, learned)
    return evidence.plus(weigh_gold(posterior, labels, learned))


def _spread(books: EMState, places: IntegerArray) -> IntegerArray:
    numbers = int(books.items.lengths(places).sum()) * books.items.classes
    share = min(1.0, _MOST_NUMBERS / max(numbers, 1), _MOST_ITEMS / max(len(places), 1))
    chosen = max(int(len(places) * share), min(len(places), 1))
    return places[np.linspace(0, len(places) - 1, chosen).astype(np.int64)]
