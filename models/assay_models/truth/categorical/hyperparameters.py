"""Choice of the hyper-parameters: how well each vote is predicted from the other votes on its item.

The probability of a vote given the others is Σ over classes of p(class | the item's other votes) times the annotator's
rate of giving that label, estimated on other items (leave-one-out prediction: Stone 1974, section 2). It needs no
gold, and its logarithm adds up over items and partitions.
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
    """The candidate values of one hyper-parameter, the default, and a function that sets a value.

    `margin`: the advantage of the default, in nats, which a candidate's evidence has to exceed.
    """

    values: tuple[float, ...]
    first: float
    margin: float
    moved_to: Callable[[Learned, float], Learned]


@dataclass(frozen=True, slots=True)
class PredictiveEvidence:
    """Evidence for hyper-parameter values, summed over a sample of items; plain data, additive over partitions.

    `gains`: per grid of `DIALS` and candidate value, the log-likelihood ratio to the default, in nats. `lapses`: the
    expected number of lapses among `gold` gold items with votes.
    """

    gains: tuple[tuple[float, ...], ...]
    lapses: float
    gold: int

    def plus(self, other: "PredictiveEvidence") -> "PredictiveEvidence":
        """Return the sum of both."""
        gains = tuple(tuple(map(add, *pair)) for pair in zip(self.gains, other.gains, strict=True))
        return PredictiveEvidence(gains, self.lapses + other.lapses, self.gold + other.gold)


Weighing: TypeAlias = Generator[None, None, PredictiveEvidence]
"""A computation of evidence in small steps, one per `next`; the generator returns the evidence."""


@dataclass(frozen=True, slots=True)
class VoteProbabilities:
    """The probability of each vote for these prior strengths; arrays (votes, classes).

    `own`: the likelihood of the vote itself; `others`: the log-likelihood of all other votes on its item.
    """

    strengths: Strengths
    own: FloatArray
    others: FloatArray


def weigh(judged: Posteriors, learned: Learned) -> Weighing:
    """Compute the evidence of these items' votes, varying one hyper-parameter at a time around `learned`.

    Yields after each candidate value: the whole computation takes as long as judging many batches.
    """
    gains, rates = list[tuple[float, ...]](), rates_of(judged, learned.strengths)
    for number, (dial, no_gain) in enumerate(zip(GRIDS, NOTHING.gains, strict=True)):
        totals: dict[float, float] = {}
        for value in dict.fromkeys((dial.first, *dial.values)) if _matters(judged, number) else ():
            tried = dial.moved_to(learned, value)
            rates = rates if tried.strengths == rates.strengths else rates_of(judged, tried.strengths)
            totals[value] = float(scores(judged, rates, tried).sum())
            yield
        gains.append(tuple(totals[value] - totals[dial.first] for value in dial.values) if totals else no_gain)
    return PredictiveEvidence(tuple(gains), 0.0, 0)


def weighed(weighing: Weighing) -> PredictiveEvidence:
    """Return the evidence, running all steps at once."""
    while True:
        try:
            next(weighing)
        except StopIteration as end:
            evidence: PredictiveEvidence = end.value
            return evidence


def rates_of(judged: Posteriors, strengths: Strengths) -> VoteProbabilities:
    """Return the probabilities of the votes for these prior strengths."""
    own = likelihood(judged.cavity, judged.pool, strengths)
    logarithms = np.log(own) * judged.ballots.share[:, None]
    return VoteProbabilities(strengths, own, judged.ballots.per_item(logarithms)[judged.ballots.row] - logarithms)


def scores(judged: Posteriors, rates: VoteProbabilities, learned: Learned) -> FloatArray:
    """Return the leave-one-out log-likelihood of each item's votes, in nats, (items,)."""
    ballots, row, logits = judged.ballots, judged.ballots.row, judged.logits
    view = None if logits.view is None else logits.view[row]
    leave_one_out = temper(logits.prior[row], rates.others, logits.sizes[row] - ballots.share, view, learned)
    logarithms = np.log(np.maximum(across(np.add, leave_one_out * rates.own), _LEAST)) * ballots.share
    return total_of(row, logarithms, ballots.count)


