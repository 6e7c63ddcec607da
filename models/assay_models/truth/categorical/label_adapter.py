"""Online EM addressed by label and annotator names instead of numbers."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from typing import Any

from assay_models.consistency.classes import class_name, class_names
from assay_models.truth.categorical.annotator_index import AnnotatorIndex, way_of
from assay_models.truth.categorical.confusion_counts import OTHER, UNITS, SparseCounts
from assay_models.truth.categorical.em_state import Settled
from assay_models.truth.categorical.emission import Strengths
from assay_models.truth.categorical.hyperparameters import NOTHING, PredictiveEvidence
from assay_models.truth.categorical.online_em import OnlineEM
from assay_models.truth.categorical.posterior import Learned
from assay_models.truth.truth_model import POOL, Accuracy, ItemFacts, ItemJudgement
from assay_schemas.annotation import AnnotatorId, Label
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.json_data import Json

LEAST_SHOWN = 0.001
_OTHER = ""
_FEWEST = 2
_FIRST_VOTES = 2.0
_FIRST_SHARE = 0.7


class LabelAdapter:
    """Translates label and annotator names to the numbers of an `OnlineEM`, and its results back. Mutable.

    Stored values contain the label names, so a later contract may list the labels in another order.
    """

    def __init__(
        self, labels: Iterable[str], *, read: Callable[[str], Label] = str, admits_stored: bool = True
    ) -> None:
        """Start with these labels; `read` converts a label's name back to the label.

        `admits_stored`: whether labels in stored or remote counts that are not known are admitted; if not, such counts
        are left out: an earlier contract had these labels.
        """
        self._admits_stored = admits_stored
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
        """The number of labels."""
        return len(self._labels)

    @property
    def lapse(self) -> float:
        """The estimated share (0-1) of items that all annotators may misjudge; see `Learned`."""
        return self._stream.learned.lapse

    def admit(self, labels: Iterable[str]) -> None:
        """Add those of these labels that are not known yet."""
        for label in labels:
            self._number(label)

    def adopt(self, contract: LabelContract) -> None:
        """Add the labels that are new in this contract; known labels stay."""
        self.admit(class_names(contract.label) or ())

    def put(self, item: Hashable, facts: ItemFacts, *, stored: Json = None) -> None:
        """Set the observations on an item; with `stored` restore its saved judgement instead of queueing it."""
        votes, known, view = self._votes(facts), self._known(facts), self._view(facts)
        if stored is None:
            self._stream.put(item, votes, gold=known, view=view)
        else:
            posterior, published = (self._row(named) for named in stored)
            self._stream.put(item, votes, gold=known, view=view, posterior=posterior, told=published)

    def remove(self, item: Hashable) -> None:
        """Remove an item together with its contribution to the counts."""
        self._stream.remove(item)

    def close(self, item: Hashable) -> None:
        """Remove an item, but keep its contribution to the counts."""
        self._stream.close(item)

    def reopen(self, item: Hashable, facts: ItemFacts, *, stored: Json) -> None:
        """Restore a closed item; `stored` is None if it was closed without having been judged."""
        if stored is None:
            self.put(item, facts)
            return
        votes, known, view = self._votes(facts), self._known(facts), self._view(facts)
        self._stream.reopen(item, votes, self._row(stored[0]), gold=known, view=view)

    def settle(self, *, sweep: int = 0) -> Mapping[Any, ItemJudgement]:
        """Judge the items put since the last call; also sweep `sweep` others and return those that moved."""
        return self._judgements(self._stream.settle(sweep=sweep))

    def sweep(self, count: int) -> Mapping[Any, ItemJudgement]:
        """Judge `count` items again; return those whose judgement moved."""
        return self._judgements(self._stream.sweep(count))

    def without(self, items: Sequence[Hashable]) -> Mapping[Any, Mapping[AnnotatorId, tuple[Label, float]]]:
        """Return each item's leave-one-out predictions, by annotator: likeliest label and its probability (0-1)."""
        read, labels, name = self._read, self._labels, self._annotators.name
        return {
            item: {name(number)[0]: (read(labels[best]), sure) for number, (best, sure) in predictions.items()}
            for item, predictions in self._stream.without(items, among=len(labels)).items()
        }

    @property
    def unrest(self) -> float:
        """The largest change (0-1) of any item's posterior in the last sweep."""
        return self._stream.unrest

    def relearn(self) -> None:
        """Estimate the hyper-parameters now, from the open items."""
        self._stream.relearn()

    def learned(self, annotator: AnnotatorId) -> Json:
        """Return this partition's counts of an annotator, or the evidence of the POOL."""
        if annotator == POOL:
            return asdict(self._stream.evidence)
        return self._by_way(annotator, self._stream.sums)

    def set_remote_counts(self, annotator: AnnotatorId, others: Sequence[Any]) -> None:
        """Set an annotator's counts (or the POOL's evidence) from the other partitions, one entry per partition."""
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

    def dump_closed(self, annotator: AnnotatorId) -> Json:
        """Return an annotator's counts from closed items; for the POOL, the hyper-parameters and the pool's errors."""
        if annotator == POOL:
            return {"learned": asdict(self._stream.learned), "errors": self._named(self._stream.closed_errors())}
        return self._by_way(annotator, self._stream.closed_sums)

    def load_closed(self, annotator: AnnotatorId, stored: Json) -> None:
        """Restore what `dump_closed` returned. Restore the annotators first and the POOL last."""
        if annotator == POOL:
            learned = dict(stored["learned"])
            self._stream.restore_learned(Learned(**{**learned, "strengths": Strengths(**learned["strengths"])}))
            self._stream.load_closed_errors(tuple(self._numbered(stored["errors"])))
            return
        for way, counts in stored.items():
            self._stream.load_closed(self._annotators.number(annotator, way), tuple(self._numbered(counts)))

    def fade(self, share: float) -> None:
        """Discount the counts of closed items: multiply those of all annotators by 1 - `share` (0-1)."""
        self._stream.fade(share)

    def accuracy(self, annotator: AnnotatorId) -> Accuracy | None:
        """Return an annotator's accuracy, accepted pre-labels included; None for an unknown annotator."""
        ways = self._annotators.ways(annotator)
        if not ways:
            return None
        reliability = self._stream.reliability_of_all(list(ways.values()))
        confusion: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for truth, label, votes in self._named(reliability.confusion):
            confusion[truth][label] = round(votes, 3)
        return Accuracy(reliability.accuracy, reliability.low, reliability.high, round(reliability.votes), confusion)

    def share_right(self, annotator: AnnotatorId) -> float:
        """Return an annotator's accuracy (0-1) from this partition's counts, with a prior of two votes at 0.7."""
        counts = [count for number in self._annotators.ways(annotator).values() for count in self._stream.sums(number)]
        right = sum(votes for truth, label, votes in counts if truth == label)
        return (right + _FIRST_VOTES * _FIRST_SHARE) / (sum(votes for _, _, votes in counts) + _FIRST_VOTES)

    def _judgements(self, settled: Settled) -> Mapping[Any, ItemJudgement]:
        named = len(self._labels)  # OnlineEM needs at least two classes, even if the contract has one label
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
            number = known.get(label) if isinstance(label, str) else None  # the fast path: most labels are known
            votes[way(who, way_of(ballot))] = self._number(str(class_name(label))) if number is None else number
        return votes

    def _known(self, facts: ItemFacts) -> int | None:
        return None if facts.known is None else self._number(str(class_name(facts.known)))

    def _view(self, facts: ItemFacts) -> list[float] | None:
        """Return the model's probabilities of all labels; labels it did not score share the remaining probability."""
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

    def _by_way(
        self, annotator: AnnotatorId, counts: Callable[[int], SparseCounts]
    ) -> dict[str, list[tuple[str, str, float]]]:
        return {way: self._named(counts(number)) for way, number in self._annotators.ways(annotator).items()}

    def _named(self, counts: SparseCounts) -> list[tuple[str, str, float]]:
        labels = self._labels
        return [(labels[truth], _OTHER if label == OTHER else labels[label], votes) for truth, label, votes in counts]

    def _numbered(self, named: Sequence[Any]) -> Sequence[tuple[int, int, float]]:
        if not self._admits_stored:
            known = {_OTHER, *self._numbers}
            named = [one for one in named if one[0] in self._numbers and one[1] in known]
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
