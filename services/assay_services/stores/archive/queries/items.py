"""Query items by their content and annotations; and one item with all details."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from assay_schemas.annotation import AnnotationId, AnnotatorId, ItemId, ProjectId
from assay_services.stores.archive.queries.db import asking, maybe_moment, moment, parsed, row, rows
from assay_services.stores.archive.queries.pagination import Slice, read_cursor, write_cursor

_MOST_HISTORY = 500


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """A filter of items; '' is any.

    `given` and `right`: items with an annotation `given` whose consensus is `right`. `annotator` and `pair`: items that
    both labelled. `rule`: items with a finding of that rule. `text` is a part of the text.
    """

    item: str = ""
    text: str = ""
    label: str = ""
    status: str = ""
    right: str = ""
    given: str = ""
    rule: str = ""
    annotator: str = ""
    pair: str = ""


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item and its consensus."""

    item: ItemId
    text: str | None
    label: str | None
    probability: float | None
    votes: int
    status: str


@dataclass(frozen=True, slots=True)
class ItemVote:
    """One annotator's newest annotation of the item, and their reliability."""

    annotator: AnnotatorId
    kind: str
    label: str | None
    is_live: bool
    at: datetime
    seconds: float | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    accuracy_votes: int | None
    label_probability: float | None
    predicted: str | None
    predicted_probability: float | None
    findings: Sequence[str]


