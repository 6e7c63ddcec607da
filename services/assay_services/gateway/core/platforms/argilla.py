"""Argilla: decode webhooks and API records into annotations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

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
from assay_services.gateway.core.platforms.annotation_facts import NOTHING_MARKED, Fact, deletions, settle, settle_all
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    at,
    attributes,
    fields,
    identifier,
    kind_of,
    listing,
    moment,
    number,
    parse_object,
    quoted,
    text,
    text_or_empty,
    whole,
)
from assay_services.gateway.core.unread_part import UnreadPart

NAME = "argilla"
_REMARK, _RANKING, _SPANS = "text", "ranking", "span"
_DATASET_AT = {"response": "record.dataset.id", "record": "dataset.id", "dataset": "id"}
_OF_NO_CONCERN = {"ping", "dataset.created", "dataset.updated", "dataset.published", "record.completed"}


@dataclass(frozen=True, slots=True)
class _ArgillaResponse:
    label: object
    notes: tuple[str, ...] = ()
    unread: tuple[UnreadPart, ...] = ()


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode a webhook delivery."""
    body = parse_object(delivery.raw)
    if isinstance(body, Malformed):
        return Rejected(body.reason)
    kind, data = body.get("type"), fields(body.get("data"))
    if not isinstance(kind, str):
        return Rejected("the body has no 'type'; it is no webhook of Argilla")
    if kind in _OF_NO_CONCERN:
        return Nothing(f"{kind} says nothing about annotations")
    if kind not in _DECODERS:
        return Rejected(f"Argilla has no event {quoted(kind)}")
    dataset = identifier(at(data, _DATASET_AT[kind.partition(".")[0]]))
    if asked.platform_project is not None and dataset not in (None, asked.platform_project):
        return Nothing("it is about another dataset: the webhooks of Argilla are the server's")
    return _DECODERS[kind](data, body, asked)


def decode_record(record: JsonFields, dataset: JsonFields, asked: DecodeContext) -> Annotations:
    """Decode one record of the API with its `responses`, which identify users by `user_id`."""
    facts: list[tuple[str, Fact | Malformed]] = []
    for response in map(fields, listing(record.get("responses"))):
        if not is_submitted(response):
            continue
        created, updated = moment(response.get("inserted_at")), moment(response.get("updated_at"))
        action = Action.CREATED if created == updated else Action.UPDATED
        facts.append((_name(response), _read(response, {**record, "dataset": dataset}, {}, asked, action=action)))
    return settle_all(facts, asked).outcome()


def _name(response: JsonFields) -> str:
    return f"response {identifier(response.get('id')) or 'without an id'}"


def item_id(record: JsonFields, asked: DecodeContext) -> str | None:
    """Return the id of a record's item in Assay, or None if it has none."""
    own = asked.default.item_field
    return identifier(record.get("id")) if own is None else identifier(at(record, own))


def is_submitted(response: JsonFields) -> bool:
    """Return whether a response was submitted and is not a draft."""
    return response.get("status") != "draft"


def _whole(data: JsonFields, body: JsonFields, asked: DecodeContext, *, resource: str) -> DecodeResult:
    """Request a record or a dataset: responses imported with records have no events of their own."""
    kind = body.get("type")
    wanted = identifier(data.get("id"))
    if wanted is None:
        return Rejected(f"the {resource} of {kind} has no id")
    source = identifier(at(data, "dataset.id"))
    held = asked.held(wanted) if kind == "record.deleted" else ()
    gone = deletions(NAME, held, asked, source_project=source)
    if gone[0] or gone[1]:
        return outcome_of(*gone, (), otherwise="the record was deleted")
    return Fetch((FetchTarget(resource, wanted),), f"{kind} does not say what became of the responses")


def _response(data: JsonFields, body: JsonFields, asked: DecodeContext, *, action: Action) -> DecodeResult:
    if not is_submitted(data):
        return _draft(data, asked)
    if text_or_empty(data.get("status")) not in {"submitted", "discarded"}:
        return Rejected("the response's status is none of draft, submitted, discarded")
    read = _read(data, fields(data.get("record")), body, asked, action=action)
    return settle_all([(_name(data), read)], asked).result(otherwise="the response says nothing")


def _draft(data: JsonFields, asked: DecodeContext) -> DecodeResult:
    """Delete a submitted response that is a draft again. A draft that arrives late deletes nothing."""
    response, changed = identifier(data.get("id")), moment(data.get("updated_at"))
    known = None if response is None else asked.known(response)
    if response is None or known is None or known.occurred_at is None or changed is None:
        return Nothing("a draft")
    if changed <= known.occurred_at:
        return Nothing("a draft from before it was submitted")
    source = identifier(at(data, "record.dataset.id"))
    found, _ = deletions(NAME, [response], asked, source_project=source, may_return=True)
    return outcome_of(found, (), (), otherwise="a draft")


def _response_deleted(data: JsonFields, body: JsonFields, asked: DecodeContext) -> DecodeResult:
    """Delete a known response; for an unknown one use the event's own fields, unless it was a draft."""
    response = identifier(data.get("id"))
    if response is None:
        return Rejected("the response has no id")
    source = identifier(at(data, "record.dataset.id"))
    known, unknown = deletions(NAME, [response], asked, source_project=source)
    if known or data.get("status") == "draft":
        return outcome_of(known, (), (), otherwise="a draft")
    said = _fact(data, fields(data.get("record")), body, asked, _ArgillaResponse(None), Action.DELETED)
    read = said if isinstance(said, Malformed) else settle(said, asked)
    return Fetch(tuple(unknown), read.reason) if isinstance(read, Malformed) else Annotations((read,))


