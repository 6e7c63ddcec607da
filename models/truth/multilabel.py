"""The truth of labels that are sets: one yes-or-no question per label of the vocabulary."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

from models.truth.categorical import CategoricalTruth
from models.truth.composite import Answers, a_question, all_right, pooled, question_facts, restored, yes
from models.truth.judging import Accuracy, Facts, Judgement
from schemas.annotation import Label
from schemas.contract import LabelContract, MultilabelLabel

_MAYBE = 0.5


class MultilabelTruth:
    """Each label is a question of its own, with a pool of its own. It changes in place.

    A label that no annotator gave an item is no question there: it is taken as absent. So a question is asked of items
    where somebody says yes, and its base rate is that among those.
    """

    def __init__(self, contract: LabelContract) -> None:
        """Begin with the contract's labels."""
        self._labels: dict[str, CategoricalTruth] = {}
        self._answers = Answers()
        self._fresh: set[Hashable] = set()
        self.adopt(contract)

    def adopt(self, contract: LabelContract) -> None:
        """Take a newer contract: labels that are new, and how many an item may have."""
        if not isinstance(contract.label, MultilabelLabel):
            raise TypeError(contract.label)
        self._least, self._most = contract.label.min_count, contract.label.max_count

    def put(self, item: Hashable, facts: Facts, *, stored: Any = None) -> None:  # noqa: ANN401
        """Say what is known of an item; with `stored` it counts as judged, as it was then."""
        asked = _nominated(facts)
        for label in self._answers.questions(item):
            if label not in asked:
                self._question(str(label)).remove(item)
        told: dict[Hashable, Judgement] = {} if stored is None else {label: restored(stored[label]) for label in asked}
        self._answers.ask(item, asked, told)
        for label in asked:
            self._question(label).put(item, _about(label, facts), stored=None if stored is None else stored[label])
        if stored is None:
            self._fresh.add(item)

    def remove(self, item: Hashable) -> None:
        """Forget an item and all it taught."""
        self._each(item, lambda question: question.remove(item))

    def close(self, item: Hashable) -> None:
        """Forget an item, and keep what it taught."""
        self._each(item, lambda question: question.close(item))

    def reopen(self, item: Hashable, facts: Facts, *, stored: Any) -> None:  # noqa: ANN401
        """Take up a closed item again, as it was."""
        asked = _nominated(facts)
        self._answers.ask(item, asked, {label: restored(stored[label]) for label in asked})
        for label in asked:
            self._question(label).reopen(item, _about(label, facts), stored=stored[label])

    def settle(self) -> Mapping[Any, Judgement]:
        """Judge the items put since the last call."""
        touched, self._fresh = self._fresh, set()
        for label, question in self._labels.items():
            for item, judgement in question.settle().items():
                self._answers.take(item, label, judgement)
                touched.add(item)
        return {item: self._judgement(item) for item in touched}

    def sweep(self, count: int) -> Mapping[Any, Judgement]:
        """Judge up to `count` items again for each label; return those whose judgement moved."""
        touched: set[Hashable] = set()
        for label, question in self._labels.items():
            for item, judgement in question.sweep(count).items():
                self._answers.take(item, label, judgement)
                touched.add(item)
        return {item: self._judgement(item) for item in touched - self._fresh}

    @property
    def unrest(self) -> float:
        """By how much (0-1) the last sweep changed a belief, at most."""
        return max((question.unrest for question in self._labels.values()), default=0.0)

    def reflect(self) -> None:
        """Learn anew from the open items."""
        for question in self._labels.values():
            question.reflect()

    def learned(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what this partition has learned of an annotator, or of the pool, by label."""
        return {label: question.learned(annotator) for label, question in self._labels.items()}

    def hear(self, annotator: str, others: Sequence[Any]) -> None:
        """Take over what each of the other partitions has learned of an annotator, or of the pool."""
        for label in {label: None for other in others for label in other} | dict.fromkeys(self._labels):
            self._question(label).hear(annotator, [other[label] for other in others if label in other])

    def kept(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what closed items taught of an annotator; of the pool, what was learned."""
        return {label: question.kept(annotator) for label, question in self._labels.items()}

    def keep(self, annotator: str, stored: Any) -> None:  # noqa: ANN401  # plain JSON data
        """Restore what `kept` gave."""
        for label, kept in stored.items():
            self._question(label).keep(annotator, kept)

    def accuracy(self, annotator: str) -> Accuracy | None:
        """Return how often an annotator answers such a question rightly, over all labels."""
        found = [(label, question.accuracy(annotator)) for label, question in self._labels.items()]
        return pooled([(label, one) for label, one in found if one is not None])

    def _judgement(self, item: Hashable) -> Judgement:
        answers = {str(label): answer for label, answer in self._answers.of(item).items()}
        shown = {label: yes(answer) for label, answer in sorted(answers.items())}
        chosen = self._chosen(shown)
        probability = all_right([(p, label in chosen) for label, p in shown.items()])
        gain = max((answer.gain for answer in answers.values()), default=0.0)
        stored = {label: answer.stored for label, answer in answers.items()}
        return Judgement(chosen, probability, shown, gain, partial(_doubt, shown), stored)

    def _chosen(self, shown: Mapping[str, float]) -> list[str]:
        """Return the labels that are more probable than not, no fewer and no more than the contract allows."""
        ordered = sorted(shown, key=lambda label: -shown[label])
        count = sum(p >= _MAYBE for p in shown.values())
        count = max(count, min(self._least, len(ordered)))
        return sorted(ordered[: count if self._most is None else min(count, self._most)])

    def _question(self, label: str) -> CategoricalTruth:
        if label not in self._labels:
            self._labels[label] = a_question()
        return self._labels[label]

    def _each(self, item: Hashable, act: Any) -> None:  # noqa: ANN401  # a function of one question
        for label in self._answers.questions(item):
            act(self._question(str(label)))
        self._answers.forget(item)
        self._fresh.discard(item)


def _given(label: Label | None) -> list[str]:
    return [part for part in label if isinstance(part, str)] if isinstance(label, list) else []


def _nominated(facts: Facts) -> list[str]:
    given = {label for ballot in facts.ballots.values() for label in _given(ballot.label)}
    return sorted(given | set(_given(facts.known)))


def _about(label: str, facts: Facts) -> Facts:
    said = {who: label in _given(ballot.label) for who, ballot in facts.ballots.items()}
    return question_facts(facts, said, None if facts.known is None else label in _given(facts.known))


def _doubt(shown: Mapping[str, float], label: Label) -> float:
    given = _given(label)
    return 1 - all_right([(p, name in given) for name, p in shown.items()])
