"""What is believed of items that are many yes-or-no questions at once: multi-labels, marks."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import prod
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from assay_models.intervals import interval
from assay_models.truth.categorical.label_adapter import LabelAdapter
from assay_models.truth.categorical.posterior import Learned
from assay_models.truth.truth_model import Accuracy, ItemFacts, ItemJudgement

_Voter = TypeVar("_Voter")
YES, NO = "yes", "no"
MAYBE = 0.5
ConfusionCell: TypeAlias = tuple[str, str, float]
"""Right answer, answer given, votes."""

_OVERLOOKED = 0.2
_PRIOR_VOTES = 2.0
_FIRST_ACCURACY = 0.7


class QuestionBelief(NamedTuple):
    """What is believed of one question: the probability of yes as published, as counted, and a vote's gain in it."""

    yes: float
    counted: float
    gain: float

    @property
    def stored(self) -> tuple[float, float]:
        """What `restored` and `stored_answer` want back: plain JSON data."""
        return self.counted, self.yes


UNJUDGED = QuestionBelief(MAYBE, MAYBE, 0.0)


class Certainty(NamedTuple):
    """How far the votes of one item can be trusted.

    `lapse`: the share (0-1) of items about which they say nothing; `complete`: how probable it is that nothing was
    overlooked by everybody.
    """

    lapse: float
    complete: float


def a_question() -> LabelAdapter:
    """Return a truth model for yes or no."""
    return LabelAdapter((NO, YES))


def answer_of(judgement: ItemJudgement) -> QuestionBelief:
    """Return what a question's judgement says."""
    counted, told = judgement.stored
    return QuestionBelief(told.get(YES, 0.0), counted.get(YES, 0.0), judgement.gain)


def restored(stored: Sequence[float]) -> QuestionBelief:
    """Return the answer that was stored; a gain that was told is not told again."""
    counted, told = stored
    return QuestionBelief(told, counted, 0.0)


def stored_question(stored: Sequence[float]) -> tuple[dict[str, float], ...]:
    """Return a stored answer as a stream of named labels wants it."""
    return tuple({NO: 1 - share, YES: share} for share in stored)


def question_facts(facts: ItemFacts, said_yes: Mapping[str, bool], known: bool | None) -> ItemFacts:  # noqa: FBT001
    """Return the facts of one question: who says yes, and the right answer where it is known."""
    ballots = {who: ballot._replace(label=YES if said_yes[who] else NO) for who, ballot in facts.ballots.items()}
    return ItemFacts(ballots, None if known is None else (YES if known else NO))


def certainty_of(probability: float, lapse: float, options: int = 2) -> float:
    """Return a published probability without the part of it that stands for items seen wrongly by everybody."""
    return min(max((probability - lapse / options) / (1 - lapse), 0.0), 1.0)


def probability_all_correct(sides: Sequence[float], certainty: Certainty) -> float:
    """Return the probability that all sides taken are right, the questions being taken as independent.

    `sides`: the `clear` probability of each. Two things are not independent: what everybody sees wrongly is a
    property of the item, so that its share counts once, not per question; and everybody may have overlooked
    something that is no question therefore.
    """
    by_chance = MAYBE ** max(len(sides), 1)
    return ((1 - certainty.lapse) * prod(sides) + certainty.lapse * by_chance) * certainty.complete


def accuracy_of(counts: Mapping[str, Iterable[ConfusionCell]]) -> Accuracy | None:
    """Return how often such questions are answered rightly, by (right answer, answer, votes) of each; None if never.

    Each vote weighs the same. The confusion says of each question how often (expected) yes was given rightly, was
    missed, and was given falsely.
    """
    cells = {name: {(truth, said): votes for truth, said, votes in count} for name, count in counts.items()}
    votes = sum(sum(each.values()) for each in cells.values())
    if votes <= 0:
        return None
    right = sum(each.get((said, said), 0.0) for each in cells.values() for said in (YES, NO))
    hits = right + _PRIOR_VOTES * _FIRST_ACCURACY
    misses = max(votes - right, 0.0) + _PRIOR_VOTES * (1 - _FIRST_ACCURACY)
    confusion = {
        name: {
            "given": round(each.get((YES, YES), 0.0), 3),
            "missed": round(each.get((YES, NO), 0.0), 3),
            "false": round(each.get((NO, YES), 0.0), 3),
        }
        for name, each in cells.items()
    }
    return Accuracy(hits / (hits + misses), *interval(hits, misses), round(votes), confusion)


def added(by_way: Iterable[Mapping[str, Iterable[ConfusionCell]]]) -> list[ConfusionCell]:
    """Return the sum of what is counted of one annotator in several places, in whatever way they answered."""
    sums: Counter[tuple[str, str]] = Counter()
    for counts in by_way:
        for truth, said, votes in chain.from_iterable(counts.values()):
            sums[truth, said] += votes  # type: ignore[assignment]  # it adds fractions as well
    return [(truth, said, votes) for (truth, said), votes in sums.items()]


def lapse_of(streams: Iterable[LabelAdapter]) -> float:
    """Return the largest share (0-1) of items that any of these streams' votes say nothing about."""
    return max((stream.lapse for stream in streams), default=Learned().lapse)


class QuestionItem(Generic[_Voter]):
    """One item's questions, by name or number, with what is believed of each, and the voters. It changes."""

    __slots__ = ("answers", "known", "voters")

    def __init__(self, answers: dict[Any, QuestionBelief], voters: Sequence[_Voter], *, known: bool) -> None:
        """Begin with what is believed already."""
        self.answers = answers
        self.voters = voters
        self.known = known

    def certainty(self, lapse: float) -> Certainty:
        """Return how far the votes can be trusted: each voter is taken to overlook something with probability 0.2."""
        return Certainty(0.0, 1.0) if self.known else Certainty(lapse, 1 - _OVERLOOKED ** len(self.voters))

    @property
    def gain(self) -> float:
        """By how much one more vote raises the probability of the question that gains most."""
        return max((answer.gain for answer in self.answers.values()), default=0.0)
