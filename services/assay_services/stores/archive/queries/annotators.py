"""Query the annotators of a project: accuracy, speed, findings, signals, and their items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from assay_schemas.annotation import AnnotatorId, ItemId, ProjectId
from assay_services.stores.archive.queries.db import asking, maybe_moment, moment, parsed, row, rows
from assay_services.stores.archive.queries.overview import NamedShare, shares
from assay_services.stores.archive.queries.pagination import Slice, read_cursor, write_cursor


@dataclass(frozen=True, slots=True)
class AnnotatorLine:
    """One annotator. `votes` are live labels; `agreement` is with the consensus of the others, over `compared` items.

    `standing` names the signals in force.
    """

    annotator: AnnotatorId
    votes: int
    flagged: int
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    accuracy_votes: int | None
    agreement: float | None
    agreement_low: float | None
    agreement_high: float | None
    compared: int | None
    median_seconds: float | None
    mean_seconds: float | None
    standing: Sequence[str]


@dataclass(frozen=True, slots=True)
class SignalLine:
    """One signal: its detector, its estimated start, and its evidence."""

    annotator: AnnotatorId
    detector: str
    state: str
    peer: AnnotatorId
    at: datetime
    since: datetime
    since_low: datetime
    since_high: datetime
    e_value: float
    false_alarm_level: float
    false_discovery_level: float
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VoteLine:
    """One annotation of an annotator beside the item's consensus."""

    item: ItemId
    label: str | None
    consensus: str | None
    probability: float | None
    at: datetime
    seconds: float | None
    flagged: bool


@dataclass(frozen=True, slots=True)
class AnnotatorSummary:
    """One annotator with all details. `report` is the conduct service's; None before the first one."""

    line: AnnotatorLine
    labels: Sequence[NamedShare]
    confusion: Mapping[str, Mapping[str, float]]
    findings: Mapping[str, int]
    signals: Sequence[SignalLine]
    report: Mapping[str, Any] | None
    last_at: datetime | None


_LINES = """
SELECT v.annotator, v.n, v.flagged, v.timed, v.milliseconds, r.accuracy, r.accuracy_low, r.accuracy_high,
    r.votes AS accuracy_votes, c.agreement, c.agreement_low, c.agreement_high, c.compared, c.median_seconds, c.standing
FROM (
    SELECT annotator, sum(n) AS n, sum(flagged) AS flagged, sum(timed) AS timed, sum(milliseconds) AS milliseconds
    FROM vote_counts WHERE project = :project {narrowed} GROUP BY annotator
) AS v
LEFT JOIN reliability AS r ON r.project = :project AND r.annotator = v.annotator
LEFT JOIN conduct AS c ON c.project = :project AND c.annotator = v.annotator
"""


def read_annotators(engine: Engine, project: ProjectId) -> Sequence[AnnotatorLine]:
    """Return every annotator with a live label, by name."""
    with asking(engine) as connection:
        return sorted(_lines(connection, project), key=lambda one: one.annotator)


def read_annotator(engine: Engine, project: ProjectId, annotator: AnnotatorId) -> AnnotatorSummary | None:
    """Return one annotator; None if nobody of that name has annotated."""
    who = {"project": project, "annotator": annotator}
    with asking(engine) as connection:
        lines = _lines(connection, project, annotator)
        if not lines:
            return None
        where = "WHERE project = :project AND annotator = :annotator"
        mix = rows(connection, f"SELECT label, n FROM vote_counts {where} ORDER BY n DESC, label", **who)  # noqa: S608
        reliability = row(connection, f"SELECT confusion FROM reliability {where}", **who)  # noqa: S608  # ours
        report = row(connection, f"SELECT report FROM conduct {where}", **who)  # noqa: S608
        rules = rows(
            connection,
            f"SELECT rule, sum(n) AS n FROM rule_counts {where} GROUP BY rule ORDER BY 2 DESC",  # noqa: S608
            **who,
        )
        last = row(connection, f"SELECT max(occurred_at) AS at FROM votes {where}", **who)  # noqa: S608
        signals = _signals(connection, f"{where} ORDER BY as_of DESC LIMIT 50", **who)
    return AnnotatorSummary(
        lines[0],
        shares({str(one["label"]): int(one["n"]) for one in mix}),
        parsed(reliability["confusion"]) if reliability else {},
        {str(one["rule"]): int(one["n"]) for one in rules},
        signals,
        parsed(report["report"]) if report else None,
        maybe_moment(last["at"]) if last else None,
    )


