"""Extracts the detectors' features from a judged annotation, and updates the baselines with it."""

from math import log
from typing import Final, NamedTuple

from assay_models.conduct.annotator import AnnotatorState
from assay_models.conduct.baseline import chance_of_agreeing
from assay_models.conduct.detectors import CLOSE, EARLY_HOURS, TIMINGS, Features
from assay_models.conduct.history import HistoryEntry
from assay_models.conduct.judged_annotation import JudgedAnnotation
from assay_models.conduct.labels import name_of
from assay_models.conduct.population import GOLD, Population, kind_of
from assay_schemas.annotation import Label
from assay_schemas.conduct import Detector

_NEW_SESSION: Final = 1_800.0
_HOUR: Final = 3_600.0
_LEAST_TEXT: Final = 20


class ComparisonLabel(NamedTuple):
    """The label that an annotation is compared with, None without any, and its kind (see `population.kind_of`)."""

    label: str | None
    kind: int


def truth_of(judged: JudgedAnnotation) -> ComparisonLabel:
    """Return the gold label if the item has one, else the consensus."""
    if judged.gold is not None:
        return ComparisonLabel(name_of(judged.gold), GOLD)
    if judged.consensus is None:
        return ComparisonLabel(None, 0)
    return ComparisonLabel(name_of(judged.consensus), kind_of(judged.consensus_probability))


def extract(
    judged: JudgedAnnotation, truth: ComparisonLabel, own: AnnotatorState, pool: Population, *, late: bool = False
) -> Features:
    """Return the features of an annotation that has not been learned yet; with `late` only those from its truth."""
    at, label, habits = judged.at, name_of(judged.label), own.baseline
    usual = expected = pool.chance
    if truth.label is not None:
        usual = pool.agreement(truth.kind, truth.label)
        expected = chance_of_agreeing(habits.skill.ratio, usual, pool.chance)
    look = Features(at, label, truth.label, label == truth.label, pool.chance, usual, expected, late=late)
    if late:
        return look
    seconds = judged.lead_time_seconds
    if seconds is not None and seconds > 0:
        times = pool.time(length_of(judged))
        look.pace = None if times is None else (log(seconds) - times[0]) / times[1]
        look.lead_step = None if habits.lead is None else log(seconds) - habits.lead
    gap = at - own.budget.last
    if 0 < gap <= _NEW_SESSION and habits.gap is not None:
        look.gap_step = log(gap) - habits.gap
    look.hours = 0.0 if gap > _NEW_SESSION else max(at - habits.session, 0.0) / _HOUR
    return look


def case_of(judged: JudgedAnnotation, truth: ComparisonLabel, look: Features) -> HistoryEntry:
    """Return the annotation's entry for the history."""
    return HistoryEntry(
        look.at, judged.item, judged.annotation, look.label, look.truth, truth.kind == GOLD, look.agrees,
        round(look.expected, 4), round(look.pool, 4), None if look.pace is None else round(look.pace, 3),
        judged.lead_time_seconds if (judged.lead_time_seconds or 0) > 0 else None,
        same_label(look.label, judged.prelabel), same_label(look.label, judged.model_label),
    )  # fmt: skip


def same_label(label: str, other: Label | None) -> bool | None:
    """Return whether the other label equals this one; None without another label."""
    return None if other is None else name_of(other) == label


def learn(
    judged: JudgedAnnotation,
    truth: ComparisonLabel,
    look: Features,
    own: AnnotatorState,
    pool: Population,
    *,
    gap: float,
) -> None:
    """Update the annotator's baseline and the population. The skill is frozen while an accuracy drop is raised.

    `gap`: seconds since the annotator's previous newest annotation.
    """
    if gap > _NEW_SESSION:
        own.baseline.begin_session(look.at)
    learn_truth(truth, look, own, pool)
    own.baseline.count_label(look.label)
    _learn_times(judged, look, own, pool, gap)


def learn_truth(truth: ComparisonLabel, look: Features, own: AnnotatorState, pool: Population) -> None:
    """Update both with the comparison against the truth, if there is one."""
    habits = own.baseline
    if look.truth is None:
        return
    if look.hours < EARLY_HOURS and not look.late:
        habits.early.learn(look.pool, look.chance, agrees=look.agrees)
    habits.err(look.label, look.truth, 1 - look.expected)
    if own.detectors[Detector.ACCURACY_DROP].raised is None:
        habits.compare(look.pool, look.chance, agrees=look.agrees)
    pool.note_agreement(truth.kind, look.truth, agrees=look.agrees)


def _learn_times(judged: JudgedAnnotation, look: Features, own: AnnotatorState, pool: Population, gap: float) -> None:
    habits, seconds = own.baseline, judged.lead_time_seconds
    for sort, step in zip(TIMINGS, (look.lead_step, look.gap_step), strict=True):
        if step is not None:
            pool.note_regularity(sort, close=abs(step) < CLOSE)
    if seconds is not None and seconds > 0:
        pool.note_time(length_of(judged), seconds)
        habits.lead = log(seconds)
        if (judged.text_length or 0) >= _LEAST_TEXT:
            own.report_counts.read(judged.text_length or 0, seconds)
    own.report_counts.work(look.at, gap)
    habits.gap = log(gap) if 0 < gap <= _NEW_SESSION else habits.gap


def length_of(judged: JudgedAnnotation) -> int:
    """Return the bit length of the number of characters of an item's text; -1 without text."""
    return -1 if judged.text_length is None else judged.text_length.bit_length()