def _read(
    response: JsonFields, record: JsonFields, body: JsonFields, asked: DecodeContext, *, action: Action
) -> Fact | Malformed:
    discarded = response.get("status") == "discarded"
    settings = asked.settings_of(identifier(at(record, "dataset.id")))
    answer = _ArgillaResponse(None) if discarded else _answer(response, record, settings)
    if isinstance(answer, Malformed):
        return answer
    return _fact(response, record, body, asked, answer, Action.SKIPPED if discarded else action)


def _fact(
    response: JsonFields,
    record: JsonFields,
    body: JsonFields,
    asked: DecodeContext,
    answer: _ArgillaResponse,
    action: Action,
) -> Fact | Malformed:
    source = identifier(at(record, "dataset.id"))
    settings = asked.settings_of(source)
    own = settings.item_field
    item_id = identifier(record.get("id")) if own is None else identifier(at(record, own))
    if item_id is None:
        return Malformed(f"the record has no {quoted(own or 'id')} that could be the item's id")
    at_sending = moment(body.get("timestamp"))
    changed = at_sending if action is Action.DELETED else moment(response.get("updated_at")) or at_sending
    named = {"external_id": record.get("external_id")} if own != "external_id" else {}
    return Fact(
        platform=NAME,
        annotation=identifier(response.get("id")),
        project=source,
        item={
            "id": item_id,
            "text": _text(record, settings),
            "attributes": attributes(named, fields(record.get("metadata")), chosen=settings.attributes),
        },
        annotator=identifier(at(response, "user.id")) or identifier(response.get("user_id")),
        action=action,
        label=answer.label,
        occurred_at=changed,
        created_at=moment(response.get("inserted_at")),
        thing=identifier(record.get("id")),
        unread=answer.unread,
        notes=answer.notes,
    )


def _text(record: JsonFields, settings: Settings) -> str | None:
    """Return the chosen field, else `text`, else the record's only text."""
    own = fields(record.get("fields"))
    named = own.get(settings.text_field or "text")
    texts = [value for value in own.values() if isinstance(value, str)]
    return text(named) or (text(texts[0]) if len(texts) == 1 else None)


def _answer(response: JsonFields, record: JsonFields, settings: Settings) -> _ArgillaResponse | Malformed:
    values = fields(response.get("values"))
    kinds = _kinds(record)
    if settings.controls:
        named = [name for name in settings.controls if name in values or name in kinds]
        return _value(named[0], values) if named else Malformed("there is none of the questions named in the settings")
    order = [name for name in kinds if name in values] + [name for name in values if name not in kinds]
    read = [name for name in order if kinds.get(name) != _RANKING]
    unread = tuple(UnreadPart(_RANKING, f"the ranking {quoted(name)}") for name in order if name not in read)
    main = [name for name in read if kinds.get(name) != _REMARK] or read
    if not main and unread:
        return Malformed("it holds only what is not read: a ranking")
    if not main:
        return _ArgillaResponse(NOTHING_MARKED if _SPANS in kinds.values() or not kinds else None)
    answer = _value(main[0], values)
    if isinstance(answer, Malformed):
        return answer
    if len(main) == 1:
        return replace(answer, unread=unread)
    chosen = f"of the questions {', '.join(map(quoted, main))} the first is taken; name one in the settings"
    return _ArgillaResponse(answer.label, (chosen,), unread)


def _kinds(record: JsonFields) -> Mapping[str, str]:
    """Return the dataset's questions in order, with their types if known."""
    found: dict[str, str] = {}
    for question in map(fields, listing(at(record, "dataset.questions"))):
        name, kind = question.get("name"), at(question, "settings.type")
        if isinstance(name, str):
            found[name] = kind if isinstance(kind, str) else ""
    return found


def _value(question: str, values: JsonFields) -> _ArgillaResponse | Malformed:
    value = at(values.get(question), "value")
    if value is None or isinstance(value, str):
        return _ArgillaResponse(value)
    exact = number(value) if whole(value) is None else whole(value)
    if exact is not None:
        return _ArgillaResponse(exact)
    parts = listing(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in parts):
        return _ArgillaResponse(parts)
    spans = _spans(parts)
    return (
        _ArgillaResponse(spans)
        if spans
        else Malformed(f"the answer to {quoted(question)} is {kind_of(value)} that is not read")
    )


def _spans(parts: Sequence[object]) -> Sequence[JsonFields] | None:
    """Read spans; their offsets count code points, as the server checks them."""
    found = [{name: fields(part).get(name) for name in ("start", "end", "label")} for part in parts]
    return found if all(None not in one.values() for one in found) else None


_DECODERS: Mapping[str, Callable[[JsonFields, JsonFields, DecodeContext], DecodeResult]] = {
    "response.created": partial(_response, action=Action.CREATED),
    "response.updated": partial(_response, action=Action.UPDATED),
    "response.deleted": _response_deleted,
    "record.created": partial(_whole, resource="record"),
    "record.updated": partial(_whole, resource="record"),
    "record.deleted": partial(_whole, resource="record"),
    "dataset.deleted": partial(_whole, resource="dataset"),
}