def weigh_gold(tempered: FloatArray, gold: IntegerArray, learned: Learned) -> PredictiveEvidence:
    """Return the expected number of lapses among gold items; `tempered`: (items, classes) as returned by `temper`."""
    by_votes = (1 - learned.lapse) * tempered[np.arange(len(gold)), gold]
    by_lapse = learned.lapse / tempered.shape[1]
    return PredictiveEvidence(NOTHING.gains, float((by_lapse / (by_lapse + by_votes)).sum()), len(gold))


def learn(learned: Learned, evidence: PredictiveEvidence) -> Learned:
    """Return the hyper-parameters for this evidence: the average of the candidate values, weighted by their likelihood.

    The default has an advantage of 3 nats: to reject it takes strong evidence (Kass & Raftery 1995, section 3.2). For
    prior strengths it is 10 nats, because posteriors depend on the strengths in use, which favours these. The average
    (Hoeting et al. 1999, section 2) changes little with a little more evidence, which keeps partitions with nearly the
    same evidence close to each other. The lapse rate is one EM step on gold items, with a prior worth 50 items.
    """
    for dial, gains in zip(GRIDS, evidence.gains, strict=True):
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
        return judged.cavity.given is not None and len(judged.pool.right) > 2  # noqa: PLR2004  # with two, one error
    return number != _VOICE or judged.logits.view is not None


def _with_accuracy(learned: Learned, value: float) -> Learned:
    return replace(learned, strengths=replace(learned.strengths, accuracy=value))


def _with_errors(learned: Learned, value: float) -> Learned:
    return replace(learned, strengths=replace(learned.strengths, errors=value))


def _with_correlation(learned: Learned, value: float) -> Learned:
    return replace(learned, correlation=value)


def _with_voice(learned: Learned, value: float) -> Learned:
    return replace(learned, voice=value)


GRIDS = (
    HyperparameterGrid((2.0, 4.0, 8.0, 16.0, 32.0), _FIRST.strengths.accuracy, 10.0, _with_accuracy),
    HyperparameterGrid((4.0, 16.0, 64.0, 256.0), _FIRST.strengths.errors, 10.0, _with_errors),
    HyperparameterGrid(
        (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5), _FIRST.correlation, 3.0, _with_correlation
    ),
    HyperparameterGrid((0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5), _FIRST.voice, 3.0, _with_voice),
)
_ERRORS = 1
_VOICE = 3
NOTHING = PredictiveEvidence(tuple((0.0,) * len(dial.values) for dial in GRIDS), 0.0, 0)
_MOST_ITEMS = 5_000
_MOST_NUMBERS = 80_000


def sample_evidence(state: EMState, learned: Learned) -> Weighing:
    """Compute the evidence of up to 5,000 open items, and of as many gold items with votes, in steps.

    The sample is spread evenly over the items with at least two votes, or one vote and a consistency model's
    probability.
    """
    live = state.items.live()
    lengths = state.items.lengths(live)
    pinned = state.items.gold[live] != UNPINNED
    views = state.items.views(live)
    informative = (lengths > 1) if views is None else (lengths + np.isfinite(views[:, 0]) > 1)
    judged = state.judge(_spread(state, live[informative & ~pinned]), learned)
    gold = _spread(state, live[pinned & (lengths > 0)])
    logits, labels = state.judge(gold, learned).logits, state.items.gold[gold].astype(np.int64)
    yield
    evidence = yield from weigh(judged, learned)
    posterior = temper(logits.prior, logits.votes, logits.sizes, logits.view, learned)
    return evidence.plus(weigh_gold(posterior, labels, learned))


def _spread(state: EMState, places: IntegerArray) -> IntegerArray:
    numbers = int(state.items.lengths(places).sum()) * state.items.classes
    share = min(1.0, _MOST_NUMBERS / max(numbers, 1), _MOST_ITEMS / max(len(places), 1))
    chosen = max(int(len(places) * share), min(len(places), 1))
    return places[np.linspace(0, len(places) - 1, chosen).astype(np.int64)]
