"""Conduct of a project's annotators: one stream of judged annotations per project and partition."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from assay_models.conduct.alarm_budget import false_discovery_level
from assay_models.conduct.annotator import AnnotatorState
from assay_models.conduct.copy_detection import AnnotatorPair
from assay_models.conduct.detection import DetectionChange, update_detectors, update_pairs
from assay_models.conduct.detectors import Features
from assay_models.conduct.features import ComparisonLabel, case_of, extract, learn, learn_truth, truth_of
from assay_models.conduct.judged_annotation import JudgedAnnotation, from_json, to_json
from assay_models.conduct.labels import class_count
from assay_models.conduct.population import GOLD, Population
from assay_models.conduct.report import report_of
from assay_models.conduct.signal_builder import Raising, evidence_of, pair_evidence_of, signal_of
from assay_schemas.annotation import AnnotatorId
from assay_schemas.conduct import ConductReport, Signal, SignalState
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.json_data import Json

POOL = AnnotatorId("")
"""Stands in place of an annotator's name and means all annotators together."""
_NEWCOMER: Final = 3
"""An annotator is evaluated from this many annotations on; until then the annotations are only stored."""
MOST_NEWCOMERS: Final = 50_000
MOST_ANNOTATORS: Final = 20_000
_NOTICEABLE: Final = 1.0


