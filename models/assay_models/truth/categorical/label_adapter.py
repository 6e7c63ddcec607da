"""A truth stream whose labels and annotators have names."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from typing import Any

from assay_models.consistency.classes import class_name
from assay_models.truth.categorical.annotator_index import AnnotatorIndex, way_of
from assay_models.truth.categorical.confusion_counts import OTHER, UNITS, SparseCounts
from assay_models.truth.categorical.em_state import Settled
from assay_models.truth.categorical.emission import Strengths
from assay_models.truth.categorical.hyperparameters import NOTHING, PredictiveEvidence
from assay_models.truth.categorical.online_em import OnlineEM
from assay_models.truth.categorical.posterior import Learned
from assay_models.truth.truth_model import POOL, Accuracy, ItemFacts, ItemJudgement
from assay_schemas.annotation import Label

LEAST_SHOWN = 0.001
_OTHER = ""
_FEWEST = 2
_FIRST_VOTES = 2.0
_FIRST_SHARE = 0.7


class LabelAdapter:
    """Labels and annotators by name, around a stream that knows them by number. It changes in place.

    What is stored and told names the labels, so that they may be listed in another order tomorrow.
    """

    def __init__(self, labels: Iterable[str], *, read: Callable[[str], Label] = str) -> None:
        """Begin with these labels; `read` makes a label of its name."""
        self._labels: list[str] = []
        self._numbers: dict[str, int] = {}
        self._annotators = AnnotatorIndex()
        self._read = read
        self._stream = OnlineEM(_FEWEST)
        self.admit(labels)

    def __len__(self) -> int:
        return len(self._stream)

    @property
    def labels(self) -> int:
        """How many labels there are."""
        return len(self._labels)

    @property
    def lapse(self) -> float:
        """The share (0-1) of items about which the votes say nothing, as learned so far."""
        return self._stream.learned.lapse

    def admit(self, labels: Iterable[str]) -> None:
        """Have these labels beside those that are known."""
        for label in labels:
            self._number(label)

    def put(self, item: Hashable, facts: ItemFacts, *, stored: Any = None) -> None:  # noqa: ANN401
        """Say what is known of an item; with `stored` it counts as judged, as it was then."""
        votes, known, view = self._votes(facts), self._known(facts), self._view(facts)
        if stored is None:
            self._stream.put(item, votes, gold=known, view=view)
        else:
            posterior, told = (self._row(named) for named in stored)
            self._stream.put(item, votes, gold=known, view=view, posterior=posterior, told=told)

    def remove(self, item: Hashable) -> None:
        """Forget an item and all it taught."""
        self._stream.remove(item)

    def close(self, item: Hashable) -> None:
        """Forget an item, and keep what it taught."""
        self._stream.close(item)

    def reopen(self, item: Hashable, facts: ItemFacts, *, stored: Any) -> None:  # noqa: ANN401
        """Take up a closed item again, as it was; without `stored` it had nothing to teach."""
        if stored is None:
            self.put(item, facts)
            return
        votes, known, view = self._votes(facts), self._known(facts), self._view(facts)
        self._stream.reopen(item, votes, self._row(stored[0]), gold=known, view=view)

    def settle(self, *, sweep: int = 0) -> Mapping[Any, ItemJudgement]:
        """Judge the items put since the last call, and some others again, of which those are returned that moved."""
        return self._judgements(self._stream.settle(sweep=sweep))

    def sweep(self, count: int) -> Mapping[Any, ItemJudgement]:
        """Judge some items again; return those whose judgement moved."""
        return self._judgements(self._stream.sweep(count))

    def without(self, items: Sequence[Hashable]) -> Mapping[Any, Mapping[str, tuple[Label, float]]]:
        """Return for each item, by annotator, the likeliest label without their vote, and how probable it is."""
        read, labels, name = self._read, self._labels, self._annotators.name
        return {
            item: {name(number)[0]: (read(labels[best]), sure) for number, (best, sure) in found.items()}
            for item, found in self._stream.without(items, among=len(labels)).items()
        }

    @property
    def unrest(self) -> float:
        """By how much (0-1) the last sweep changed a belief, at most."""
        return self._stream.unrest

    def relearn(self) -> None:
        """Learn anew from the open items."""
        self._stream.relearn()

    def learned(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what this partition has learned of an annotator, or of the pool."""
        if annotator == POOL:
            return asdict(self._stream.evidence)
        return self._by_way(annotator, self._stream.sums)

    def set_remote_counts(self, annotator: str, others: Sequence[Any]) -> None:
        """Take over what each of the other partitions has learned of an annotator, or of the pool."""
        if annotator == POOL:
            self._stream.set_others_evidence(_sum(others))
            return
        for way in dict.fromkeys([*self._annotators.ways(annotator), *chain.from_iterable(others)]):
            sums: defaultdict[tuple[int, int], float] = defaultdict(float)
            for other in others:
                for truth, label, votes in self._numbered(other.get(way, ())):
                    sums[truth, label] += votes
            counts = tuple((*pair, votes) for pair, votes in sorted(sums.items()))
            self._stream.set_others(self._annotators.number(annotator, way), counts)

    def dump_closed(self, annotator: str) -> Any:  # noqa: ANN401  # plain JSON data
        """Return what closed items taught of an annotator; of the pool, what was learned, and how it erred."""
        if annotator == POOL:
            return {"learned": asdict(self._stream.learned), "errors": self._named(self._stream.closed_errors())}
        return self._by_way(annotator, self._stream.closed_sums)

    def load_closed(self, annotator: str, stored: Any) -> None:  # noqa: ANN401  # plain JSON data
        """Restore what `kept` gave; of the pool after the annotators."""
        if annotator == POOL:
            learned = dict(stored["learned"])
            self._stream.restore_learned(Learned(**{**learned, "strengths": Strengths(**learned["strengths"])}))
            self._stream.load_closed_errors(tuple(self._numbered(stored["errors"])))
            return
        for way, counts in stored.items():
            self._stream.load_closed(self._annotators.number(annotator, way), tuple(self._numbered(counts)))

    def fade(self, share: float) -> None:
        """Forget this share (0-1) of what closed items taught of all annotators."""
        self._stream.fade(share)

    def accuracy(self, annotator: str) -> Accuracy | None:
        """Return how reliable an annotator is, pre-labels taken over included; None for one nobody knows."""
        ways = self._annotators.ways(annotator)
        if not ways:
            return None
        found = self._stream.reliability_of_all(list(ways.values()))
        confusion: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for truth, label, votes in self._named(found.confusion):
            confusion[truth][label] = round(votes, 3)
        return Accuracy(found.accuracy, found.low, found.high, round(found.votes), confusion)

    def share_right(self, annotator: str) -> float:
        """Return how often (0-1) an annotator is right by what is counted here, with two votes for a start."""
        counts = [count for number in self._annotators.ways(annotator).values() for count in self._stream.sums(number)]
        right = sum(votes for truth, label, votes in counts if truth == label)
        return (right + _FIRST_VOTES * _FIRST_SHARE) / (sum(votes for _, _, votes in counts) + _FIRST_VOTES)

    def _judgements(self, settled: Settled) -> Mapping[Any, ItemJudgement]:
        named = len(self._labels)  # the stream has two classes even where only one has a name
        best = settled.posterior[:, :named].argmax(axis=1).tolist()
        rows = settled.posterior[:, :named].round(6).tolist()
        counted = (settled.responsibilities[:, :named] / UNITS).tolist()
        gains = settled.gain.round(6).tolist()
        return {
            item: self._judgement(row, place, gain, beliefs)
            for item, row, place, gain, beliefs in zip(settled.items, rows, best, gains, counted, strict=True)
        }

    def _judgement(self, row: list[float], best: int, gain: float, beliefs: list[float]) -> ItemJudgement:
        shown = {label: p for label, p in zip(self._labels, row, strict=True) if p >= LEAST_SHOWN}
        counted = {label: share for label, share in zip(self._labels, beliefs, strict=True) if share}
        label = self._read(self._labels[best])
        return ItemJudgement(label, row[best], shown, gain, partial(_doubt, shown), (counted, shown))

    def _votes(self, facts: ItemFacts) -> dict[int, int]:
        known, way = self._numbers, self._annotators.number
        votes = {}
        for who, ballot in facts.ballots.items():
            label = ballot.label
            number = known.get(label) if isinstance(label, str) else None  # names need no second look
            votes[way(who, way_of(ballot))] = self._number(str(class_name(label))) if number is None else number
        return votes

    def _known(self, facts: ItemFacts) -> int | None:
        return None if facts.known is None else self._number(str(class_name(facts.known)))

    def _view(self, facts: ItemFacts) -> list[float] | None:
        """Return a model's view of all labels: what it was not asked about shares the rest."""
        known = {label: p for label, p in (facts.view or {}).items() if label in self._numbers}
        missing = len(self._labels) - len(known)
        if not known:
            return None
        rest = max(0.0, 1.0 - sum(known.values())) / missing if missing else 0.0
        return [known.get(label, rest) for label in self._labels]

    def _number(self, label: str) -> int:
        number = self._numbers.get(label)
        if number is None:
            number = self._numbers[label] = len(self._labels)
            self._labels.append(label)
            self._stream.grow(max(_FEWEST, len(self._labels)))
        return number

    def _row(self, named: Mapping[str, float]) -> list[float]:
        numbers = self._numbers
        for label in named:
            if label not in numbers:
                self._number(label)
        row = [0.0] * len(self._labels)
        for label, share in named.items():
            row[numbers[label]] = share
        return row

    def _by_way(self, annotator: str, counts: Callable[[int], SparseCounts]) -> dict[str, list[tuple[str, str, float]]]:
        return {way: self._named(counts(number)) for way, number in self._annotators.ways(annotator).items()}

    def _named(self, counts: SparseCounts) -> list[tuple[str, str, float]]:
        labels = self._labels
        return [(labels[truth], _OTHER if label == OTHER else labels[label], votes) for truth, label, votes in counts]

    def _numbered(self, named: Sequence[Any]) -> Sequence[tuple[int, int, float]]:
        return [
            (self._number(truth), OTHER if label == _OTHER else self._number(label), votes)
            for truth, label, votes in named
        ]


def _sum(others: Sequence[Any]) -> PredictiveEvidence:
    evidence = NOTHING
    for other in others:
        gains = tuple(tuple(row) for row in other["gains"])
        evidence = evidence.plus(PredictiveEvidence(gains, other["lapses"], other["gold"]))
    return evidence


def _doubt(probabilities: Mapping[str, float], label: Label) -> float:
    return 1.0 - probabilities.get(str(class_name(label)), 0.0)
