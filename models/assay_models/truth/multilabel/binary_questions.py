"""Items made of yes-or-no questions: shared by multi-label items (one per label) and marks (one per group)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import prod
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from assay_models.intervals import interval
from assay_models.truth.categorical.label_adapter import LabelAdapter
from assay_models.truth.categorical.posterior import Learned
from assay_models.truth.truth_model import Accuracy, ItemFacts, ItemJudgement
from assay_schemas.annotation import AnnotatorId

_Voter = TypeVar("_Voter")
YES, NO = "yes", "no"
MAYBE = 0.5
ConfusionCell: TypeAlias = tuple[str, str, float]
"""(right answer, given answer, votes)."""

_OVERLOOKED = 0.2
_PRIOR_VOTES = 2.0
_FIRST_ACCURACY = 0.7


class QuestionBelief(NamedTuple):
    """The posterior of one question.

    `yes`: the published probability of yes; `counted`: the responsibility of yes in the counts; `gain`: the expected
    increase of the probability of being right from one more vote. All 0-1.
    """

    yes: float
    counted: float
    gain: float

    @property
    def stored(self) -> tuple[float, float]:
        """The values to store: plain JSON data for `restored` and `stored_question`."""
        return self.counted, self.yes


UNJUDGED = QuestionBelief(MAYBE, MAYBE, 0.0)


class Certainty(NamedTuple):
    """How reliable the votes on one item are.

    `lapse`: share (0-1) of items that all annotators may misjudge; `complete`: probability (0-1) that the voters
    together overlooked nothing.
    """

    lapse: float
    complete: float


def new_question() -> LabelAdapter:
    """Return a new truth model with the labels yes and no."""
    return LabelAdapter((NO, YES))


def answer_of(judgement: ItemJudgement) -> QuestionBelief:
    """Return the posterior of a question from its judgement."""
    counted, published = judgement.stored
    return QuestionBelief(published.get(YES, 0.0), counted.get(YES, 0.0), judgement.gain)


def restored(stored: Sequence[float]) -> QuestionBelief:
    """Return the posterior from its stored values. The gain is not stored and becomes 0."""
    counted, published = stored
    return QuestionBelief(published, counted, 0.0)


def stored_question(stored: Sequence[float]) -> tuple[dict[str, float], ...]:
    """Return stored values in the format of `LabelAdapter`: probabilities by answer, as counted and as published."""
    return tuple({NO: 1 - share, YES: share} for share in stored)


def question_facts(facts: ItemFacts, yes_by: Mapping[AnnotatorId, bool], known: bool | None) -> ItemFacts:  # noqa: FBT001
    """Return the observations on one question: each annotator's answer, and the right answer where it is known."""
    ballots = {who: ballot._replace(label=YES if yes_by[who] else NO) for who, ballot in facts.ballots.items()}
    return ItemFacts(ballots, None if known is None else (YES if known else NO))


def certainty_of(probability: float, lapse: float, options: int = 2) -> float:
    """Return a published probability with the share for lapses removed, 0-1."""
    return min(max((probability - lapse / options) / (1 - lapse), 0.0), 1.0)


def probability_all_correct(sides: Sequence[float], certainty: Certainty) -> float:
    """Return the probability (0-1) that all answers are right, treating the questions as independent.

    `sides`: the probability of each chosen answer, without lapses (see `certainty_of`). Two effects are not
    independent: a lapse concerns the whole item and counts once, not per question; and all annotators may have
    overlooked something, which then is no question at all.
    """
    by_chance = MAYBE ** max(len(sides), 1)
    return ((1 - certainty.lapse) * prod(sides) + certainty.lapse * by_chance) * certainty.complete


def accuracy_of(counts: Mapping[str, Iterable[ConfusionCell]]) -> Accuracy | None:
    """Return the accuracy over questions from their (right answer, given answer, votes); None without votes.

    All votes have equal weight. The confusion holds per question the expected number of correct yes answers (`given`),
    missed ones (`missed`) and false ones (`false`).
    """
    cells = {name: {(truth, given): votes for truth, given, votes in count} for name, count in counts.items()}
    votes = sum(sum(each.values()) for each in cells.values())
    if votes <= 0:
        return None
    right = sum(each.get((given, given), 0.0) for each in cells.values() for given in (YES, NO))
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
    """Return the sum of one annotator's counts over several partitions and ways."""
    sums: Counter[tuple[str, str]] = Counter()
    for counts in by_way:
        for truth, given, votes in chain.from_iterable(counts.values()):
            sums[truth, given] += votes  # type: ignore[assignment]  # it adds fractions as well
    return [(truth, given, votes) for (truth, given), votes in sums.items()]


def lapse_of(streams: Iterable[LabelAdapter]) -> float:
    """Return the largest lapse share (0-1) of these models; the default without models."""
    return max((stream.lapse for stream in streams), default=Learned().lapse)


class QuestionItem(Generic[_Voter]):
    """One item's questions (by name or number) with their posteriors, and its voters. Mutable."""

    __slots__ = ("answers", "known", "voters")

    def __init__(self, answers: dict[Any, QuestionBelief], voters: Sequence[_Voter], *, known: bool) -> None:
        """Start with the posteriors so far. `known`: the item has a gold label."""
        self.answers = answers
        self.voters = voters
        self.known = known

    def certainty(self, lapse: float) -> Certainty:
        """Return how reliable the votes are; each voter is assumed to overlook something with probability 0.2."""
        return Certainty(0.0, 1.0) if self.known else Certainty(lapse, 1 - _OVERLOOKED ** len(self.voters))

    @property
    def gain(self) -> float:
        """The largest gain of any question, 0 without questions."""
        return max((answer.gain for answer in self.answers.values()), default=0.0)
