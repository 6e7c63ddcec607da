"""Prodigy: batches of answers posted by a small recipe (`docs/prodigy_shim.py`), or lines of `db-out`."""

from assay_schemas.annotation import Action
from assay_services.gateway.core.decode_result import (
    DecodeContext,
    DecodeResult,
    PlatformDelivery,
    Rejected,
    Settings,
)
from assay_services.gateway.core.platforms.annotation_facts import Fact, settle_all
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    attributes,
    fields,
    identifier,
    kind_of,
    listing,
    media,
    moment_of_seconds,
    parse,
    parse_rows,
    quoted,
    text,
)
from assay_services.gateway.core.platforms.prodigy_answers import AcceptedLabel, accepted, is_about_label

NAME = "prodigy"
_NOT = "not "


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode a batch: `{"dataset", "answers": […]}`, a list of answers, or JSON Lines."""
    body = parse(delivery.raw)
    dataset: str | None = None
    answers: object = body if isinstance(body, list) else None
    if isinstance(body, dict) and isinstance(body.get("answers"), list):
        answers, dataset = body["answers"], identifier(body.get("dataset"))
    if answers is None:
        answers = parse_rows(delivery.raw)
    if isinstance(answers, Malformed):
        return Rejected(answers.reason)
    facts = [(f"answers[{place}]", _fact(answer, dataset, asked)) for place, answer in enumerate(listing(answers))]
    return settle_all(facts, asked).result(otherwise="an empty batch")


def _fact(answer: object, dataset: str | None, asked: DecodeContext) -> Fact | Malformed:
    if isinstance(answer, Malformed) or not isinstance(answer, dict):
        return answer if isinstance(answer, Malformed) else Malformed(f"it is {kind_of(answer)}; an object is wanted")
    project = dataset or identifier(answer.get("_dataset")) or asked.platform_project or NAME
    settings = asked.settings_of(project)
    kind = answer.get("answer")
    said = accepted(answer, settings, asked.label_kind) if kind == "accept" else AcceptedLabel(_refused(answer))
    if kind not in ("accept", "reject", "ignore") or isinstance(said, Malformed):
        return said if isinstance(said, Malformed) else Malformed("its 'answer' is none of accept, reject, ignore")
    item = _item(answer, settings)
    if isinstance(item, Malformed):
        return item
    who = identifier(answer.get("_annotator_id")) or identifier(answer.get("_session_id")) or settings.annotator
    return Fact(
        platform=NAME,
        annotation=f"{item['id']}/{who}",
        project=project,
        item=item,
        annotator=who,
        action=Action.SKIPPED if kind == "ignore" or said.label is None else Action.CREATED,
        label=said.label,
        occurred_at=moment_of_seconds(answer.get("_timestamp")),
        unread=said.unread,
        notes=said.notes,
    )


def _item(answer: JsonFields, settings: Settings) -> JsonFields | Malformed:
    """Return the item: a question (`_task_hash`), because one text may be asked about several labels."""
    meta, own = fields(answer.get("meta")), settings.item_field
    found = answer.get("_task_hash") if own is None else answer.get(own, meta.get(own))
    item_id = identifier(found)
    if item_id is None:
        return Malformed(f"it has no {quoted(own or '_task_hash')} that could be the item's id")
    return {
        "id": item_id,
        "text": text(answer.get(settings.text_field or "text")),
        "media": media(answer.get("image"), width=answer.get("width"), height=answer.get("height")),
        "attributes": attributes(meta, chosen=settings.attributes, used=(own,)),
    }


def _refused(answer: JsonFields) -> str | None:
    """Return the label of a rejected answer: the negation of a single proposed label; None for anything else."""
    label = answer.get("label")
    proposed = isinstance(label, str) and "options" not in answer and (is_about_label(answer) or "spans" not in answer)
    return f"{_NOT}{label}" if proposed and answer.get("answer") == "reject" else None