def read_signals(engine: Engine, project: ProjectId, *, most: int = 200) -> Sequence[SignalLine]:
    """Return the newest signals of a project."""
    with asking(engine) as connection:
        return _signals(
            connection, "WHERE project = :project ORDER BY as_of DESC LIMIT :most", project=project, most=most
        )


def read_votes(
    engine: Engine, project: ProjectId, annotator: AnnotatorId, *, after: str | None = None, limit: int = 50
) -> Slice[VoteLine]:
    """Return an annotator's live labels, the newest first."""
    values: dict[str, object] = {"project": project, "annotator": annotator, "most": limit + 1}
    beyond = ""
    if after is not None:
        at, item = read_cursor(after, (str, str))
        values |= {"at": moment(at), "after": item}
        beyond = "AND (v.occurred_at, v.item) < (:at, :after)"
    with asking(engine) as connection:
        found = rows(
            connection,
            "SELECT v.item, v.label, v.occurred_at, v.lead_time_seconds, v.flagged, c.label AS consensus, c.probability"  # noqa: S608
            " FROM votes AS v LEFT JOIN consensus AS c ON c.project = v.project AND c.item = v.item"
            f" WHERE v.project = :project AND v.annotator = :annotator AND v.live {beyond}"
            " ORDER BY v.occurred_at DESC, v.item DESC LIMIT :most",
            **values,
        )
    lines = [
        VoteLine(
            one["item"], one["label"], one["consensus"], one["probability"], moment(one["occurred_at"]),
            one["lead_time_seconds"], bool(one["flagged"]),
        )
        for one in found[:limit]
    ]  # fmt: skip
    following = write_cursor(lines[-1].at.isoformat(), lines[-1].item) if len(found) > limit else None
    return Slice(lines, following)


def _lines(connection: Connection, project: ProjectId, annotator: AnnotatorId | None = None) -> Sequence[AnnotatorLine]:
    narrowed = "" if annotator is None else "AND annotator = :annotator"
    values = {"project": project} | ({} if annotator is None else {"annotator": annotator})
    return [
        AnnotatorLine(
            one["annotator"], int(one["n"]), int(one["flagged"]), one["accuracy"], one["accuracy_low"],
            one["accuracy_high"], one["accuracy_votes"], one["agreement"], one["agreement_low"],
            one["agreement_high"], one["compared"], one["median_seconds"],
            float(one["milliseconds"]) / 1_000 / float(one["timed"]) if one["timed"] else None,
            parsed(one["standing"]) or [],
        )
        for one in rows(connection, _LINES.format(narrowed=narrowed), **values)
    ]  # fmt: skip


def _signals(connection: Connection, where: str, **values: object) -> Sequence[SignalLine]:
    found = rows(
        connection,
        "SELECT annotator, detector, state, peer, as_of, since, since_low, since_high, e_value, false_alarm_level,"  # noqa: S608
        f" false_discovery_level, evidence FROM signals {where}",
        **values,
    )
    return [
        SignalLine(
            one["annotator"], one["detector"], one["state"], one["peer"], moment(one["as_of"]), moment(one["since"]),
            moment(one["since_low"]), moment(one["since_high"]), one["e_value"], one["false_alarm_level"],
            one["false_discovery_level"], parsed(one["evidence"]),
        )
        for one in found
    ]  # fmt: skip
