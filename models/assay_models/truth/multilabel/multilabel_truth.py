"""Truth model for multi-labels: one yes-or-no question per label."""

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
    accuracy_of,
    added,
    answer_of,
    certainty_of,
    lapse_of,
    new_question,
    probability_all_correct,
    question_facts,
    restored,
    stored_question,
)
from assay_models.truth.multilabel.omissions import OmissionCounts
from assay_models.truth.truth_model import POOL, Accuracy, ItemFacts, ItemJudgement
from assay_schemas.annotation import AnnotatorId, Label
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.label_kinds import MultilabelLabel
from assay_schemas.json_data import Json


class _Given(NamedTuple):
    """The labels that each annotator gave an item, the gold labels (None without gold), and all of these in order."""

    by: Mapping[AnnotatorId, frozenset[str]]
    known: frozenset[str] | None
    labels: Sequence[str]


class MultilabelTruth:
    """Truth model with one yes-or-no question per label, each with its own annotator counts and pool. Mutable.

    A label that nobody gave an item is not a question on that item: it is taken as absent. Such joint omissions still
    count, as one rounded number per annotator and label, which keeps base rates and false positive rates relative to
    all items. Limitation: a label that all voters on an item overlooked counts as correctly omitted; with a miss rate
    of 0.2 and three voters that is one item in 125.
    """

    def __init__(self, contract: LabelContract) -> None:
        """Start without items, with the labels of the contract."""
        self._questions: dict[str, LabelAdapter] = {}
        self._items: dict[Hashable, QuestionItem[int]] = {}
        self._annotators = AnnotatorIndex()
        self._omissions = OmissionCounts()
        self._published_omissions: dict[tuple[str, int], int] = {}
        self._closed: Counter[int] = Counter()
        self._remote: dict[AnnotatorId, Sequence[Any]] = {}
        self._fresh: dict[Hashable, None] = {}
        self._waiting: dict[str, None] = {}
        self._turn: list[tuple[str, int]] = []
        self._unrest = 0.0
        self.adopt(contract)

    def adopt(self, contract: LabelContract) -> None:
        """Set the minimum and maximum number of labels per item. Raises TypeError for another kind of label."""
        if not isinstance(contract.label, MultilabelLabel):
            raise TypeError(contract.label)
        self._least, self._most = contract.label.min_count, contract.label.max_count

    def put(self, item: Hashable, facts: ItemFacts, *, stored: Json = None) -> None:
        """Set the observations on an item; with `stored` restore its saved judgement instead of queueing it."""
        given = _given(facts)
        before = self._items.get(item)
        if before is not None:
            self._omissions.count(before.voters, map(str, before.answers), sign=-1)
            for label in before.answers.keys() - set(given.labels):
                self._questions[str(label)].remove(item)
        saved = stored if stored is not None and set(given.labels) <= stored.keys() else None
        question_item = self._add_item(item, facts, given, saved)
        self._omissions.count(question_item.voters, given.labels)
        for label in given.labels:
            self._count_omissions(label, question_item.voters)
            answer = None if saved is None else stored_question(saved[label])
            self._question(label).put(item, _about(label, facts, given), stored=answer)
        self._waiting |= dict.fromkeys(given.labels)
        if saved is None:
            self._fresh[item] = None
        else:
            self._fresh.pop(item, None)

    def remove(self, item: Hashable) -> None:
        """Remove an item together with its contribution to the counts."""
        question_item = self._forget(item)
        self._omissions.count(question_item.voters, map(str, question_item.answers), sign=-1)
        for label in question_item.answers:
            self._questions[str(label)].remove(item)

    def close(self, item: Hashable) -> None:
        """Remove an item, but keep its contribution to the counts."""
        question_item = self._forget(item)
        self._closed.update(question_item.voters)
        for label in question_item.answers:
            self._questions[str(label)].close(item)

    def reopen(self, item: Hashable, facts: ItemFacts, *, stored: Json) -> None:
        """Restore a closed item; `stored` is None if it was closed without having been judged."""
        if stored is None:
            self.put(item, facts)
            return
        given = _given(facts)
        question_item = self._add_item(item, facts, given, stored)
        self._closed.subtract(question_item.voters)
        for label in given.labels:
            self._question(label).reopen(item, _about(label, facts, given), stored=stored_question(stored[label]))

    def settle(self, *, sweep: int = 0) -> Mapping[Any, ItemJudgement]:
        """Judge the items put since the last call, after a sweep over about `sweep` others."""
        moved = self.sweep(sweep) if sweep else {}
        touched, self._fresh = self._fresh, {}
        waiting, self._waiting = self._waiting, {}
        for label in waiting:
            self._store_posteriors(label, self._questions[label].settle())
        return {**moved, **{item: self._judgement(item) for item in touched}}

    def sweep(self, count: int) -> Mapping[Any, ItemJudgement]:
        """Judge the questions of about `count` items again, label by label; return the items whose judgement moved."""
        touched: dict[Hashable, None] = {}
        self._unrest = 0.0
        for label, portion in self._portions(count):
            question = self._questions[label]
            touched |= dict.fromkeys(self._store_posteriors(label, question.sweep(portion)))
            self._unrest = max(self._unrest, question.unrest)
        return {item: self._judgement(item) for item in touched if item not in self._fresh}

    def without(self, items: Sequence[Hashable]) -> Mapping[Any, Mapping[AnnotatorId, tuple[Label, float]]]:  # noqa: ARG002
        """Return nothing: the other annotators' plurality is as good a prediction."""
        return {}

    @property
    def unrest(self) -> float:
        """The largest change (0-1) of any question's posterior in the last sweep."""
        return self._unrest

    def relearn(self) -> None:
        """Estimate the hyper-parameters of all questions now, from the open items."""
        for question in self._questions.values():
            question.relearn()

    def learned(self, annotator: AnnotatorId) -> Json:
        """Return this partition's counts of an annotator (or the evidence of the POOL), by label."""
        labels = {label: question.learned(annotator) for label, question in self._questions.items()}
        if annotator == POOL:
            return labels
        remote = [one["ballots"] for one in self._remote.get(annotator, ())]
        ballots = {
            way: self._omissions.ballots(number) - sum(one.get(way, 0) for one in remote)
            for way, number in self._annotators.ways(annotator).items()
        }
        return {"ballots": ballots, "labels": {label: counted for label, counted in labels.items() if counted}}

    def set_remote_counts(self, annotator: AnnotatorId, others: Sequence[Any]) -> None:
        """Set an annotator's counts (or the POOL's evidence) from the other partitions, one entry per partition."""
        if annotator == POOL:
            for label in dict.fromkeys(chain.from_iterable(others)):
                self._question(label).set_remote_counts(POOL, [other[label] for other in others if label in other])
            return
        before = self._remote.get(annotator, ())
        self._remote[annotator] = others
        for learned, sign in (*((one, -1) for one in before), *((one, 1) for one in others)):
            self._load(annotator, learned, sign=sign)
        for label in dict.fromkeys(chain.from_iterable(one["labels"] for one in (*before, *others))):
            self._set_omissions(label, annotator)

    def dump_closed(self, annotator: AnnotatorId) -> Json:
        """Return an annotator's counts from closed items; for the POOL, the hyper-parameters."""
        labels = {label: question.dump_closed(annotator) for label, question in self._questions.items()}
        if annotator == POOL:
            return labels
        ballots = {way: self._closed[number] for way, number in self._annotators.ways(annotator).items()}
        return {"ballots": ballots, "labels": {label: counted for label, counted in labels.items() if counted}}

    def load_closed(self, annotator: AnnotatorId, stored: Json) -> None:
        """Restore what `dump_closed` returned. Restore the annotators first and the POOL last."""
        if annotator == POOL:
            for label, counts in stored.items():
                self._question(label).load_closed(POOL, counts)
            return
        self._load(annotator, self.dump_closed(annotator), sign=-1)
        self._load(annotator, stored, sign=1)
        for way, ballots in stored["ballots"].items():
            self._closed[self._annotators.number(annotator, way)] = ballots
        for label, counts in stored["labels"].items():
            self._question(label).load_closed(annotator, counts)

    def fade(self, share: float) -> None:
        """Discount the counts of closed items: multiply those of all annotators by 1 - `share` (0-1)."""
        for who in self._annotators.names():
            self._load(who, self.dump_closed(who), sign=-1)
        for question in self._questions.values():
            question.fade(share)
        for number in self._closed:
            self._closed[number] = round(self._closed[number] * (1 - share))
        for who in self._annotators.names():
            self._load(who, self.dump_closed(who), sign=1)

    def accuracy(self, annotator: AnnotatorId) -> Accuracy | None:
        """Return an annotator's accuracy over the questions; None for an unknown annotator."""
        if annotator == POOL:
            return None
        here = {label: question.learned(annotator) for label, question in self._questions.items()}
        everywhere = [here, *(other["labels"] for other in self._remote.get(annotator, ()))]
        return accuracy_of({label: added([one.get(label, {}) for one in everywhere]) for label in here})

    def _add_item(self, item: Hashable, facts: ItemFacts, given: _Given, stored: Json) -> QuestionItem[int]:
        answers = {label: UNJUDGED if stored is None else restored(stored[label]) for label in given.labels}
        voters = tuple(self._annotators.number(who, way_of(ballot)) for who, ballot in facts.ballots.items())
        question_item = self._items[item] = QuestionItem(dict(answers), voters, known=given.known is not None)
        return question_item

    def _forget(self, item: Hashable) -> QuestionItem[int]:
        self._fresh.pop(item, None)
        return self._items.pop(item, QuestionItem({}, (), known=False))

    def _store_posteriors(self, label: str, judged: Mapping[Any, ItemJudgement]) -> Iterable[Hashable]:
        for item, judgement in judged.items():
            self._items[item].answers[label] = answer_of(judgement)
        return judged

    def _portions(self, count: int) -> Iterator[tuple[str, int]]:
        """Yield labels, each with the number of its items to judge again; rotates over all labels and items."""
        budget = ceil(count * sum(map(len, self._questions.values())) / max(len(self._items), 1))
        for _ in self._questions:
            if not self._turn:
                self._turn = [(label, len(question)) for label, question in reversed(self._questions.items())]
            if not budget:
                return
            label, left = self._turn.pop()
            if left == len(self._questions[label]):
                self._count_omissions(label, self._omissions.asked(label))
            portion = min(left, budget)
            budget -= portion
            if left > portion:
                self._turn.append((label, left - portion))
            yield label, portion

    def _judgement(self, item: Hashable) -> ItemJudgement:
        question_item = self._items[item]
        shown = {str(label): answer.yes for label, answer in question_item.answers.items()}
        chosen = self._chosen(shown, known=question_item.known)
        certainty = question_item.certainty(lapse_of(self._questions[label] for label in shown))
        probability = _probability_correct(shown, chosen, certainty)
        stored = {label: answer.stored for label, answer in question_item.answers.items()}
        doubt = partial(_doubt, shown, certainty)
        listed = {label: p for label, p in shown.items() if p >= LEAST_SHOWN}
        return ItemJudgement(chosen, round(probability, 6), listed, question_item.gain, doubt, stored)

    def _chosen(self, shown: Mapping[str, float], *, known: bool) -> list[str]:
        """Return the labels with probability 0.5 or more; unless gold, as many as the contract requires and allows."""
        ordered = sorted(shown, key=lambda label: -shown[label])
        count = sum(p >= MAYBE for p in shown.values())
        if not known:
            count = max(count, self._least)
            count = count if self._most is None else min(count, self._most)
        chosen = ordered[:count]
        return sorted(chosen)

    def _question(self, label: str) -> LabelAdapter:
        if label not in self._questions:
            self._questions[label] = new_question()
        return self._questions[label]

    def _load(self, annotator: AnnotatorId, learned: Json, *, sign: int) -> None:
        for way, ballots in learned["ballots"].items():
            votes_by_label = {label: _votes(counted.get(way, ())) for label, counted in learned["labels"].items()}
            self._omissions.load(self._annotators.number(annotator, way), ballots, votes_by_label, sign=sign)

    def _count_omissions(self, label: str, voters: Iterable[int]) -> None:
        """Update the label's question where a voter's number of joint omissions has changed."""
        for voter in voters:
            if self._omissions.of(voter, label) != self._published_omissions.get((label, voter), 0):
                self._set_omissions(label, self._annotators.name(voter)[0])

    def _set_omissions(self, label: str, annotator: AnnotatorId) -> None:
        omissions: dict[str, list[ConfusionCell]] = {}
        for way, number in self._annotators.ways(annotator).items():
            count = self._published_omissions[label, number] = self._omissions.of(number, label)
            omissions[way] = [(NO, NO, count)] if count else []
        others = [one["labels"][label] for one in self._remote.get(annotator, ()) if label in one["labels"]]
        self._question(label).set_remote_counts(annotator, [*others, omissions])


def _labels(label: Label | None) -> frozenset[str]:
    return frozenset(part for part in label if isinstance(part, str)) if isinstance(label, list) else frozenset()


def _given(facts: ItemFacts) -> _Given:
    by = {who: _labels(ballot.label) for who, ballot in facts.ballots.items()}
    known = None if facts.known is None else _labels(facts.known)
    return _Given(by, known, sorted({*(known or ()), *chain.from_iterable(by.values())}))


def _about(label: str, facts: ItemFacts, given: _Given) -> ItemFacts:
    answers = {who: label in labels for who, labels in given.by.items()}
    return question_facts(facts, answers, None if given.known is None else label in given.known)


def _votes(counts: Iterable[ConfusionCell]) -> int:
    return round(sum(votes for _, _, votes in counts))


def _probability_correct(shown: Mapping[str, float], given: Collection[str], certainty: Certainty) -> float:
    sides = [certainty_of(p if label in given else 1 - p, certainty.lapse) for label, p in shown.items()]
    return probability_all_correct(sides, certainty)


def _doubt(shown: Mapping[str, float], certainty: Certainty, label: Label) -> float:
    given = _labels(label)
    return 1 - _probability_correct(shown, given, certainty) if given <= shown.keys() else 1.0
