"""Truth model for marks (spans, boxes): overlapping marks form a group, and each group is a yes-or-no question."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from assay_models.truth.categorical.label_adapter import LabelAdapter
from assay_models.truth.multilabel.binary_questions import (
    MAYBE,
    UNJUDGED,
    Certainty,
    QuestionBelief,
    QuestionItem,
    accuracy_of,
    answer_of,
    certainty_of,
    lapse_of,
    new_question,
    probability_all_correct,
    question_facts,
    restored,
    stored_question,
)
from assay_models.truth.regions.clusters import Group, Mark, best_overlap, grouped, marks_of
from assay_models.truth.truth_model import Accuracy, ItemFacts, ItemJudgement
from assay_schemas.annotation import AnnotatorId, Label
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.label_kinds import BoxesLabel, SpansLabel
from assay_schemas.json_data import Json

_STEPS = 20
"""Weights are rounded to a twentieth, which keeps the borders from moving with every vote elsewhere."""


class _RegionItem(NamedTuple):
    """An item's groups by number, with the posteriors of their existence and of their labels.

    `called`: the label probabilities of each group, as counted and as published. `known`: the item has a gold label.
    """

    groups: Sequence[Group]
    asked: QuestionItem[AnnotatorId]
    called: dict[int, Sequence[Mapping[str, float]]]
    known: bool


class _RegionGroup(NamedTuple):
    """A judged group: its marks, the mark to publish, the probability that it exists and those of its labels, 0-1.

    Probabilities are without lapses.
    """

    members: frozenset[Mark]
    mark: Mark
    there: float
    called: Mapping[str, float]


class RegionTruth:
    """Truth model in which each group of overlapping marks is a question: does the object exist? Mutable.

    Annotators without a mark in the group answer no. Those with a mark vote on its label, with confusion counts as for
    categories. The borders are the medians of the annotators' borders, weighted by their accuracy on existence in this
    partition. Groups exist only where somebody marked something: an annotator's rate of false marks is relative to the
    marks of all annotators.
    """

    def __init__(self, contract: LabelContract) -> None:
        """Start without items, with the labels of the contract."""
        self._there = new_question()
        self._called = LabelAdapter(())
        self._items: dict[Hashable, _RegionItem] = {}
        self._fresh: dict[Hashable, None] = {}
        self._weights: dict[AnnotatorId, float] = {}
        self.adopt(contract)

    def adopt(self, contract: LabelContract) -> None:
        """Add new labels and set whether spans may overlap. Raises TypeError for another kind of label."""
        kind = contract.label
        if not isinstance(kind, SpansLabel | BoxesLabel):
            raise TypeError(kind)
        self._kind = kind.kind
        self._apart = isinstance(kind, SpansLabel) and not kind.overlap
        self._called.admit(kind.values)

    def put(self, item: Hashable, facts: ItemFacts, *, stored: Json = None) -> None:
        """Set the observations on an item; with `stored` restore its saved judgement instead of queueing it."""
        before = self._items.get(item)
        placed = self._item(item, facts, stored)
        saved = stored if stored is not None and len(stored) == len(placed.groups) else None
        for number in range(len(placed.groups), 0 if before is None else len(before.groups)):
            self._there.remove((item, number))
            self._called.remove((item, number))
        for number, group in enumerate(placed.groups):
            existence, called = (None, None) if saved is None else _stored(saved[number])
            self._there.put((item, number), _existence_facts(group, facts, placed), stored=existence)
            self._called.put((item, number), _label_facts(group, facts), stored=called)
        if saved is None:
            self._fresh[item] = None
        else:
            self._fresh.pop(item, None)

    def remove(self, item: Hashable) -> None:
        """Remove an item together with its contribution to the counts."""
        for number in self._forget(item):
            self._there.remove(number)
            self._called.remove(number)

    def close(self, item: Hashable) -> None:
        """Remove an item, but keep its contribution to the counts."""
        for number in self._forget(item):
            self._there.close(number)
            self._called.close(number)

    def reopen(self, item: Hashable, facts: ItemFacts, *, stored: Json) -> None:
        """Restore a closed item; `stored` is None if it was closed without having been judged."""
        if stored is None:
            self.put(item, facts)
            return
        placed = self._item(item, facts, stored)
        for number, group in enumerate(placed.groups):
            existence, called = _stored(stored[number])
            self._there.reopen((item, number), _existence_facts(group, facts, placed), stored=existence)
            self._called.reopen((item, number), _label_facts(group, facts), stored=called)

    def settle(self, *, sweep: int = 0) -> Mapping[Any, ItemJudgement]:
        """Judge the items put since the last call, after a sweep over about `sweep` others."""
        moved = self.sweep(sweep) if sweep else {}
        touched, self._fresh = self._fresh, {}
        self._store_posteriors(self._there.settle(), self._called.settle())
        return {**moved, **{item: self._judgement(item) for item in touched}}

    def sweep(self, count: int) -> Mapping[Any, ItemJudgement]:
        """Judge the groups of about `count` items again; return the items whose judgement moved."""
        portion = -(-count * len(self._there) // max(len(self._items), 1))
        touched = self._store_posteriors(self._there.sweep(portion), self._called.sweep(portion))
        return {item: self._judgement(item) for item in touched if item not in self._fresh}

    def without(self, items: Sequence[Hashable]) -> Mapping[Any, Mapping[AnnotatorId, tuple[Label, float]]]:  # noqa: ARG002
        """Return nothing: the other annotators' plurality is as good a prediction."""
        return {}

    @property
    def unrest(self) -> float:
        """The largest change (0-1) of any group's posterior in the last sweep."""
        return max(self._there.unrest, self._called.unrest)

    def relearn(self) -> None:
        """Estimate the hyper-parameters now, from the open items."""
        self._there.relearn()
        self._called.relearn()

    def learned(self, annotator: AnnotatorId) -> Json:
        """Return this partition's counts of an annotator, or the evidence of the POOL."""
        return {"there": self._there.learned(annotator), "called": self._called.learned(annotator)}

    def set_remote_counts(self, annotator: AnnotatorId, others: Sequence[Any]) -> None:
        """Set an annotator's counts (or the POOL's evidence) from the other partitions, one entry per partition."""
        self._there.set_remote_counts(annotator, [other["there"] for other in others])
        self._called.set_remote_counts(annotator, [other["called"] for other in others])

    def dump_closed(self, annotator: AnnotatorId) -> Json:
        """Return an annotator's counts from closed items; for the POOL, the hyper-parameters."""
        return {"there": self._there.dump_closed(annotator), "called": self._called.dump_closed(annotator)}

    def load_closed(self, annotator: AnnotatorId, stored: Json) -> None:
        """Restore what `dump_closed` returned. Restore the annotators first and the POOL last."""
        self._there.load_closed(annotator, stored["there"])
        self._called.load_closed(annotator, stored["called"])

    def fade(self, share: float) -> None:
        """Discount the counts of closed items: multiply those of all annotators by 1 - `share` (0-1)."""
        self._there.fade(share)
        self._called.fade(share)

    def accuracy(self, annotator: AnnotatorId) -> Accuracy | None:
        """Return an annotator's accuracy on whether objects exist; None for an unknown annotator."""
        existence = self._there.accuracy(annotator)
        if existence is None:
            return None
        counted = [(truth, given, votes) for truth, row in existence.confusion.items() for given, votes in row.items()]
        return accuracy_of({"mark": counted})

    def _item(self, item: Hashable, facts: ItemFacts, stored: Json) -> _RegionItem:
        marks = {who: marks_of(ballot.label) for who, ballot in facts.ballots.items()}
        groups = grouped(marks, marks_of(facts.known))
        usable = stored is not None and len(stored) == len(groups)
        numbers = range(len(groups))
        answers: dict[Any, QuestionBelief] = {n: restored(stored[n][:2]) if usable else UNJUDGED for n in numbers}
        questions = QuestionItem(answers, tuple(marks), known=facts.known is not None)
        called: dict[int, Sequence[Mapping[str, float]]] = {n: stored[n][2:] for n in numbers} if usable else {}
        region_item = self._items[item] = _RegionItem(groups, questions, called, facts.known is not None)
        return region_item

    def _forget(self, item: Hashable) -> Iterable[tuple[Hashable, int]]:
        self._fresh.pop(item, None)
        region_item = self._items.pop(item, None)
        return () if region_item is None else [(item, number) for number in range(len(region_item.groups))]

    def _store_posteriors(
        self, there: Mapping[Any, ItemJudgement], called: Mapping[Any, ItemJudgement]
    ) -> Iterable[Hashable]:
        self._weights = {}
        for (item, number), judgement in there.items():
            self._items[item].asked.answers[number] = answer_of(judgement)
        for (item, number), judgement in called.items():
            self._items[item].called[number] = judgement.stored
        return dict.fromkeys(item for item, _ in (*there, *called))

    def _judgement(self, item: Hashable) -> ItemJudgement:
        groups, questions, called, known = self._items[item]
        certainty = questions.certainty(lapse_of([self._there]))
        label_lapse = questions.certainty(lapse_of([self._called])).lapse
        judged = [
            self._judged_group(
                group, certainty_of(questions.answers[number].yes, certainty.lapse), called[number][1], label_lapse
            )
            for number, group in enumerate(groups)
        ]
        chosen = self._chosen(judged, known=known)
        sides = [
            one.there * one.called[one.mark.label] if n in chosen else 1 - one.there for n, one in enumerate(judged)
        ]
        label = [mark.plain(self._kind) for mark in sorted(judged[number].mark for number in chosen)]
        stored = [(*questions.answers[number].stored, *called[number]) for number in range(len(groups))]
        probability = round(probability_all_correct(sides, certainty), 6)
        return ItemJudgement(label, probability, {}, questions.gain, partial(_doubt, judged, certainty), stored)

    def _judged_group(self, group: Group, there: float, called: Mapping[str, float], lapse: float) -> _RegionGroup:
        options = self._called.labels
        names = {label: certainty_of(p, lapse, options) for label, p in called.items()}
        likeliest = max(names, key=lambda label: (names[label], label))
        mark = group.merged({who: self._weight(who) for who in group.members}, likeliest)
        marks = frozenset(group.members.values())
        return _RegionGroup(marks, mark, there, names)

    def _chosen(self, judged: Sequence[_RegionGroup], *, known: bool) -> set[int]:
        """Return the groups with probability 0.5 or more; of spans that must not overlap, the more probable one."""
        chosen: set[int] = set()
        for number in sorted(range(len(judged)), key=lambda number: -judged[number].there):
            mark = judged[number].mark
            free = all(mark.right <= judged[n].mark.left or judged[n].mark.right <= mark.left for n in chosen)
            if judged[number].there >= MAYBE and (free or known or not self._apart):
                chosen.add(number)
        return chosen

    def _weight(self, who: AnnotatorId) -> float:
        weight = self._weights.get(who)
        if weight is None:
            share = self._there.share_right(who)
            weight = self._weights[who] = max(round(share * _STEPS), 1) / _STEPS
        return weight


