"""Prodigy: batches of answers posted by a small recipe (`docs/prodigy_shim.py`), or lines of `db-out`."""

from assay_schemas.annotation import Action
from assay_services.gateway.core.decode_result import (
    DecodeContext,
    DecodeResult,
    PlatformDelivery,
    Rejected,
    Settings,
    outcome_of,
)
from assay_services.gateway.core.platforms.annotation_facts import Fact, settle_all
from assay_services.gateway.core.platforms.boxes import a_box, bounding_box, points_of
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
    number,
    parse,
    parse_rows,
    quoted,
    text,
)
from assay_services.gateway.core.platforms.common_fields import spans_of

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
    found, problems = settle_all(facts, asked)
    return outcome_of(found, (), problems, otherwise="an empty batch")


def _fact(answer: object, dataset: str | None, asked: DecodeContext) -> Fact | Malformed:
    if isinstance(answer, Malformed) or not isinstance(answer, dict):
        return answer if isinstance(answer, Malformed) else Malformed(f"it is {kind_of(answer)}; an object is wanted")
    project = dataset or identifier(answer.get("_dataset")) or asked.platform_project or NAME
    settings = asked.settings_of(project)
    kind = answer.get("answer")
    label = _label(answer) if kind == "accept" else _refused(answer)
    if kind not in ("accept", "reject", "ignore") or isinstance(label, Malformed):
        return label if isinstance(label, Malformed) else Malformed("its 'answer' is none of accept, reject, ignore")
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
        action=Action.SKIPPED if kind == "ignore" or label is None else Action.CREATED,
        label=label,
        occurred_at=moment_of_seconds(answer.get("_timestamp")),
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
    proposed = isinstance(label, str) and "options" not in answer and "spans" not in answer
    return f"{_NOT}{label}" if proposed and answer.get("answer") == "reject" else None


def _label(answer: JsonFields) -> object:
    """Return the label of an accepted answer: options, spans of text, shapes on an image, or the proposed label."""
    chosen = answer.get("accept")
    if isinstance(chosen, list):
        words = [identifier(one) for one in chosen]
        several = _several(answer)
        if None in words:
            return Malformed("an accepted option is neither text nor number")
        return words if several or len(words) > 1 else next(iter(words), None)
    if isinstance(answer.get("spans"), list):
        return _shapes(listing(answer["spans"])) if "image" in answer else _spans(answer["spans"])
    label = answer.get("label")
    return label if isinstance(label, str) else Malformed("it accepts no option, no span and no label")


def _several(answer: JsonFields) -> bool:
    """Return whether several options may be chosen, according to the task's `config`."""
    return fields(answer.get("config")).get("choice_style") == "multiple"


def _spans(spans: object) -> object:
    found = spans_of(spans)
    return Malformed("a span has no start, end or label") if found is None else found


def _shapes(spans: object) -> object:
    boxes: list[JsonFields] = []
    for span in map(fields, listing(spans)):
        x, y, width, height = (number(span.get(name)) for name in ("x", "y", "width", "height"))
        points = points_of(span.get("points"))
        if not isinstance(span.get("label"), str):
            return Malformed("a shape has no label")
        if x is not None and y is not None and width is not None and height is not None:
            boxes.append({**a_box(x, y, width, height), "label": span["label"]})
        elif points is not None:
            boxes.append({**bounding_box(points), "label": span["label"]})
        else:
            return Malformed("a shape has no points")
    return boxes
