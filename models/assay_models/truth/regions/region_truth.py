"""The truth of labels that are marks (spans, boxes): marks that overlap are one, and each is a yes-or-no question."""

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
    a_question,
    accuracy_of,
    answer_of,
    certainty_of,
    lapse_of,
    probability_all_correct,
    question_facts,
    restored,
    stored_question,
)
from assay_models.truth.regions.clusters import Group, Mark, best_overlap, grouped, marks_of
from assay_models.truth.truth_model import Accuracy, ItemFacts, ItemJudgement
from assay_schemas.annotation import Label
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.label_kinds import BoxesLabel, SpansLabel

_STEPS = 20
"""Weights are rounded to a twentieth: the borders must not move with every vote elsewhere."""


class _RegionItem(NamedTuple):
    """An item's groups by number, what is believed of their existence, and how each is called.

    `called`: the names' probabilities of each group, as counted and as published.
    """

    groups: Sequence[Group]
    asked: QuestionItem[str]
    called: dict[int, Sequence[Mapping[str, float]]]
    known: bool


class _RegionGroup(NamedTuple):
    """A group as it is judged: the marks that are in it, the mark to publish, and how sure both are (0-1, clear)."""

    members: frozenset[Mark]
    mark: Mark
    there: float
    called: Mapping[str, float]