def _existence_facts(group: Group, facts: ItemFacts, placed: _RegionItem) -> ItemFacts:
    answers = {who: who in group.members for who in facts.ballots}
    return question_facts(facts, answers, group.known is not None if placed.known else None)


def _label_facts(group: Group, facts: ItemFacts) -> ItemFacts:
    """Return the label votes of those who marked the object."""
    ballots = {who: facts.ballots[who]._replace(label=mark.label) for who, mark in group.members.items()}
    return ItemFacts(ballots, None if group.known is None else group.known.label)


def _stored(stored: Sequence[Any]) -> tuple[Any, Any]:
    return stored_question(stored[:2]), stored[2:]


def _doubt(judged: Sequence[_RegionGroup], certainty: Certainty, label: Label) -> float:
    """Return the probability that a list of marks is wrong: one missing, one too many, or one mislabelled."""
    given: dict[int, Mark] = {}
    for mark in marks_of(label):
        number = next((n for n, one in enumerate(judged) if mark in one.members), None)
        number = best_overlap(mark, [one.mark for one in judged]) if number is None else number
        if number is None or number in given:
            return 1.0
        given[number] = mark
    sides = [
        one.there * one.called.get(given[number].label, 0.0) if number in given else 1 - one.there
        for number, one in enumerate(judged)
    ]
    return 1 - probability_all_correct(sides, certainty)
