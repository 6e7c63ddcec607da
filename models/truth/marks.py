"""The truth of labels that are marks (spans, boxes): marks that overlap are one, and each is a yes-or-no question."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from models.truth.composite import Answers, a_question, all_right, pooled, question_facts, restored, yes
from models.truth.grouping import Group, Mark, grouped, marks_of, same_place
from models.truth.judging import Accuracy, Facts, Judgement
from schemas.annotation import Label
from schemas.contract import LabelContract

_MAYBE = 0.5
_UNKNOWN_ACCURACY = 0.5


class _Item(NamedTuple):
    """The groups of an item's marks, in order, and the marks that are known to be right (None: not known)."""

    groups: tuple[Group, ...]
    known: tuple[Mark, ...] | None


class MarksTruth:
    """Each group of marks that overlap is a question: is there something? It changes in place.

    Who marked nothing there says no. What it is called is voted by those who marked it, each by how reliable they
    are; where it ends is the median of theirs. A group goes by its number in the order of its place.
    """

    def __init__(self, contract: LabelContract) -> None:
        """Begin; the contract's labels may change as they like."""
        self._there = a_question()
        self._items: dict[Hashable, _Item] = {}
        self._answers = Answers()
        self._fresh: set[Hashable] = set()
        self.adopt(contract)

    def adopt(self, contract: LabelContract) -> None:
        """Take a newer contract."""
        self._kind = contract.label.kind

    def put(self, item: Hashable, facts: Facts, *, stored: Any = None) -> None:  # noqa: ANN401
        """Say what is known of an item; with `stored` it counts as judged, as it was then."""
        self._each(item, self._there.remove)
        self._begin(item, facts, stored, self._there.put)
        if stored is None:
            self._fresh.add(item)

    def remove(self, item: Hashable) -> None:
        """Forget an item and all it taught."""
        self._each(item, self._there.remove)

    def close(self, item: Hashable) -> None:
        """Forget an item, and keep what it taught."""
        self._each(item, self._there.close)

    def reopen(self, item: Hashable, facts: Facts, *, stored: Any) -> None:  # noqa: ANN401
        """Take up a closed item again, as it was."""
        self._begin(item, facts, stored, self._there.reopen)

    def settle(self) -> Mapping[Any, Judgement]:
        """Judge the items put since the last call."""
        touched, self._fresh = self._fresh, set()
        touched |= self._take(self._there.settle())
        return {item: self._judgement(item) for item in touched}

    def sweep(self, count: int) -> Mapping[Any, Judgement]:
        """Judge some groups again; return the items whose judgement moved."""
        return {item: self._judgement(item) for item in self._take(self._there.sweep(count)) - self._fresh}

    @property
    def unrest(self) -> float:
        """By how much (0-1) the last sweep changed a belief, at most."""
        return self._there.unrest

    def reflect(self) -> None:
        """Learn anew from the open items."""
        self._there.reflect()

    def learned(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what this partition has learned of an annotator, or of the pool."""
        return self._there.learned(annotator)

    def hear(self, annotator: str, others: Sequence[Any]) -> None:
        """Take over what each of the other partitions has learned of an annotator, or of the pool."""
        self._there.hear(annotator, others)

    def kept(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what closed items taught of an annotator; of the pool, what was learned."""
        return self._there.kept(annotator)

    def keep(self, annotator: str, stored: Any) -> None:  # noqa: ANN401  # plain JSON data
        """Restore what `kept` gave."""
        self._there.keep(annotator, stored)

    def accuracy(self, annotator: str) -> Accuracy | None:
        """Return how often an annotator is right about whether something is there."""
        found = self._there.accuracy(annotator)
        return None if found is None else pooled([("mark", found)])

    def _begin(self, item: Hashable, facts: Facts, stored: Any, tell: Callable[..., None]) -> None:  # noqa: ANN401
        marks = {who: marks_of(ballot.label) for who, ballot in facts.ballots.items()}
        known = None if facts.known is None else marks_of(facts.known)
        groups = grouped(marks, () if known is None else known)
        self._items[item] = _Item(groups, known)
        told: dict[Hashable, Judgement] = (
            {} if stored is None else {number: restored(stored[number]) for number in range(len(groups))}
        )
        self._answers.ask(item, range(len(groups)), told)
        for number, group in enumerate(groups):
            said = {who: who in group.members for who in facts.ballots}
            right = None if known is None else any(same_place(mark, group.place) for mark in known)
            about = question_facts(facts, said, right)
            if stored is None:
                tell((item, number), about)
            else:
                tell((item, number), about, stored=stored[number])

    def _take(self, judged: Mapping[Any, Judgement]) -> set[Hashable]:
        for (item, number), judgement in judged.items():
            self._answers.take(item, number, judgement)
        return {item for item, _ in judged}

    def _judgement(self, item: Hashable) -> Judgement:
        found, answers = self._items[item], self._answers.of(item)
        numbers = range(len(found.groups))
        beliefs = [yes(answers[number]) for number in numbers]
        called = [self._called(group) for group in found.groups]
        chosen = [called[number] for number in numbers if beliefs[number] >= _MAYBE]
        if found.known is not None:
            chosen = list(found.known)
        label = [mark.plain(self._kind) for mark in sorted(chosen)]
        probability = all_right([(p, p >= _MAYBE) for p in beliefs])
        gain = max((answers[number].gain for number in numbers), default=0.0)
        stored = [answers[number].stored for number in numbers]
        return Judgement(label, probability, {}, gain, partial(_doubt, called, beliefs), stored)

    def _called(self, group: Group) -> Mark:
        weights = {who: self._weight(who) for who in group.members}
        return group.merged(weights)

    def _weight(self, who: str) -> float:
        found = self._there.accuracy(who)
        return _UNKNOWN_ACCURACY if found is None else found.value

    def _each(self, item: Hashable, act: Callable[[Hashable], None]) -> None:
        found = self._items.pop(item, None)
        for number in range(0 if found is None else len(found.groups)):
            act((item, number))
        self._answers.forget(item)
        self._fresh.discard(item)


def _doubt(called: Sequence[Mark], beliefs: Sequence[float], label: Label) -> float:
    """Return the probability that a list of marks is wrong: a mark missing, one too many, or called otherwise."""
    given = marks_of(label)
    sides: list[tuple[float, bool]] = []
    for mark, belief in zip(called, beliefs, strict=True):
        there = [one for one in given if same_place(one, mark)]
        right = bool(there) and there[0].label == mark.label
        sides.append((belief if right or not there else 0.0, bool(there)))
    return 1 - all_right(sides)