class ConductStream:
    """Detects changes in annotators' conduct. Mutable and deterministic: the same input gives the same signals.

    Each annotation counts once. If it arrives again with the same id, it replaces its counts, but the evidence stays
    as it was: no bet is changed after its outcome is known (without a truth there was no bet). Over the limit on
    annotators, the one least recently active is dropped.
    """

    def __init__(
        self,
        contract: LabelContract,
        *,
        most_newcomers: int = MOST_NEWCOMERS,
        most_annotators: int = MOST_ANNOTATORS,
        classes: int | None = None,
    ) -> None:
        """Start without annotators; beyond these numbers the least recently active ones are forgotten.

        `classes` is the number of labels to choose from (None: that of the contract), until `adopt`.
        """
        self._most_newcomers = most_newcomers
        self._most_annotators = most_annotators
        self._project = contract.project
        self.classes = class_count(contract) if classes is None else classes
        self._pool = Population(self.classes)
        self._annotators: dict[AnnotatorId, AnnotatorState] = {}
        self._newcomers: dict[AnnotatorId, list[str]] = {}
        self._evident: dict[AnnotatorId, float] = {}
        self._changing: dict[AnnotatorId, None] = {}
        self._changed: dict[AnnotatorId, None] = {}

    def __len__(self) -> int:
        return len(self._annotators) + len(self._newcomers)

    def adopt(self, contract: LabelContract) -> None:
        """Go on with the labels of a newer contract."""
        self.classes = class_count(contract)
        self._pool.chance = 1 / self.classes

    def put(self, judged: JudgedAnnotation) -> list[Signal]:
        """Update the state with an annotation; return the signals to publish."""
        if self._pool.pass_to(judged.at):
            self._remember_evidence()
        name = judged.annotator
        self._changed[POOL] = None  # its observations of the minute are part of what is stored
        self._changed[name] = None
        own = self._annotators.pop(name, None)
        if own is None:
            return self._add_newcomer(judged)
        self._annotators[name] = own  # moved to the end: the dictionary is in order of last activity
        return self._judge(own, judged)

    def report(self, annotator: AnnotatorId) -> ConductReport | None:
        """Return the report about an annotator; None if unknown or with fewer than three annotations."""
        own = self._annotators.get(annotator)
        return None if own is None else report_of(self._project, annotator, own)

    def changed(self) -> list[AnnotatorId]:
        """Return the annotators whose state has changed since the last call; POOL stands for the common state."""
        names = list(self._changed)
        self._changed = {}
        return names

    def dump(self, annotator: AnnotatorId) -> Json:
        """Return the state of an annotator or of the POOL, to be written at once; None for a dropped annotator."""
        if annotator == POOL:
            return [self._pool.dump(), self._evident, list(self._changing)]
        if annotator in self._newcomers:
            return self._newcomers[annotator]
        own = self._annotators.get(annotator)
        return None if own is None else own.dump()

    def load(self, annotator: AnnotatorId, stored: Json) -> None:
        """Restore what `dump` returned. Load annotators in order of last activity, to keep the order of dropping."""
        if annotator == POOL:
            self._pool.load(stored[0])
            self._evident, self._changing = dict(stored[1]), dict.fromkeys(stored[2])
        elif isinstance(stored[0], str):
            self._newcomers[annotator] = stored
        else:
            self._annotators[annotator] = AnnotatorState.load(stored)

    def _add_newcomer(self, judged: JudgedAnnotation) -> list[Signal]:
        name = judged.annotator
        stored = self._newcomers.pop(name, [])
        earlier = [from_json(text) for text in stored]
        earlier = [one for one in earlier if one.annotation != judged.annotation]
        if len(earlier) + 1 < _NEWCOMER:
            self._newcomers[name] = [to_json(one) for one in (*earlier, judged)]
            self._forget(self._newcomers, self._most_newcomers)
            return []
        own = self._annotators[name] = AnnotatorState(earlier[0].at)
        self._forget(self._annotators, self._most_annotators)
        return [signal for one in (*earlier, judged) for signal in self._judge(own, one)]

    def _forget(self, among: dict[AnnotatorId, Any], most: int) -> None:
        if len(among) > most:
            name = next(iter(among))
            del among[name]
            self._changed[name] = None
            self._evident.pop(name, None)
            self._changing.pop(name, None)

    def _judge(self, own: AnnotatorState, judged: JudgedAnnotation) -> list[Signal]:
        if own.history.has_seen(judged.annotation):
            return self._replace(own, judged)
        truth = truth_of(judged)
        look = extract(judged, truth, own, self._pool)
        gap_from = own.budget.last
        changes = self._update_evidence(own, judged, truth, look)
        learn(judged, truth, look, own, self._pool, gap=look.at - gap_from)
        before = own.history.newest_of(judged.item)
        if before is not None:
            own.report_counts.repeat(same=before.label == look.label)
        case = case_of(judged, truth, look)
        own.history.add(case)
        own.report_counts.add(case)
        return self._all_signals(judged.annotator, own, changes)

    def _update_evidence(
        self, own: AnnotatorState, judged: JudgedAnnotation, truth: ComparisonLabel, look: Features
    ) -> list[DetectionChange]:
        spent = own.budget.allocate(look.at)
        single = update_detectors(look, own, self._pool, spent=spent)
        return [*single, *update_pairs(judged, truth, look, own, self._pool, spent=spent)]

    def _replace(self, own: AnnotatorState, judged: JudgedAnnotation) -> list[Signal]:
        """Replace the counts of an annotation that arrived again; bet on it only if it had no truth before."""
        place = own.history.place_of(judged.annotation)
        if place is None:
            return []
        before = own.history.cases[place]
        truth = truth_of(judged)
        if truth.label is None and before.truth is not None:
            truth = ComparisonLabel(before.truth, GOLD if before.is_gold else 0)
        look = extract(judged, truth, own, self._pool, late=True)
        case = case_of(judged, truth, look)._replace(at=before.at, pace=before.pace, seconds=before.seconds)
        changes = list[DetectionChange]()
        if before.truth is not None:
            case = case._replace(expected=before.expected, pool=before.pool)
        elif truth.label is not None:
            changes = self._update_evidence(own, judged, truth, look)
            learn_truth(truth, look, own, self._pool)
        own.report_counts.add(own.history.replace(place, case), -1)
        own.report_counts.add(case)
        return self._all_signals(judged.annotator, own, changes)

    def _all_signals(self, name: AnnotatorId, own: AnnotatorState, changes: Sequence[DetectionChange]) -> list[Signal]:
        self._changing[name] = None
        return [self._signal(name, own, change) for change in changes]

    def _signal(self, name: AnnotatorId, own: AnnotatorState, change: DetectionChange) -> Signal:
        about = change.about
        if isinstance(about, AnnotatorPair):
            leading, evidence, strength = about.copying, pair_evidence_of(about), about.copying.evidence
        else:
            leading = about.choose() if change.raised else about.leading
            evidence, strength = evidence_of(change.detector, leading, own.history.cases), about.strength
        raising = Raising(
            self._project, name, change.detector, change.peer, own.budget.last,
            strength if change.raised else about.against, own.signals,
            SignalState.RAISED if change.raised else SignalState.WITHDRAWN,
        )  # fmt: skip
        level = false_discovery_level(own.e_value, self._evidence_of_others(name), max(len(self), 1))
        signal = signal_of(raising, leading, evidence, level)
        own.signals += 1
        if change.raised:
            about.raise_as(signal.id)
        else:
            about.begin_again(own.budget.last)
        return signal

    def _evidence_of_others(self, name: AnnotatorId) -> Iterator[float]:
        return (value for other, value in self._evident.items() if other != name)

    def _remember_evidence(self) -> None:
        """Update the stored e-values once a minute, which makes the order of annotations within it irrelevant."""
        for name in self._changing:
            value = self._annotators[name].e_value
            if value > _NOTICEABLE:
                self._evident[name] = value
            else:
                self._evident.pop(name, None)
        self._changing = {}
