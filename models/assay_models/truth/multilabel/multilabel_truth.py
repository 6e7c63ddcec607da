"""The truth of labels that are sets: one yes-or-no question per label of the vocabulary."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from math import ceil
from typing import Any, NamedTuple

from assay_models.truth.categorical.annotator_index import AnnotatorIndex, way_of
from assay_models.truth.categorical.label_adapter import LEAST_SHOWN, LabelAdapter
from assay_models.truth.multilabel.binary_questions import (
    MAYBE,
    NO,
    UNJUDGED,
    Certainty,
    ConfusionCell,
    QuestionItem,
    a_question,
    accuracy_of,
    added,
    answer_of,
    certainty_of,
    lapse_of,
    probability_all_correct,
    question_facts,
    restored,
    stored_question,
)
from assay_models.truth.multilabel.omissions import OmissionCounts
from assay_models.truth.truth_model import POOL, Accuracy, ItemFacts, ItemJudgement
from assay_schemas.annotation import Label
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.label_kinds import MultilabelLabel


class _Given(NamedTuple):
    """The labels that each annotator gave an item, those that are known to be right, and all of them in order."""

    by: Mapping[str, frozenset[str]]
    known: frozenset[str] | None
    labels: Sequence[str]


class MultilabelTruth:
    """Each label is a question of its own, with a pool of its own. It changes in place.

    A label that nobody gave an item is no question there: it is taken as absent. That its voters left it out is
    counted all the same, in one rough number per annotator and label, so that base rates are those of all items and
    a label given falsely is as rare as it is. What it leaves out: a label that all of an item's voters overlooked
    counts in their favour, which with misses of one in five and three voters is one item in 125.
    """

    def __init__(self, contract: LabelContract) -> None:
        """Begin with the contract's labels."""
        self._questions: dict[str, LabelAdapter] = {}
        self._items: dict[Hashable, QuestionItem[int]] = {}
        self._annotators = AnnotatorIndex()
        self._silences = OmissionCounts()
        self._silent: dict[tuple[str, int], int] = {}
        self._closed: Counter[int] = Counter()
        self._heard: dict[str, Sequence[Any]] = {}
        self._fresh: dict[Hashable, None] = {}
        self._waiting: dict[str, None] = {}
        self._turn: list[tuple[str, int]] = []
        self._unrest = 0.0
        self.adopt(contract)

    def adopt(self, contract: LabelContract) -> None:
        """Take a newer contract: how many labels an item may have."""
        if not isinstance(contract.label, MultilabelLabel):
            raise TypeError(contract.label)
        self._least, self._most = contract.label.min_count, contract.label.max_count

    def put(self, item: Hashable, facts: ItemFacts, *, stored: Any = None) -> None:  # noqa: ANN401
        """Say what is known of an item; with `stored` it counts as judged, as it was then."""
        given = _given(facts)
        before = self._items.get(item)
        if before is not None:
            self._silences.count(before.voters, map(str, before.answers), sign=-1)
            for label in before.answers.keys() - set(given.labels):
                self._questions[str(label)].remove(item)
        told = stored if stored is not None and set(given.labels) <= stored.keys() else None
        asked = self._ask(item, facts, given, told)
        self._silences.count(asked.voters, given.labels)
        for label in given.labels:
            self._count_omissions(label, asked.voters)
            answer = None if told is None else stored_question(told[label])
            self._question(label).put(item, _about(label, facts, given), stored=answer)
        self._waiting |= dict.fromkeys(given.labels)
        if told is None:
            self._fresh[item] = None
        else:
            self._fresh.pop(item, None)

    def remove(self, item: Hashable) -> None:
        """Forget an item and all it taught."""
        asked = self._forget(item)
        self._silences.count(asked.voters, map(str, asked.answers), sign=-1)
        for label in asked.answers:
            self._questions[str(label)].remove(item)

    def close(self, item: Hashable) -> None:
        """Forget an item, and keep what it taught."""
        asked = self._forget(item)
        self._closed.update(asked.voters)
        for label in asked.answers:
            self._questions[str(label)].close(item)

    def reopen(self, item: Hashable, facts: ItemFacts, *, stored: Any) -> None:  # noqa: ANN401
        """Take up a closed item again, as it was; without `stored` it had nothing to teach."""
        if stored is None:
            self.put(item, facts)
            return
        given = _given(facts)
        asked = self._ask(item, facts, given, stored)
        self._closed.subtract(asked.voters)
        for label in given.labels:
            self._question(label).reopen(item, _about(label, facts, given), stored=stored_question(stored[label]))

    def settle(self, *, sweep: int = 0) -> Mapping[Any, ItemJudgement]:
        """Judge the items put since the last call, after a sweep over some others if that is asked for."""
        moved = self.sweep(sweep) if sweep else {}
        touched, self._fresh = self._fresh, {}
        waiting, self._waiting = self._waiting, {}
        for label in waiting:
            self._take(label, self._questions[label].settle())
        return {**moved, **{item: self._judgement(item) for item in touched}}

    def sweep(self, count: int) -> Mapping[Any, ItemJudgement]:
        """Judge the questions of about `count` items again, label by label; return the items whose judgement moved."""
        touched: dict[Hashable, None] = {}
        self._unrest = 0.0
        for label, portion in self._portions(count):
            question = self._questions[label]
            touched |= dict.fromkeys(self._take(label, question.sweep(portion)))
            self._unrest = max(self._unrest, question.unrest)
        return {item: self._judgement(item) for item in touched if item not in self._fresh}

    def without(self, items: Sequence[Hashable]) -> Mapping[Any, Mapping[str, tuple[Label, float]]]:  # noqa: ARG002
        """Return nothing: what the others say tells as much."""
        return {}

    @property
    def unrest(self) -> float:
        """By how much (0-1) the last sweep changed a belief, at most."""
        return self._unrest

    def relearn(self) -> None:
        """Learn anew from the open items."""
        for question in self._questions.values():
            question.relearn()

    def learned(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what this partition has learned of an annotator, or of the pool, by label."""
        labels = {label: question.learned(annotator) for label, question in self._questions.items()}
        if annotator == POOL:
            return labels
        elsewhere = [one["ballots"] for one in self._heard.get(annotator, ())]
        ballots = {
            way: self._silences.ballots(number) - sum(one.get(way, 0) for one in elsewhere)
            for way, number in self._annotators.ways(annotator).items()
        }
        return {"ballots": ballots, "labels": {label: counted for label, counted in labels.items() if counted}}

    def set_remote_counts(self, annotator: str, others: Sequence[Any]) -> None:
        """Take over what each of the other partitions has learned of an annotator, or of the pool."""
        if annotator == POOL:
            for label in dict.fromkeys(chain.from_iterable(others)):
                self._question(label).set_remote_counts(POOL, [other[label] for other in others if label in other])
            return
        before = self._heard.get(annotator, ())
        self._heard[annotator] = others
        for learned, sign in (*((one, -1) for one in before), *((one, 1) for one in others)):
            self._load(annotator, learned, sign=sign)
        for label in dict.fromkeys(chain.from_iterable(one["labels"] for one in (*before, *others))):
            self._tell(label, annotator)

    def dump_closed(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what closed items taught of an annotator; of the pool, what was learned."""
        labels = {label: question.dump_closed(annotator) for label, question in self._questions.items()}
        if annotator == POOL:
            return labels
        ballots = {way: self._closed[number] for way, number in self._annotators.ways(annotator).items()}
        return {"ballots": ballots, "labels": {label: counted for label, counted in labels.items() if counted}}

    def load_closed(self, annotator: str, stored: Any) -> None:  # noqa: ANN401  # plain JSON data
        """Restore what `kept` gave; of the pool after the annotators."""
        if annotator == POOL:
            for label, kept in stored.items():
                self._question(label).load_closed(POOL, kept)
            return
        self._load(annotator, self.dump_closed(annotator), sign=-1)
        self._load(annotator, stored, sign=1)
        for way, ballots in stored["ballots"].items():
            self._closed[self._annotators.number(annotator, way)] = ballots
        for label, kept in stored["labels"].items():
            self._question(label).load_closed(annotator, kept)

    def fade(self, share: float) -> None:
        """Forget this share (0-1) of what closed items taught of all annotators."""
        for who in self._annotators.names():
            self._load(who, self.dump_closed(who), sign=-1)
        for question in self._questions.values():
            question.fade(share)
        for number in self._closed:
            self._closed[number] = round(self._closed[number] * (1 - share))
        for who in self._annotators.names():
            self._load(who, self.dump_closed(who), sign=1)

    def accuracy(self, annotator: str) -> Accuracy | None:
        """Return how often an annotator answers rightly where a label is in question; None for one nobody knows."""
        if annotator == POOL:
            return None
        here = {label: question.learned(annotator) for label, question in self._questions.items()}
        everywhere = [here, *(other["labels"] for other in self._heard.get(annotator, ()))]
        return accuracy_of({label: added([one.get(label, {}) for one in everywhere]) for label in here})

    def _ask(self, item: Hashable, facts: ItemFacts, given: _Given, stored: Any) -> QuestionItem[int]:  # noqa: ANN401
        answers = {label: UNJUDGED if stored is None else restored(stored[label]) for label in given.labels}
        voters = tuple(self._annotators.number(who, way_of(ballot)) for who, ballot in facts.ballots.items())
        asked = self._items[item] = QuestionItem(dict(answers), voters, known=given.known is not None)
        return asked

    def _forget(self, item: Hashable) -> QuestionItem[int]:
        self._fresh.pop(item, None)
        return self._items.pop(item, QuestionItem({}, (), known=False))

    def _take(self, label: str, judged: Mapping[Any, ItemJudgement]) -> Iterable[Hashable]:
        for item, judgement in judged.items():
            self._items[item].answers[label] = answer_of(judgement)
        return judged

    def _portions(self, count: int) -> Iterator[tuple[str, int]]:
        """Yield how many items to judge again of which label, so that all labels' items have their turn."""
        budget = ceil(count * sum(map(len, self._questions.values())) / max(len(self._items), 1))
        for _ in self._questions:
            if not self._turn:
                self._turn = [(label, len(question)) for label, question in reversed(self._questions.items())]
            if not budget:
                return
            label, left = self._turn.pop()
            if left == len(self._questions[label]):
                self._count_omissions(label, self._silences.asked(label))
            portion = min(left, budget)
            budget -= portion
            if left > portion:
                self._turn.append((label, left - portion))
            yield label, portion

    def _judgement(self, item: Hashable) -> ItemJudgement:
        asked = self._items[item]
        shown = {str(label): answer.yes for label, answer in asked.answers.items()}
        chosen = self._chosen(shown, known=asked.known)
        certainty = asked.certainty(lapse_of(self._questions[label] for label in shown))
        probability = _all_right(shown, chosen, certainty)
        stored = {label: answer.stored for label, answer in asked.answers.items()}
        doubt = partial(_doubt, shown, certainty)
        listed = {label: p for label, p in shown.items() if p >= LEAST_SHOWN}
        return ItemJudgement(chosen, round(probability, 6), listed, asked.gain, doubt, stored)

    def _chosen(self, shown: Mapping[str, float], *, known: bool) -> list[str]:
        """Return the labels that are more probable than not; no fewer and no more than allowed, if they are guessed."""
        ordered = sorted(shown, key=lambda label: -shown[label])
        count = sum(p >= MAYBE for p in shown.values())
        if not known:
            count = max(count, self._least)
            count = count if self._most is None else min(count, self._most)
        chosen = ordered[:count]
        return sorted(chosen)

    def _question(self, label: str) -> LabelAdapter:
        if label not in self._questions:
            self._questions[label] = a_question()
        return self._questions[label]

    def _load(self, annotator: str, learned: Any, *, sign: int) -> None:  # noqa: ANN401  # plain JSON data
        for way, ballots in learned["ballots"].items():
            asked = {label: _votes(counted.get(way, ())) for label, counted in learned["labels"].items()}
            self._silences.load(self._annotators.number(annotator, way), ballots, asked, sign=sign)

    def _count_omissions(self, label: str, voters: Iterable[int]) -> None:
        """Let the label's question know how often these left it out together with everybody else."""
        for voter in voters:
            if self._silences.of(voter, label) != self._silent.get((label, voter), 0):
                self._tell(label, self._annotators.name(voter)[0])

    def _tell(self, label: str, annotator: str) -> None:
        silence: dict[str, list[ConfusionCell]] = {}
        for way, number in self._annotators.ways(annotator).items():
            silent = self._silent[label, number] = self._silences.of(number, label)
            silence[way] = [(NO, NO, silent)] if silent else []
        others = [one["labels"][label] for one in self._heard.get(annotator, ()) if label in one["labels"]]
        self._question(label).set_remote_counts(annotator, [*others, silence])


def _labels(label: Label | None) -> frozenset[str]:
    return frozenset(part for part in label if isinstance(part, str)) if isinstance(label, list) else frozenset()


def _given(facts: ItemFacts) -> _Given:
    by = {who: _labels(ballot.label) for who, ballot in facts.ballots.items()}
    known = None if facts.known is None else _labels(facts.known)
    return _Given(by, known, sorted({*(known or ()), *chain.from_iterable(by.values())}))


def _about(label: str, facts: ItemFacts, given: _Given) -> ItemFacts:
    said = {who: label in labels for who, labels in given.by.items()}
    return question_facts(facts, said, None if given.known is None else label in given.known)


def _votes(counts: Iterable[ConfusionCell]) -> int:
    return round(sum(votes for _, _, votes in counts))


def _all_right(shown: Mapping[str, float], given: Collection[str], certainty: Certainty) -> float:
    sides = [certainty_of(p if label in given else 1 - p, certainty.lapse) for label, p in shown.items()]
    return probability_all_correct(sides, certainty)


def _doubt(shown: Mapping[str, float], certainty: Certainty, label: Label) -> float:
    given = _labels(label)
    return 1 - _all_right(shown, given, certainty) if given <= shown.keys() else 1.0