class RegionTruth:
    """Each group of marks that overlap is a question: is there something? It changes in place.

    Whoever marked nothing there says no. What it is called is voted by those who marked it, their confusions of names
    being learned as for categories. It ends where the median of their borders is, weighted by how often they are right
    about something being there, as far as is counted here. Groups exist only where somebody marked something: how
    often an annotator sees what is not there is relative to how often anybody does.
    """

    def __init__(self, contract: LabelContract) -> None:
        """Begin with the contract's labels."""
        self._there = a_question()
        self._called = LabelAdapter(())
        self._items: dict[Hashable, _RegionItem] = {}
        self._fresh: dict[Hashable, None] = {}
        self._weights: dict[str, float] = {}
        self.adopt(contract)

    def adopt(self, contract: LabelContract) -> None:
        """Take a newer contract: labels that are new, and whether spans may overlap."""
        kind = contract.label
        if not isinstance(kind, SpansLabel | BoxesLabel):
            raise TypeError(kind)
        self._kind = kind.kind
        self._apart = isinstance(kind, SpansLabel) and not kind.overlap
        self._called.admit(kind.values)

    def put(self, item: Hashable, facts: ItemFacts, *, stored: Any = None) -> None:  # noqa: ANN401
        """Say what is known of an item; with `stored` it counts as judged, as it was then."""
        before = self._items.get(item)
        found = self._item(item, facts, stored)
        told = stored if stored is not None and len(stored) == len(found.groups) else None
        for number in range(len(found.groups), 0 if before is None else len(before.groups)):
            self._there.remove((item, number))
            self._called.remove((item, number))
        for number, group in enumerate(found.groups):
            there, called = (None, None) if told is None else _stored(told[number])
            self._there.put((item, number), _about(group, facts, found), stored=there)
            self._called.put((item, number), _names(group, facts), stored=called)
        if told is None:
            self._fresh[item] = None
        else:
            self._fresh.pop(item, None)

    def remove(self, item: Hashable) -> None:
        """Forget an item and all it taught."""
        for number in self._forget(item):
            self._there.remove(number)
            self._called.remove(number)

    def close(self, item: Hashable) -> None:
        """Forget an item, and keep what it taught."""
        for number in self._forget(item):
            self._there.close(number)
            self._called.close(number)

    def reopen(self, item: Hashable, facts: ItemFacts, *, stored: Any) -> None:  # noqa: ANN401
        """Take up a closed item again, as it was; without `stored` it had nothing to teach."""
        if stored is None:
            self.put(item, facts)
            return
        found = self._item(item, facts, stored)
        for number, group in enumerate(found.groups):
            there, called = _stored(stored[number])
            self._there.reopen((item, number), _about(group, facts, found), stored=there)
            self._called.reopen((item, number), _names(group, facts), stored=called)

    def settle(self, *, sweep: int = 0) -> Mapping[Any, ItemJudgement]:
        """Judge the items put since the last call, after a sweep over some others if that is asked for."""
        moved = self.sweep(sweep) if sweep else {}
        touched, self._fresh = self._fresh, {}
        self._take(self._there.settle(), self._called.settle())
        return {**moved, **{item: self._judgement(item) for item in touched}}

    def sweep(self, count: int) -> Mapping[Any, ItemJudgement]:
        """Judge the groups of about `count` items again; return the items whose judgement moved."""
        portion = -(-count * len(self._there) // max(len(self._items), 1))
        touched = self._take(self._there.sweep(portion), self._called.sweep(portion))
        return {item: self._judgement(item) for item in touched if item not in self._fresh}

    def without(self, items: Sequence[Hashable]) -> Mapping[Any, Mapping[str, tuple[Label, float]]]:  # noqa: ARG002
        """Return nothing: what the others say tells as much."""
        return {}

    @property
    def unrest(self) -> float:
        """By how much (0-1) the last sweep changed a belief, at most."""
        return max(self._there.unrest, self._called.unrest)

    def relearn(self) -> None:
        """Learn anew from the open items."""
        self._there.relearn()
        self._called.relearn()

    def learned(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what this partition has learned of an annotator, or of the pool."""
        return {"there": self._there.learned(annotator), "called": self._called.learned(annotator)}

    def set_remote_counts(self, annotator: str, others: Sequence[Any]) -> None:
        """Take over what each of the other partitions has learned of an annotator, or of the pool."""
        self._there.set_remote_counts(annotator, [other["there"] for other in others])
        self._called.set_remote_counts(annotator, [other["called"] for other in others])

    def dump_closed(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what closed items taught of an annotator; of the pool, what was learned."""
        return {"there": self._there.dump_closed(annotator), "called": self._called.dump_closed(annotator)}

    def load_closed(self, annotator: str, stored: Any) -> None:  # noqa: ANN401  # plain JSON data
        """Restore what `kept` gave; of the pool after the annotators."""
        self._there.load_closed(annotator, stored["there"])
        self._called.load_closed(annotator, stored["called"])

    def fade(self, share: float) -> None:
        """Forget this share (0-1) of what closed items taught of all annotators."""
        self._there.fade(share)
        self._called.fade(share)

    def accuracy(self, annotator: str) -> Accuracy | None:
        """Return how often an annotator is right about whether something is there; None for one nobody knows."""
        found = self._there.accuracy(annotator)
        if found is None:
            return None
        counted = [(truth, said, votes) for truth, row in found.confusion.items() for said, votes in row.items()]
        return accuracy_of({"mark": counted})

    def _item(self, item: Hashable, facts: ItemFacts, stored: Any) -> _RegionItem:  # noqa: ANN401
        marks = {who: marks_of(ballot.label) for who, ballot in facts.ballots.items()}
        groups = grouped(marks, marks_of(facts.known))
        usable = stored is not None and len(stored) == len(groups)
        numbers = range(len(groups))
        answers: dict[Any, QuestionBelief] = {n: restored(stored[n][:2]) if usable else UNJUDGED for n in numbers}
        asked = QuestionItem(answers, tuple(marks), known=facts.known is not None)
        called: dict[int, Sequence[Mapping[str, float]]] = {n: stored[n][2:] for n in numbers} if usable else {}
        found = self._items[item] = _RegionItem(groups, asked, called, facts.known is not None)
        return found

    def _forget(self, item: Hashable) -> Iterable[tuple[Hashable, int]]:
        self._fresh.pop(item, None)
        found = self._items.pop(item, None)
        return () if found is None else [(item, number) for number in range(len(found.groups))]

    def _take(self, there: Mapping[Any, ItemJudgement], called: Mapping[Any, ItemJudgement]) -> Iterable[Hashable]:
        self._weights = {}
        for (item, number), judgement in there.items():
            self._items[item].asked.answers[number] = answer_of(judgement)
        for (item, number), judgement in called.items():
            self._items[item].called[number] = judgement.stored
        return dict.fromkeys(item for item, _ in (*there, *called))

    def _judgement(self, item: Hashable) -> ItemJudgement:
        groups, asked, called, known = self._items[item]
        certainty = asked.certainty(lapse_of([self._there]))
        names = asked.certainty(lapse_of([self._called])).lapse
        found = [
            self._found(group, certainty_of(asked.answers[number].yes, certainty.lapse), called[number][1], names)
            for number, group in enumerate(groups)
        ]
        chosen = self._chosen(found, known=known)
        sides = [
            one.there * one.called[one.mark.label] if n in chosen else 1 - one.there for n, one in enumerate(found)
        ]
        label = [mark.plain(self._kind) for mark in sorted(found[number].mark for number in chosen)]
        stored = [(*asked.answers[number].stored, *called[number]) for number in range(len(groups))]
        probability = round(probability_all_correct(sides, certainty), 6)
        return ItemJudgement(label, probability, {}, asked.gain, partial(_doubt, found, certainty), stored)

    def _found(self, group: Group, there: float, called: Mapping[str, float], lapse: float) -> _RegionGroup:
        options = self._called.labels
        names = {label: certainty_of(p, lapse, options) for label, p in called.items()}
        likeliest = max(names, key=lambda label: (names[label], label))
        mark = group.merged({who: self._weight(who) for who in group.members}, likeliest)
        marks = frozenset(group.members.values())
        return _RegionGroup(marks, mark, there, names)

    def _chosen(self, found: Sequence[_RegionGroup], *, known: bool) -> set[int]:
        """Return the groups that are more probable than not; of spans that must not overlap, the more probable one."""
        chosen: set[int] = set()
        for number in sorted(range(len(found)), key=lambda number: -found[number].there):
            mark = found[number].mark
            free = all(mark.right <= found[n].mark.left or found[n].mark.right <= mark.left for n in chosen)
            if found[number].there >= MAYBE and (free or known or not self._apart):
                chosen.add(number)
        return chosen

    def _weight(self, who: str) -> float:
        weight = self._weights.get(who)
        if weight is None:
            share = self._there.share_right(who)
            weight = self._weights[who] = max(round(share * _STEPS), 1) / _STEPS
        return weight


def _about(group: Group, facts: ItemFacts, found: _RegionItem) -> ItemFacts:
    said = {who: who in group.members for who in facts.ballots}
    return question_facts(facts, said, group.known is not None if found.known else None)


def _names(group: Group, facts: ItemFacts) -> ItemFacts:
    """Return what those who marked something called it."""
    ballots = {who: facts.ballots[who]._replace(label=mark.label) for who, mark in group.members.items()}
    return ItemFacts(ballots, None if group.known is None else group.known.label)


def _stored(stored: Sequence[Any]) -> tuple[Any, Any]:
    return stored_question(stored[:2]), stored[2:]


def _doubt(found: Sequence[_RegionGroup], certainty: Certainty, label: Label) -> float:
    """Return the probability that a list of marks is wrong: a mark missing, one too many, or called otherwise."""
    given: dict[int, Mark] = {}
    for mark in marks_of(label):
        number = next((n for n, one in enumerate(found) if mark in one.members), None)
        number = best_overlap(mark, [one.mark for one in found]) if number is None else number
        if number is None or number in given:
            return 1.0
        given[number] = mark
    sides = [
        one.there * one.called.get(given[number].label, 0.0) if number in given else 1 - one.there
        for number, one in enumerate(found)
    ]
    return 1 - probability_all_correct(sides, certainty)
