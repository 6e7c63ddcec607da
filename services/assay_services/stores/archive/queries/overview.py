"""Query the overview of all projects: verdicts, agreement, and open work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from assay_schemas.annotation import ProjectId
from assay_schemas.topics import DEAD, REJECTED, VALIDATED
from assay_services.stores.archive.queries.db import asking, maybe_moment, moment, row, rows

_HOUR = timedelta(hours=1)
_MOST_PROJECTS = 50
_NEWEST = 500
_VERDICT_TOPICS = {
    VALIDATED.name: "validated",
    REJECTED.name: "rejected",
    DEAD.name: "dead",
}


@dataclass(frozen=True, slots=True)
class LatestAgreement:
    """One reading of agreement; `value` is None if it is undefined."""

    window: str
    coefficient: str
    value: float | None
    low: float | None
    high: float | None
    items: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class NamedShare:
    """A value's count, and its share of all (0-1)."""

    name: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """One project now. `verdicts` are of the last hour; `delay_seconds` is the median from annotation to verdict."""

    project: ProjectId
    verdicts: Sequence[NamedShare]
    agreement: Sequence[LatestAgreement]
    labels: Sequence[NamedShare]
    statuses: Mapping[str, int]
    annotators: int
    newest_at: datetime | None
    delay_seconds: float | None

    @property
    def judged(self) -> int:
        """Return how many annotations were judged in the last hour."""
        return sum(one.count for one in self.verdicts)


@dataclass(frozen=True, slots=True)
class Overview:
    """All projects now. `totals` counts the archived records by verdict; `wrote_at` is when the archive last wrote."""

    at: datetime
    totals: Mapping[str, int]
    wrote_at: datetime | None
    projects: Sequence[ProjectLine]


def read_overview(engine: Engine, *, now: datetime) -> Overview:
    """Return the overview at `now`."""
    with asking(engine) as connection:
        totals = _totals(connection)
        wrote = row(connection, "SELECT max(moved_at) AS at FROM offsets WHERE records > 0")
        names = project_names(connection)[:_MOST_PROJECTS]
        lines = [_line(connection, name, now) for name in names]
    return Overview(now, totals, maybe_moment(wrote["at"]) if wrote else None, lines)


def project_names(connection: Connection) -> Sequence[ProjectId]:
    """Return the names of all projects with a verdict or a consensus, sorted."""
    steps = " UNION ALL SELECT (SELECT min(project) FROM verdict_counts WHERE project > p.project) FROM p"
    query = (
        f"WITH RECURSIVE p(project) AS (SELECT min(project) FROM verdict_counts{steps} WHERE p.project IS NOT NULL)"  # noqa: S608  # ours
        " SELECT project FROM p WHERE project IS NOT NULL UNION SELECT DISTINCT project FROM contracts ORDER BY 1"
    )
    return [ProjectId(str(one["project"])) for one in rows(connection, query)]


def _totals(connection: Connection) -> Mapping[str, int]:
    found = rows(connection, "SELECT topic, sum(records) AS n FROM offsets GROUP BY topic")
    return {_VERDICT_TOPICS[one["topic"]]: int(one["n"]) for one in found if one["topic"] in _VERDICT_TOPICS}


def _line(connection: Connection, project: ProjectId, now: datetime) -> ProjectLine:
    verdicts = {"validated": 0, "flagged": 0, "rejected": 0}
    for one in rows(
        connection,
        "SELECT verdict, flagged, sum(n) AS n FROM verdict_counts"
        " WHERE project = :project AND minute >= :since GROUP BY 1, 2",
        project=project,
        since=now - _HOUR,
    ):
        name = "flagged" if one["verdict"] == "validated" and one["flagged"] else one["verdict"]
        verdicts[name] += int(one["n"])
    newest, delay = _newest(connection, project)
    return ProjectLine(
        project=project,
        verdicts=shares(verdicts),
        agreement=agreement_now(connection, project),
        labels=label_mix(connection, project),
        statuses=statuses(connection, project),
        annotators=_annotators(connection, project),
        newest_at=newest,
        delay_seconds=delay,
    )


def _newest(connection: Connection, project: ProjectId) -> tuple[datetime | None, float | None]:
    """Return when the newest annotation was judged, and the median delay from annotation to verdict in seconds."""
    found = rows(
        connection,
        "SELECT occurred_at, judged_at FROM annotations WHERE project = :project ORDER BY occurred_at DESC LIMIT :n",
        project=project,
        n=_NEWEST,
    )
    if not found:
        return None, None
    times = [(moment(one["occurred_at"]), moment(one["judged_at"])) for one in found]
    delays = sorted((judged - made).total_seconds() for made, judged in times)
    return max(judged for _, judged in times), max(delays[len(delays) // 2], 0.0)


def _annotators(connection: Connection, project: ProjectId) -> int:
    found = row(
        connection,
        "SELECT count(DISTINCT annotator) AS n FROM vote_counts WHERE project = :project",
        project=project,
    )
    return int(found["n"]) if found else 0


def label_mix(connection: Connection, project: ProjectId) -> Sequence[NamedShare]:
    """Return the distribution of live labels, the most frequent first."""
    found = rows(
        connection,
        "SELECT label, sum(n) AS n FROM vote_counts WHERE project = :project GROUP BY label ORDER BY 2 DESC, 1",
        project=project,
    )
    return shares({str(one["label"]): int(one["n"]) for one in found})


def statuses(connection: Connection, project: ProjectId) -> Mapping[str, int]:
    """Return the number of items by status."""
    found = rows(
        connection,
        "SELECT status, sum(n) AS n FROM status_counts WHERE project = :project GROUP BY status",
        project=project,
    )
    return {str(one["status"]): int(one["n"]) for one in found}


def agreement_now(connection: Connection, project: ProjectId) -> Sequence[LatestAgreement]:
    """Return the newest overall reading of each window, the shortest first."""
    found = rows(
        connection,
        "SELECT time_window, coefficient, value, low, high, items, as_of FROM readings_now"
        " WHERE project = :project AND kind = 'all'",
        project=project,
    )
    readings = [
        LatestAgreement(
            one["time_window"], one["coefficient"], one["value"], one["low"], one["high"], one["items"],
            moment(one["as_of"]),
        )
        for one in found
    ]  # fmt: skip
    return sorted(readings, key=lambda one: (window_minutes(one.window), one.coefficient))


def window_minutes(window: str) -> int:
    """Return the length in minutes of a window as in a contract."""
    return int(window[:-1]) * {"m": 1, "h": 60, "d": 1_440}[window[-1]]


def shares(counts: Mapping[str, int]) -> Sequence[NamedShare]:
    """Return counts with their shares of the total."""
    total = sum(counts.values())
    return [NamedShare(name, count, count / total if total else 0.0) for name, count in counts.items()]
