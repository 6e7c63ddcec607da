"""Query agreement: over time, by label and attribute, and by pair of annotators."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_schemas.record_key import pair_key
from assay_services.stores.archive.queries.db import asking, moment, parsed, row, rows
from assay_services.stores.archive.queries.overview import LatestAgreement, agreement_now, window_minutes

_MOST_READINGS = 10_000
_OF = defaultdict(
    lambda: "1 = 0",
    all="(scope ->> 'label') IS NULL AND (scope ->> 'attribute') IS NULL",
    label="(scope ->> 'label') IS NOT NULL",
    attribute="(scope ->> 'attribute') IS NOT NULL",
)
_MOST_POINTS = 240


@dataclass(frozen=True, slots=True)
class AgreementPoint:
    """One reading; `of` is the label or the attribute's value, '' for all labels together."""

    of: str
    at: datetime
    value: float | None
    low: float | None
    high: float | None
    items: int


@dataclass(frozen=True, slots=True)
class PairReading:
    """The agreement of two annotators over the longest window."""

    one: AnnotatorId
    other: AnnotatorId
    value: float | None
    low: float | None
    high: float | None
    items: int


@dataclass(frozen=True, slots=True)
class Choices:
    """The available windows (the shortest first) and kinds (`all`, `label`, `attribute:market`) of readings."""

    windows: Sequence[str]
    kinds: Sequence[str]
    now: Sequence[LatestAgreement]


def read_choices(engine: Engine, project: ProjectId) -> Choices:
    """Return the available windows and kinds."""
    with asking(engine) as connection:
        found = rows(
            connection,
            "SELECT DISTINCT time_window, kind, CASE WHEN kind = 'attribute' THEN subject ELSE '' END AS attribute"
            " FROM readings_now WHERE project = :project AND kind <> 'pair'",
            project=project,
        )
        now = agreement_now(connection, project)
    windows = sorted({one["time_window"] for one in found}, key=window_minutes)
    kinds = {f"attribute:{one['attribute']}" if one["attribute"] else one["kind"] for one in found}
    return Choices(windows, sorted(kinds), now)


def read_history(
    engine: Engine, project: ProjectId, *, window: str, kind: str = "all"
) -> Mapping[str, Sequence[AgreementPoint]]:
    """Return readings over time, the oldest first, by label or value; thinned out to 240 points each."""
    with asking(engine) as connection:
        found = rows(
            connection,
            "SELECT scope, value, low, high, items, as_of FROM readings WHERE project = :project"  # noqa: S608  # ours
            f" AND time_window = :window AND (scope ->> 'annotators') IS NULL AND {_OF[kind.partition(':')[0]]}"
            " ORDER BY as_of DESC LIMIT :most",
            project=project,
            window=window,
            most=_MOST_READINGS,
        )
    series: dict[str, list[AgreementPoint]] = {}
    for one in reversed(found):
        name = _named(parsed(one["scope"]), kind)
        if name is not None:
            at = moment(one["as_of"])
            series.setdefault(name, []).append(
                AgreementPoint(name, at, one["value"], one["low"], one["high"], one["items"])
            )
    return {name: _thinned(readings) for name, readings in sorted(series.items())}


def _named(scope: Mapping[str, str], kind: str) -> str | None:
    """Return the label or value that a reading is about, or None if it is of another kind."""
    if kind == "all":
        return None if scope else ""
    if kind == "label":
        return scope.get("label")
    return scope.get("value") if scope.get("attribute") == kind.partition(":")[2] else None


def _thinned(readings: Sequence[AgreementPoint]) -> Sequence[AgreementPoint]:
    step = max(1, -(-len(readings) // _MOST_POINTS))
    return readings[::-step][::-1]


def read_pairs(engine: Engine, project: ProjectId, *, most: int = 20) -> Sequence[PairReading]:
    """Return the agreement of each pair of the annotators with the most votes."""
    with asking(engine) as connection:
        busiest = busiest_annotators(connection, project, most=most)
        window = row(
            connection,
            "SELECT time_window FROM readings_now WHERE project = :project AND kind = 'pair'"
            " ORDER BY as_of DESC LIMIT 1",
            project=project,
        )
        if window is None:
            return []
        pairs = {pair_key(one, other): (one, other) for one in busiest for other in busiest if one != other}
        found = rows(
            connection,
            "SELECT subject, value, low, high, items FROM readings_now"
            " WHERE project = :project AND kind = 'pair' AND time_window = :window",
            project=project,
            window=window["time_window"],
        )
    return [
        PairReading(*pairs[one["subject"]], one["value"], one["low"], one["high"], one["items"])
        for one in found
        if one["subject"] in pairs
    ]


def busiest_annotators(connection: Connection, project: ProjectId, *, most: int) -> Sequence[AnnotatorId]:
    """Return the annotators with the most live votes."""
    found = rows(
        connection,
        "SELECT annotator, sum(n) AS n FROM vote_counts WHERE project = :project GROUP BY annotator"
        " ORDER BY 2 DESC, 1 LIMIT :most",
        project=project,
        most=most,
    )
    return [AnnotatorId(str(one["annotator"])) for one in found]
