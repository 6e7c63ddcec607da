"""Builds a signal: detector, time of the change, strength of the evidence and example annotations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from statistics import median
from types import MappingProxyType
from typing import Final

import orjson

from assay_models.conduct.alarm_budget import LEVELS
from assay_models.conduct.copy_detection import AnnotatorPair
from assay_models.conduct.e_detector import MOST, Alternative
from assay_models.conduct.history import HistoryEntry
from assay_schemas.annotation import AnnotationId, AnnotatorId, ItemId, ProjectId
from assay_schemas.conduct import Detector, Evidence, Signal, SignalState, TellingItem

_MOST_ITEMS: Final = 10


@dataclass(frozen=True, slots=True)
class Raising:
    """What a signal is about. `at` in s since 1970.

    `strength` is the evidence for the new state, `number` the count of the annotator's previous signals.
    """

    project: ProjectId
    annotator: AnnotatorId
    detector: Detector
    peer: AnnotatorId | None
    at: float
    strength: float
    number: int
    state: SignalState


def signal_of(raising: Raising, change: Alternative, evidence: Evidence, level: float) -> Signal:
    """Return the signal. Its id is a hash of its subject, so the same annotations give the same ids."""
    about = (raising.project, raising.annotator, raising.detector, raising.peer, raising.number, raising.state)
    return Signal(
        id=blake2b(orjson.dumps((*about, raising.at)), digest_size=12).hexdigest(),
        project=raising.project,
        annotator=raising.annotator,
        detector=raising.detector,
        peer=raising.peer,
        state=raising.state,
        since=moment(change.since),
        since_low=moment(change.low),
        since_high=moment(change.high),
        at=moment(raising.at),
        e_value=min(raising.strength, MOST),
        false_alarm_level=LEVELS[raising.detector],
        false_discovery_level=level,
        evidence=evidence,
    )


def evidence_of(detector: Detector, change: Alternative, cases: Sequence[HistoryEntry]) -> Evidence:
    """Return the evidence from the annotations since the change that are among the stored `cases`."""
    since = [case for case in cases if case.at >= change.since]
    compared = [case for case in since if case.truth is not None]
    telling = sorted(since, key=_MOST_TELLING.get(detector, _newest), reverse=True)
    if _MOST_TELLING.get(detector) is _least_expected:
        telling = [case for case in telling if case.truth is not None and not case.agrees]
    counts = {"annotations": float(len(since)), "compared": float(len(compared))}
    counts["agreeing"] = float(sum(case.agrees for case in compared))
    return Evidence(
        counts=counts, comparison=_comparison(since, compared), items=[_item(case) for case in telling[:_MOST_ITEMS]]
    )


def pair_evidence_of(pair: AnnotatorPair) -> Evidence:
    """Return the evidence from the common items of two annotators."""
    counts = {"common": float(pair.common), "same": float(pair.same), "same_errors": float(pair.same_errors)}
    items = [_telling_item(*case) for case in pair.telling]
    return Evidence(counts=counts, comparison={"same_share": pair.same / max(pair.common, 1)}, items=items)


def _comparison(since: Sequence[HistoryEntry], compared: Sequence[HistoryEntry]) -> dict[str, float]:
    shares: dict[str, float] = {}
    if compared:
        shares["agreeing_share"] = sum(case.agrees for case in compared) / len(compared)
        shares["own_usual_share"] = sum([case.expected for case in compared]) / len(compared)
        shares["pool_share"] = sum([case.pool for case in compared]) / len(compared)
    seconds = [case.seconds for case in since if case.seconds is not None]
    paces = [case.pace for case in since if case.pace is not None]
    if seconds:
        shares["median_seconds"] = median(seconds)
    if paces:
        shares["median_pace"] = median(paces)
    return shares


def _item(case: HistoryEntry) -> TellingItem:
    return _telling_item(case.item, case.annotation, case.label, case.truth, case.is_gold, case.at)


def _telling_item(
    item: ItemId,
    annotation: AnnotationId,
    label: str,
    truth: str | None,
    is_gold: bool,  # noqa: FBT001  # from a stored row
    at: float,
) -> TellingItem:
    return TellingItem(
        item=item, annotation=annotation, label=label,
        consensus=None if is_gold else truth, gold=truth if is_gold else None, at=moment(at),
    )  # fmt: skip


def _newest(case: HistoryEntry) -> tuple[float, float]:
    return (case.at, 0.0)


def _least_expected(case: HistoryEntry) -> tuple[float, float]:
    return (case.expected, case.at)


def _fastest(case: HistoryEntry) -> tuple[float, float]:
    return (0.0 if case.pace is None else -case.pace, case.at)


_MOST_TELLING: Mapping[Detector, Callable[[HistoryEntry], tuple[float, float]]] = MappingProxyType(
    {
        Detector.ACCURACY_DROP: _least_expected,
        Detector.GUESSING: _least_expected,
        Detector.LABEL_SHIFT: _least_expected,
        Detector.FATIGUE: _least_expected,
        Detector.TOO_FAST: _fastest,
    }
)


def moment(at: float) -> datetime:
    """Return the UTC time for seconds since 1970."""
    return datetime.fromtimestamp(at, UTC)
