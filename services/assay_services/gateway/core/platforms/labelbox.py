"""Labelbox: decode webhooks about labels, and the rows of its export, which contain more."""

from dataclasses import dataclass
from datetime import datetime

from assay_schemas.annotation import Action
from assay_services.gateway.core.decode_result import (
    Annotations,
    DecodeContext,
    DecodeResult,
    Fetch,
    FetchTarget,
    Nothing,
    PlatformDelivery,
    Rejected,
    Settings,
    outcome_of,
)
from assay_services.gateway.core.platforms.annotation_facts import NOTHING_MARKED, Fact, deletions, settle_all
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    at,
    attributes,
    fields,
    identifier,
    listing,
    media,
    moment,
    parse,
    parse_object,
    quoted,
    text,
)
from assay_services.gateway.core.platforms.common_fields import chosen_answer, plain_label
from assay_services.gateway.core.platforms.labelbox_parts import answers_of, left_out, parts_of
from assay_services.gateway.core.unread_part import UnreadPart

NAME = "labelbox"
EVENT_HEADER = "x-labelbox-event"
_DELETED = "LABEL_DELETED"
_OF_VIDEO = ("frames", "segments", "key_frame_feature_map", "timestamp")
_OF_ANSWERS = ("categorical", "multilabel", "ordinal")
_OF_OBJECTS = ("spans", "boxes")
_ACTIONS = {"LABEL_CREATED": Action.CREATED, "LABEL_UPDATED": Action.UPDATED}


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode a webhook delivery; its header names the event."""
    event = delivery.headers.get(EVENT_HEADER, "").strip().upper()
    body = parse_object(delivery.raw)
    if isinstance(body, Malformed):
        return Rejected(body.reason)
    if not event:
        return Rejected("the header X-Labelbox-Event is missing; it is no webhook of Labelbox")
    if event == "WORKFLOW_ACTION" or event.startswith("REVIEW_"):
        return Nothing("a workflow action or a review changes no label")
    if event not in {*_ACTIONS, _DELETED}:
        return Rejected(f"Labelbox has no event {quoted(event)}")
    return _about_a_label(event, body, asked)


def _about_a_label(event: str, body: JsonFields, asked: DecodeContext) -> DecodeResult:
    label = fields(body.get("label")) or body
    label_id = identifier(label.get("id"))
    if label_id is None:
        return Rejected("the label has no id")
    if event == _DELETED:
        found, unknown = deletions(NAME, [label_id], asked, source_project=_project(body, label))
        return outcome_of(found, unknown, (), otherwise="which item this label was of is not known")
    return _said(label, body, asked, _ACTIONS[event], label_id)


def _said(label: JsonFields, body: JsonFields, asked: DecodeContext, action: Action, label_id: str) -> DecodeResult:
    row = fields(label.get("data_row") or label.get("dataRow") or body.get("data_row") or body.get("dataRow"))
    content = _content(label) or _content(body)
    if not row or not content:
        return Fetch((FetchTarget("label", label_id),), "the webhook does not carry the label or its data row")
    fact = _fact(label, content, row, _project(body, label), asked, action)
    return settle_all([("label", fact)], asked).result(otherwise="")


def decode_row(row: JsonFields, asked: DecodeContext) -> Annotations:
    """Decode one row of a streaming export: all labels of one data row, in all its projects."""
    facts: list[tuple[str, Fact | Malformed]] = []
    for project, held in fields(row.get("projects")).items():
        for label in map(fields, listing(fields(held).get("labels"))):
            created, updated = _times(label)
            action = Action.CREATED if created == updated else Action.UPDATED
            name = f"label {identifier(label.get('id')) or 'without an id'}"
            data_row = fields(row.get("data_row"))
            facts.append((name, _fact(label, _content(label), data_row, identifier(project), asked, action)))
    return settle_all(facts, asked).outcome()


def _content(label: JsonFields) -> JsonFields:
    """Return the objects and classifications; older webhooks have them as a JSON string."""
    written = label.get("label")
    content = label.get("annotations", parse(written) if isinstance(written, str) else written)
    return fields(content)


def _project(body: JsonFields, label: JsonFields) -> str | None:
    found = body.get("project") or label.get("project")
    return identifier(found) or identifier(fields(found).get("id"))


def _times(label: JsonFields) -> tuple[datetime | None, datetime | None]:
    detail = fields(label.get("label_details")) or label
    created = moment(detail.get("created_at", detail.get("createdAt")))
    return created, moment(detail.get("updated_at", detail.get("updatedAt"))) or created


def _fact(
    label: JsonFields, content: JsonFields, row: JsonFields, project: str | None, asked: DecodeContext, action: Action
) -> Fact | Malformed:
    settings = asked.settings_of(project)
    said, item = _label(content, settings, asked.label_kind), _item(row, settings)
    if isinstance(said, Malformed):
        return said
    if isinstance(item, Malformed):
        return item
    detail = fields(label.get("label_details")) or label
    author = detail.get("created_by", detail.get("createdBy"))
    skipped = at(label, "performance_details.skipped") is True or label.get("skipped") is True
    created, updated = _times(label)
    return Fact(
        platform=NAME,
        annotation=identifier(label.get("id")),
        project=project,
        item=item,
        annotator=identifier(author) or identifier(fields(author).get("email")),
        action=Action.SKIPPED if skipped else action,
        label=said.label,
        gold=said.label if detail.get("is_benchmark_reference") is True else None,
        occurred_at=updated,
        created_at=created,
        lead_time_seconds=at(label, "performance_details.seconds_to_create"),
        unread=said.unread,
    )


def _item(row: JsonFields, settings: Settings) -> JsonFields | Malformed:
    item_id = identifier(row.get(settings.item_field or "id"))
    if item_id is None:
        return Malformed(f"the data row has no {quoted(settings.item_field or 'id')} that could be the item's id")
    data = row.get("row_data", row.get("rowData"))
    is_address = isinstance(data, str) and data.partition("://")[0] in {"http", "https", "s3", "gs"}
    named = {"external_id": row.get("external_id"), "global_key": row.get("global_key")}
    return {
        "id": item_id,
        "text": None if is_address else text(data),
        "media": media(data) if is_address else None,
        "attributes": attributes(named, chosen=settings.attributes, used=(settings.item_field,)),
    }


@dataclass(frozen=True, slots=True)
class _Said:
    label: object
    unread: tuple[UnreadPart, ...] = ()


def _label(content: JsonFields, settings: Settings, kind: str | None) -> _Said | Malformed:
    """Read the objects as boxes or spans if it has any, else the classification that is the label.

    The contract's kind decides where the settings do not.
    """
    held = next((name for name in _OF_VIDEO if content.get(name)), None)
    if held is not None:
        return Malformed(f"its {quoted(held)} are not read: they are about the frames of a video")
    objects, classifications = content.get("objects"), content.get("classifications")
    if not listing(objects) and not listing(classifications):
        return _Said(NOTHING_MARKED, tuple(left_out(content, is_of_objects=True)))
    wants_answer = bool(settings.controls) or (kind in _OF_ANSWERS and bool(listing(classifications)))
    if not wants_answer and (listing(objects) or kind in _OF_OBJECTS):
        parts = parts_of(objects)
        return parts if isinstance(parts, Malformed) else _Said(parts, tuple(left_out(content, is_of_objects=True)))
    answers = answers_of(classifications)
    if isinstance(answers, Malformed):
        return answers
    chosen = chosen_answer(answers, settings)
    label = chosen if isinstance(chosen, Malformed) else plain_label(answers.get(chosen or ""))
    return label if isinstance(label, Malformed) else _Said(label, tuple(left_out(content, is_of_objects=False)))
