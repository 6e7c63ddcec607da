"""The report about an annotator, from the stored counts."""

from collections.abc import Mapping
from itertools import accumulate, combinations
from typing import Final

from assay_models.conduct.annotator import AnnotatorState
from assay_models.conduct.copy_detection import AnnotatorPair
from assay_models.conduct.report_counts import STEPS, ReportCounts
from assay_models.conduct.signal_builder import moment
from assay_models.intervals import interval
from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_schemas.conduct import Activity, ConductReport, LabelUse, PeerAgreement, Rate, Speed, TrendPoint

_DAY: Final = 86_400.0
_HOUR: Final = 3_600.0
_PEERS_AT_EACH_END: Final = 5
_LEAST_COMMON: Final = 5
_JEFFREYS: Final = 0.5
_LEAST_READING: Final = 0.001
"""Reading speed is None below this total (s): nobody has read anything, and the quotient might overflow."""


def report_of(project: ProjectId, name: AnnotatorId, own: AnnotatorState) -> ConductReport:
    """Return the report, as of the annotator's newest annotation."""
    tallies = own.report_counts
    return ConductReport(
        project=project,
        annotator=name,
        as_of=moment(own.budget.last),
        annotations=tallies.annotations,
        against_gold=rate_of(*tallies.gold),
        against_consensus=rate_of(*tallies.consensus),
        against_model=rate_of(*tallies.modelled),
        confusion={truth: {label: round(n, 3) for label, n in row.items()} for truth, row in tallies.confusion.items()},
        labels=_label_uses(tallies.confusion),
        peers=_peers(own.pairs),
        speed=_speed(tallies),
        activity=_activity(own),
        prelabels_kept=rate_of(*tallies.prelabels),
        repeats_same=rate_of(*tallies.repeats),
        spammer_score=spammer_score(tallies.confusion),
        trend=_trend(tallies),
        standing=list(own.standing()),
    )


def rate_of(count: int, found: int) -> Rate | None:
    """Return `found` / `count` with its 95 % credible interval (Jeffreys prior); None if `count` is 0."""
    if count <= 0:
        return None
    low, high = interval(found + _JEFFREYS, count - found + _JEFFREYS)
    share = found / count
    return Rate(value=share, low=min(low, share), high=max(high, share), count=count)


def _label_uses(confusion: Mapping[str, Mapping[str, float]]) -> dict[str, LabelUse]:
    given: dict[str, float] = {}
    for row in confusion.values():
        for label, count in row.items():
            given[label] = given.get(label, 0.0) + count
    expected = {truth: sum(row.values()) for truth, row in confusion.items()}
    total = sum(expected.values())
    if total <= 0:
        return {}
    names = dict.fromkeys((*expected, *given))
    return {
        name: LabelUse(
            said_share=min(given.get(name, 0.0) / total, 1.0), expected_share=min(expected.get(name, 0.0) / total, 1.0)
        )
        for name in names
    }


def _peers(pairs: Mapping[AnnotatorId, AnnotatorPair]) -> list[PeerAgreement]:
    known = [(name, pair) for name, pair in pairs.items() if pair.common >= _LEAST_COMMON]
    known.sort(key=lambda each: (-each[1].same / each[1].common, each[0]))
    ends = known if len(known) <= 2 * _PEERS_AT_EACH_END else known[:_PEERS_AT_EACH_END] + known[-_PEERS_AT_EACH_END:]
    return [
        PeerAgreement(peer=name, common=pair.common, agreement=rate, same_errors=pair.same_errors)
        for name, pair in ends
        if (rate := rate_of(pair.common, pair.same)) is not None
    ]


def _speed(tallies: ReportCounts) -> Speed | None:
    steps = sorted((int(step), count) for step, count in tallies.speed.items() if count > 0)
    if not steps:
        return None
    total, sums = sum(count for _, count in steps), list(accumulate(count for _, count in steps))
    tenth, middle, last = (
        2 ** ((next(step for (step, _), sum_ in zip(steps, sums, strict=True) if sum_ >= share * total) + 0.5) / STEPS)
        for share in (0.1, 0.5, 0.9)
    )
    characters, seconds = tallies.reading
    reading = characters / seconds if seconds >= _LEAST_READING else None
    return Speed(
        fastest_tenth_seconds=tenth, median_seconds=middle, slowest_tenth_seconds=last, characters_per_second=reading
    )


def _activity(own: AnnotatorState) -> Activity:
    return Activity(
        first_at=moment(own.budget.begun),
        last_at=moment(own.budget.last),
        sessions=own.report_counts.sessions,
        session_hours=own.report_counts.session_seconds / _HOUR,
        by_hour=own.report_counts.hours,
    )


def _trend(tallies: ReportCounts) -> list[TrendPoint]:
    return [
        TrendPoint(
            day=moment(int(day) * _DAY).date().isoformat(),
            compared=int(compared),
            agreed=int(agreed),
            expected=expected,
        )
        for day, (compared, agreed, expected) in sorted(tallies.days.items(), key=lambda each: int(each[0]))
    ]


_ENOUGH: Final = 3.0


def spammer_score(confusion: Mapping[str, Mapping[str, float]]) -> float | None:
    """Return 1 for labels that follow the truth perfectly, 0 for labels that are independent of it; None if undefined.

    `confusion[true][given]` holds counts. The score is the mean squared distance between the rows, over the true
    labels with three annotations or more. Undefined with fewer than two of those. For two labels it is (sensitivity +
    specificity - 1) squared.
    """
    rows = [_shares(row) for row in confusion.values() if sum(row.values()) >= _ENOUGH]
    if len(rows) < 2:  # noqa: PLR2004  # a distance needs two
        return None
    total = sum([_squared_distance(one, other) for one, other in combinations(rows, 2)])
    return min(total / (len(rows) * (len(rows) - 1)), 1.0)


def _shares(row: Mapping[str, float]) -> dict[str, float]:
    total = sum(row.values())
    return {label: count / total for label, count in row.items()}


def _squared_distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum([(one.get(label, 0.0) - other.get(label, 0.0)) ** 2 for label in sorted({*one, *other})])
