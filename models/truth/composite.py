"""Truth of many yes-or-no questions about one item, each answered by a categorical truth: what kinds share."""

from collections.abc import Hashable, Mapping, Sequence
from math import prod
from typing import Any

from models.truth.categorical import CategoricalTruth
from models.truth.judging import Accuracy, Facts, Judgement
from schemas.contract import LabelContract

YES, NO = "yes", "no"
_QUESTION = LabelContract.model_validate(
    {"project": "question", "version": 1, "label": {"kind": "categorical", "values": [YES, NO]}}
)


def a_question() -> CategoricalTruth:
    """Return a truth model for yes or no."""
    return CategoricalTruth(_QUESTION)


class Answers:
    """What is believed of the questions about each item; a plain mutable value.

    It gathers the judgements of single questions into one of each item.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._of: dict[Hashable, dict[Hashable, Judgement]] = {}
        self._asked: dict[Hashable, Sequence[Hashable]] = {}

    def ask(self, item: Hashable, questions: Sequence[Hashable], restored: Mapping[Hashable, Judgement]) -> None:
        """Let these be an item's questions; answers that are known stay, restored ones are taken over."""
        known = self._of.get(item, {})
        kept = {question: known[question] for question in questions if question in known}
        self._of[item] = {**kept, **restored}
        self._asked[item] = questions

    def questions(self, item: Hashable) -> Sequence[Hashable]:
        """Return the questions about an item."""
        return self._asked.get(item, ())

    def take(self, item: Hashable, question: Hashable, judgement: Judgement) -> None:
        """Take an answer."""
        self._of[item][question] = judgement

    def forget(self, item: Hashable) -> None:
        """Forget an item."""
        self._of.pop(item, None)
        self._asked.pop(item, None)

    def of(self, item: Hashable) -> Mapping[Hashable, Judgement]:
        """Return the answers about an item."""
        return self._of[item]


def yes(judgement: Judgement) -> float:
    """Return the probability of yes (0-1)."""
    return judgement.probabilities.get(YES, 0.0)


def all_right(probabilities: Sequence[tuple[float, bool]]) -> float:
    """Return the probability that all sides taken are right, as if the questions were independent."""
    return prod(p if side else 1 - p for p, side in probabilities)


def restored(stored: Any) -> Judgement:  # noqa: ANN401  # plain JSON data
    """Return the answer that was stored, as far as it is needed."""
    told = stored[1]
    return Judgement(None, None, told, 0.0, lambda _: 0.0, (stored[0], told))


def question_facts(facts: Facts, said_yes: Mapping[str, bool], known: bool | None) -> Facts:  # noqa: FBT001
    """Return the facts of one question: who says yes, and the right answer where it is known."""
    ballots = {who: ballot._replace(label=YES if said_yes[who] else NO) for who, ballot in facts.ballots.items()}
    return Facts(ballots, None if known is None else (YES if known else NO))


def pooled(found: Sequence[tuple[str, Accuracy]]) -> Accuracy | None:
    """Return the accuracy over several questions, weighted by their votes; None where there is none.

    The confusion has for each question how often (expected) the right answer was given, missed, or given falsely.
    The interval is that of the mean, as if the questions were independent.
    """
    votes = sum(one.votes for _, one in found)
    if not votes:
        return None
    shares = [(one.votes / votes, one) for _, one in found]
    value = sum(share * one.value for share, one in shares)
    low = value - sum((share * (one.value - one.low)) ** 2 for share, one in shares) ** 0.5
    high = value + sum((share * (one.high - one.value)) ** 2 for share, one in shares) ** 0.5
    confusion = {
        name: {
            "given": one.confusion.get(YES, {}).get(YES, 0.0),
            "missed": one.confusion.get(YES, {}).get(NO, 0.0),
            "false": one.confusion.get(NO, {}).get(YES, 0.0),
        }
        for name, one in found
    }
    return Accuracy(value, max(0.0, low), min(1.0, high), votes, confusion)