@dataclass(frozen=True, slots=True)
class ConsensusChange:
    """The consensus at one moment."""

    at: datetime
    label: str | None
    probability: float | None
    votes: int
    status: str


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """A correction of an annotation, or (`retracts`) its retraction."""

    id: str
    annotator: AnnotatorId
    was: str
    label: str | None
    probability: float | None
    reason: str
    retracts: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item with all details."""

    item: ItemId
    text: str | None
    media: Mapping[str, Any] | None
    gold: str | None
    attributes: Mapping[str, str]
    seen_at: datetime | None
    now: ConsensusChange | None
    probabilities: Mapping[str, float]
    votes: Sequence[ItemVote]
    history: Sequence[ConsensusChange]
    corrections: Sequence[CorrectionLine]
    review_priority: float | None


def read_items(
    engine: Engine, project: ProjectId, wanted: ItemFilter, *, after: str | None = None, limit: int = 50
) -> Slice[ItemLine]:
    """Return items in the order of their ids."""
    values: dict[str, object] = {"project": project, "most": limit + 1}
    source, conditions = _source(wanted, values)
    if after is not None:
        (values["after"],) = read_cursor(after, (str,))
        conditions.append(f"{source.item} > :after")
    query = (
        f"SELECT DISTINCT {source.item} AS item FROM {source.tables}"  # noqa: S608  # our own parts
        f" WHERE {' AND '.join([source.project, *conditions])} ORDER BY 1 LIMIT :most"
    )
    with asking(engine) as connection:
        ids = [ItemId(str(one["item"])) for one in rows(connection, query, **values)]
        lines = [_line(connection, project, item) for item in ids[:limit]]
    return Slice(lines, write_cursor(ids[limit - 1]) if len(ids) > limit else None)


@dataclass(frozen=True, slots=True)
class _RowSource:
    tables: str
    item: str
    project: str


def _source(wanted: ItemFilter, values: dict[str, object]) -> tuple[_RowSource, list[str]]:
    """Return the most selective table to start from, and the conditions."""
    conditions: list[str] = []
    tables, leading = _leading(wanted, values, conditions)
    if wanted.item:
        conditions.append(f"{leading}.item LIKE :item ESCAPE '!'")
        values["item"] = _like(wanted.item) + "%"
    if wanted.text:
        joined = (
            "" if leading == "i" else f" JOIN items AS i ON i.project = {leading}.project AND i.item = {leading}.item"
        )
        tables += joined
        conditions.append("lower(i.text) LIKE lower(:text) ESCAPE '!'")
        values["text"] = f"%{_like(wanted.text)}%"
    return _RowSource(tables, f"{leading}.item", f"{leading}.project = :project"), conditions


def _leading(wanted: ItemFilter, values: dict[str, object], conditions: list[str]) -> tuple[str, str]:
    judged = wanted.label or wanted.status or wanted.right
    joined = " JOIN consensus AS c ON c.project = {0}.project AND c.item = {0}.item" if judged else ""
    for name, column in (("label", "c.label"), ("status", "c.status"), ("right", "c.label")):
        if getattr(wanted, name):
            conditions.append(f"{column} = :{name}")
            values[name] = getattr(wanted, name)
    if wanted.rule:
        conditions.append("o.rule = :rule")
        values["rule"] = wanted.rule
        if wanted.annotator:
            conditions.append("o.annotator = :annotator")
            values["annotator"] = wanted.annotator
        return "objections AS o" + joined.format("o"), "o"
    if wanted.given or wanted.annotator:
        conditions.append("v.live")
        for name, column in (("given", "v.label"), ("annotator", "v.annotator")):
            if getattr(wanted, name):
                conditions.append(f"{column} = :{name}")
                values[name] = getattr(wanted, name)
        pair = ""
        if wanted.pair:
            pair = " JOIN votes AS w ON w.project = v.project AND w.item = v.item AND w.annotator = :pair AND w.live"
            values["pair"] = wanted.pair
        return "votes AS v" + joined.format("v") + pair, "v"
    return ("consensus AS c", "c") if judged else ("items AS i", "i")


def _like(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _line(connection: Connection, project: ProjectId, item: ItemId) -> ItemLine:
    about = {"project": project, "item": item}
    where = "WHERE project = :project AND item = :item"
    said = row(connection, f"SELECT substr(text, 1, 400) AS text FROM items {where}", **about)  # noqa: S608  # ours
    now = row(connection, f"SELECT label, probability, votes, status FROM consensus {where}", **about)  # noqa: S608
    text = said["text"] if said else None
    if now is None:
        return ItemLine(item, text, None, None, 0, "unknown")
    return ItemLine(item, text, now["label"], now["probability"], now["votes"], now["status"])


def read_item(engine: Engine, project: ProjectId, item: ItemId) -> ItemView | None:
    """Return one item; None if it is unknown."""
    about = {"project": project, "item": item}
    where = "WHERE project = :project AND item = :item"
    with asking(engine) as connection:
        seen = row(connection, f"SELECT text, media, gold, attributes, seen_at FROM items {where}", **about)  # noqa: S608
        now = row(
            connection,
            f"SELECT label, probability, probabilities, votes, status, as_of FROM consensus {where}",  # noqa: S608
            **about,
        )
        votes = _votes(connection, about)
        if seen is None and now is None and not votes:
            return None
        review = row(connection, f"SELECT priority FROM reviews {where}", **about)  # noqa: S608
        return ItemView(
            item=item,
            text=seen["text"] if seen else None,
            media=parsed(seen["media"]) if seen else None,
            gold=seen["gold"] if seen else None,
            attributes=parsed(seen["attributes"]) if seen else {},
            seen_at=maybe_moment(seen["seen_at"]) if seen else None,
            now=None if now is None else _change(dict(now)),
            probabilities=parsed(now["probabilities"]) if now else {},
            votes=votes,
            history=_history(connection, about),
            corrections=_corrections(connection, about),
            review_priority=review["priority"] if review else None,
        )


def _change(found: Mapping[str, Any]) -> ConsensusChange:
    return ConsensusChange(
        moment(found["as_of"]), found["label"], found["probability"], found["votes"], found["status"]
    )


def _votes(connection: Connection, about: Mapping[str, str]) -> Sequence[ItemVote]:
    rules: dict[AnnotationId, list[str]] = {}
    for one in rows(
        connection,
        "SELECT annotation, rule FROM objections WHERE project = :project AND item = :item AND verdict = 'validated'",
        **about,
    ):
        rules.setdefault(one["annotation"], []).append(one["rule"])
    found = rows(
        connection,
        "SELECT v.*, r.accuracy, r.accuracy_low, r.accuracy_high, r.votes AS accuracy_votes FROM votes AS v"
        " LEFT JOIN reliability AS r ON r.project = v.project AND r.annotator = v.annotator"
        " WHERE v.project = :project AND v.item = :item ORDER BY v.occurred_at",
        **about,
    )
    return [
        ItemVote(
            one["annotator"], one["annotator_kind"], one["label"], bool(one["live"]), moment(one["occurred_at"]),
            one["lead_time_seconds"], one["accuracy"], one["accuracy_low"], one["accuracy_high"],
            one["accuracy_votes"], one["label_probability"], one["predicted"], one["predicted_probability"],
            rules.get(one["id"], []),
        )
        for one in found
    ]  # fmt: skip


def _history(connection: Connection, about: Mapping[str, str]) -> Sequence[ConsensusChange]:
    found = rows(
        connection,
        "SELECT label, probability, votes, status, as_of FROM consensus_history"
        " WHERE project = :project AND item = :item ORDER BY as_of DESC, kafka_offset DESC LIMIT :most",
        **about,
        most=_MOST_HISTORY,
    )
    return [_change(dict(one)) for one in reversed(found)]


def _corrections(connection: Connection, about: Mapping[str, str]) -> Sequence[CorrectionLine]:
    found = rows(
        connection,
        "SELECT id, annotator, was, label, probability, reason, retracts, as_of FROM corrections"
        " WHERE project = :project AND item = :item ORDER BY as_of, kafka_offset",
        **about,
    )
    return [
        CorrectionLine(
            one["id"], one["annotator"], one["was"], one["label"], one["probability"], one["reason"], one["retracts"],
            moment(one["as_of"]),
        )
        for one in found
    ]  # fmt: skip
