"""Convert records to rows: one function per topic."""

from collections.abc import Iterator, Mapping, Sequence

from assay_schemas.agreement import AgreementReading
from assay_schemas.alert import Alert
from assay_schemas.annotation import Action, AnnotatorKind
from assay_schemas.conduct import ConductReport, Signal
from assay_schemas.consensus import Consensus, Correction, Reliability, ReviewRequest
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.verdict import RejectedAnnotation, ValidatedAnnotation
from assay_services.archive.core.row_types import (
    Added,
    KeyedRow,
    RecordOrigin,
    Row,
    RowWrite,
    arrived,
    gone,
    json_text,
    label_cells,
    plain_text,
    position,
    read,
    read_plain,
    utc,
    whole,
)
from assay_services.engine.core.core_api import Record


def validated(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:
    """Return the rows of a validated annotation."""
    found = read_plain(ValidatedAnnotation, record)
    return _judged(found, "validated", record, place)


def rejected(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:
    """Return the rows of a rejected annotation."""
    found = read_plain(RejectedAnnotation, record)
    return _judged(found, "rejected", record, place)


def dead(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:
    """Return the row of a dead letter."""
    said = {name: plain_text(value) for name, value in record.headers if value is not None}
    row = position(place, record) | {
        "key": None if record.key is None else plain_text(record.key),
        "reason": said.get("assay-reason", "unknown"),
        "field": said.get("assay-field", ""),
        "message": said.get("__connect.errors.exception.message", ""),
        "value": record.value,
        "judged_at": arrived(record),
    }
    return [Added("dead", row)]


def consensus(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:
    """Return the rows of an item's consensus: the current one, and its history entry."""
    if record.value is None:
        return gone("consensus", record)
    found = read(Consensus, record)
    label, kind = label_cells(found.label)
    row = {
        "project": found.project,
        "item": found.item,
        "label": label,
        "label_kind": kind,
        "probability": found.probability,
        "probabilities": json_text(found.probabilities),
        "votes": whole(found.votes),
        "status": found.status.value,
        "contract_version": whole(found.contract_version),
        "as_of": utc(found.as_of),
    }
    history = {name: row[name] for name in ("project", "item", "label", "probability", "votes", "status", "as_of")}
    return [
        KeyedRow("consensus", (found.project, found.item), row),
        Added("consensus_history", position(place, record) | history),
    ]


def correction(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:
    """Return the row of a correction or retraction."""
    found = read(Correction, record)
    was, was_kind = label_cells(found.was)
    label, kind = label_cells(found.label)
    row = position(place, record) | {
        "id": found.id,
        "project": found.project,
        "item": found.item,
        "annotator": found.annotator,
        "annotation": found.annotation,
        "was": was,
        "was_kind": was_kind,
        "label": label,
        "label_kind": kind,
        "probability": found.probability,
        "retracts": found.retracts,
        "reason": found.reason,
        "contract_version": whole(found.contract_version),
        "as_of": utc(found.as_of),
    }
    return [Added("corrections", row)]


def review(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:  # noqa: ARG001
    """Return the row of a request for review."""
    if record.value is None:
        return gone("reviews", record)
    found = read(ReviewRequest, record)
    label, kind = label_cells(found.label)
    row = {
        "project": found.project,
        "item": found.item,
        "reason": found.reason,
        "priority": found.priority,
        "label": label,
        "label_kind": kind,
        "probability": found.probability,
        "votes": whole(found.votes),
        "as_of": utc(found.as_of),
    }
    return [KeyedRow("reviews", (found.project, found.item), row)]


def reading(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:
    """Return the row of a reading of agreement."""
    found = read(AgreementReading, record)
    row = position(place, record) | {
        "project": found.project,
        "coefficient": found.coefficient,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "items": whole(found.items),
        "annotators": whole(found.annotators),
        "time_window": found.window,
        "window_start": utc(found.window_start),
        "window_end": utc(found.window_end),
        "scope": json_text(found.scope),
        "as_of": utc(found.as_of),
    }
    kind, subject, value = _scope(found.scope)
    names = ("project", "coefficient", "value", "low", "high", "items", "annotators", "time_window", "as_of")
    now = position(place, record) | {name: row[name] for name in (*names, "window_start", "window_end")}
    now |= {"kind": kind, "subject": subject, "subject_value": value}
    key = (found.project, kind, found.window, found.coefficient, subject, value)
    return [Added("readings", row), KeyedRow("readings_now", key, now)]


def _scope(scope: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the scope of a reading: its kind, and two texts that name it."""
    if not scope:
        return "all", "", ""
    if "annotators" in scope:
        return "pair", scope["annotators"], ""
    if "attribute" in scope:
        return "attribute", scope["attribute"], scope.get("value", "")
    return "label", scope.get("label", ""), ""


def signal(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:
    """Return the row of a signal about an annotator."""
    found = read(Signal, record)
    row = position(place, record) | {
        "id": found.id,
        "project": found.project,
        "annotator": found.annotator,
        "detector": found.detector,
        "peer": found.peer or "",
        "state": found.state,
        "since": utc(found.since),
        "since_low": utc(found.since_low),
        "since_high": utc(found.since_high),
        "as_of": utc(found.at),
        "e_value": found.e_value,
        "false_alarm_level": found.false_alarm_level,
        "false_discovery_level": found.false_discovery_level,
        "evidence": json_text(found.evidence.model_dump(mode="json")),
    }
    return [Added("signals", row)]


def alert(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:
    """Return the row of a transition of an alert."""
    found = read(Alert, record)
    row = position(place, record) | {
        "id": found.id,
        "transition": found.transition,
        "project": found.project,
        "rule": found.rule,
        "state": found.state.value,
        "was": None if found.was is None else found.was.value,
        "severity": found.severity.value,
        "annotator": found.labels.get("annotator", ""),
        "peer": found.labels.get("peer", ""),
        "as_of": utc(found.at),
        "since": utc(found.since),
        "value": found.value,
        "threshold": found.threshold,
        "labels": json_text(found.labels),
        "summary": found.summary,
        "acknowledged_by": found.by,
        "hushed": bool(found.silenced_by or found.inhibited_by),
        "flapping": found.flapping,
        "evidence": json_text(found.evidence),
    }
    return [Added("alerts", row)]


def reliability(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:  # noqa: ARG001
    """Return the row of an annotator's reliability."""
    if record.value is None:
        return gone("reliability", record)
    found = read(Reliability, record)
    row = {
        "project": found.project,
        "annotator": found.annotator,
        "accuracy": found.accuracy,
        "accuracy_low": found.accuracy_low,
        "accuracy_high": found.accuracy_high,
        "votes": whole(found.votes),
        "confusion": json_text(found.confusion),
        "as_of": utc(found.as_of),
    }
    return [KeyedRow("reliability", (found.project, found.annotator), row)]


def contract(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:
    """Return the row of a contract that is put in force or (without value) withdrawn."""
    project = plain_text(record.key or b"")
    row = position(place, record) | {"project": project, "version": None, "contract": None, "came_at": arrived(record)}
    if record.value is not None:
        found = read(LabelContract, record)
        content = json_text(found.model_dump(mode="json"))
        row |= {"project": found.project, "version": whole(found.version), "contract": content}
    return [Added("contracts", row)]


def conduct(record: Record, place: RecordOrigin) -> Sequence[RowWrite]:  # noqa: ARG001
    """Return the row of a conduct report about an annotator."""
    if record.value is None:
        return gone("conduct", record)
    found = read(ConductReport, record)
    rate, speed = found.against_consensus, found.speed
    row = {
        "project": found.project,
        "annotator": found.annotator,
        "annotations": whole(found.annotations),
        "compared": None if rate is None else whole(rate.count),
        "agreement": None if rate is None else rate.value,
        "agreement_low": None if rate is None else rate.low,
        "agreement_high": None if rate is None else rate.high,
        "median_seconds": None if speed is None else speed.median_seconds,
        "standing": json_text([one.value for one in found.standing]),
        "report": json_text(found.model_dump(mode="json", exclude={"project", "annotator", "peers"})),
        "as_of": utc(found.as_of),
    }
    return [KeyedRow("conduct", (found.project, found.annotator), row)]


def _judged(found: Row, verdict: str, record: Record, place: RecordOrigin) -> Sequence[RowWrite]:
    said, findings, score = found["annotation"], found["findings"], found["score"] or {}
    source = said.get("source") or {}
    predicted, _ = label_cells(score.get("predicted"))
    row = _said(said)
    row |= {
        "source": place.source,
        "verdict": verdict,
        "kafka_partition": place.partition,
        "kafka_offset": record.offset,
        "judged_at": arrived(record),
        "platform": source.get("platform"),
        "platform_project": source.get("project"),
        "platform_annotation": source.get("annotation"),
        "findings": json_text(findings),
        "label_probability": score.get("label_probability"),
        "predicted": predicted,
        "predicted_probability": score.get("predicted_probability"),
        "below_threshold": score.get("below_threshold"),
        "contract_version": whole(found["contract_version"]),
    }
    project, item = row["project"], row["item"]
    puts: list[RowWrite] = [Added("annotations", row), KeyedRow("items", (project, item), _item(said["item"], row))]
    if verdict == "validated":
        puts.append(KeyedRow("votes", (project, item, row["annotator"]), _vote(row, findings)))
    if findings:
        puts.extend(_objections(row, findings))
    return puts


_VOTE = (
    "project", "item", "annotator", "annotator_kind", "id", "label", "label_kind", "occurred_at", "judged_at",
    "lead_time_seconds", "label_probability", "predicted", "predicted_probability", "contract_version", "source",
    "kafka_partition", "kafka_offset",
)  # fmt: skip
_OBJECTION = ("source", "verdict", "kafka_partition", "kafka_offset", "project", "item", "annotator", "occurred_at")
_SAYING = {"created", "updated"}


def _vote(row: Row, findings: Sequence[Row]) -> Row:
    vote = {name: row[name] for name in _VOTE}
    vote["live"], vote["flagged"] = row["action"] in _SAYING, bool(findings)
    return vote


def _objections(row: Row, findings: Sequence[Row]) -> Iterator[RowWrite]:
    for number, one in enumerate(findings):
        about = {name: row[name] for name in _OBJECTION} | {"annotation": row["id"], "number": number}
        yield Added("objections", about | one | {"action": one["action"].value})


def _said(said: Row) -> Row:
    label, kind = label_cells(said.get("label"))
    prelabel, prelabel_kind = label_cells(said.get("prelabel"))
    item, annotator, created_at = said["item"], said["annotator"], said.get("created_at")
    return {
        "id": said["id"],
        "action": said.get("action", Action.CREATED).value,
        "project": said["project"],
        "item": item["id"],
        "annotator": annotator["id"],
        "annotator_kind": annotator.get("kind", AnnotatorKind.HUMAN).value,
        "label": label,
        "label_kind": kind,
        "prelabel": prelabel,
        "prelabel_kind": prelabel_kind,
        "occurred_at": utc(said["occurred_at"]),
        "created_at": None if created_at is None else utc(created_at),
        "lead_time_seconds": said.get("lead_time_seconds"),
        "attributes": json_text(item.get("attributes", {})),
    }


def _item(item: Row, said: Row) -> Row:
    gold, gold_kind = label_cells(item.get("gold"))
    features, media = item.get("features"), item.get("media")
    return {
        "project": said["project"],
        "item": said["item"],
        "text": item.get("text"),
        "features": None if features is None else json_text(features),
        "media": None if media is None else json_text(_NO_SIZE | media),
        "gold": gold,
        "gold_kind": gold_kind,
        "attributes": said["attributes"],
        "described": len(item) > 1,
        "seen_at": said["occurred_at"],
        "seen_in": said["id"],
    }


_NO_SIZE = {"uri": None, "width": None, "height": None}
