"""Exports that the gateway's decoders read row by row: doccano, Prodigy, Ground Truth, Labelbox, Argilla."""

import json
from collections.abc import Iterator, Mapping

from assay_services.gateway.core.decode_result import PlatformDelivery
from assay_services.gateway.core.platforms import argilla, doccano, ground_truth, labelbox, prodigy
from assay_services.gateway.core.platforms.coercion import JsonFields, Malformed, fields, identifier, listing
from assay_services.ingest.platform_exports.export_context import NO_ANNOTATION, ExportContext, Found

_METADATA = "-metadata"
_DOCCANO_PARTS = ("categories", "spans", "texts", "bboxes")


def is_doccano(value: JsonFields) -> bool:
    """Return whether a value is a row of doccano's export, or an example of its API."""
    own = isinstance(value.get("label"), list) or isinstance(value.get("entities"), list)
    return "id" in value and ("text" in value or "data" in value) and (own or _is_polled(value))


def _is_polled(value: JsonFields) -> bool:
    return any(isinstance(value.get(name), list) for name in _DOCCANO_PARTS)


def is_prodigy(value: JsonFields) -> bool:
    """Return whether a value is an answer of Prodigy."""
    return "answer" in value and ("_task_hash" in value or "_input_hash" in value)


def is_ground_truth(value: JsonFields) -> bool:
    """Return whether a value is a line of an output manifest."""
    return ("source" in value or "source-ref" in value) and any(f"{name}{_METADATA}" in value for name in value)


def is_labelbox(value: JsonFields) -> bool:
    """Return whether a value is a data row of a streaming export."""
    return isinstance(value.get("data_row"), dict) and isinstance(value.get("projects"), dict)


def is_argilla(value: JsonFields) -> bool:
    """Return whether a value is a record of Argilla."""
    return isinstance(value.get("fields"), dict) and isinstance(value.get("responses"), list | dict)


def read_doccano(value: JsonFields, context: ExportContext) -> Iterator[Found]:
    """Yield the annotation of a row. An exported row names nobody, unless the project shows it."""
    named = value.get("user") is not None or value.get("username") is not None
    if not named and not _is_polled(value):
        context.annotator("doccano's export")
    return context.decoded(doccano.decode(_sent(value), context.asked()))


def read_prodigy(value: JsonFields, context: ExportContext) -> Iterator[Found]:
    """Yield the annotation of an answer."""
    if value.get("_annotator_id") is None and value.get("_session_id") is None:
        context.annotator("Prodigy's dataset")
    return context.decoded(prodigy.decode(_sent(value), context.asked()))


def read_ground_truth(value: JsonFields, context: ExportContext) -> Iterator[Found]:
    """Yield the annotations of a manifest's line: one for each label attribute."""
    return context.decoded(ground_truth.decode(_sent(value), context.asked()))


def read_labelbox(value: JsonFields, context: ExportContext) -> Iterator[Found]:
    """Yield the annotations of a data row: one for each label."""
    count = 0
    for project, held in fields(value.get("projects")).items():
        for label in listing(fields(held).get("labels")):
            count += 1
            one = {**value, "projects": {project: {"labels": [label]}}}
            yield from context.decoded(labelbox.decode_row(one, context.asked()))
    if not count:
        context.notes[NO_ANNOTATION] += 1


def read_argilla(value: JsonFields, context: ExportContext) -> Iterator[Found]:
    """Yield the annotations of a record: one for each person who responded."""
    responses = _responses(value)
    if not responses:
        context.notes[NO_ANNOTATION] += 1
    for response in responses:
        one = {**value, "responses": [response]}
        found = argilla.decode_record(one, {"id": context.path.stem}, context.asked())
        yield from found.annotations
        if found.annotations:
            context.notes.update(found.problems)
        elif found.problems:
            yield Malformed("; ".join(found.problems))


def _responses(record: JsonFields) -> list[JsonFields]:
    """Return the responses in the API's form: the export of the SDK has them by question, and without ids."""
    held = record.get("responses")
    if isinstance(held, list):
        return [{"id": f"{identifier(record.get('id'))}/{one.get('user_id')}", **one} for one in map(fields, held)]
    by_user: dict[str, dict[str, object]] = {}
    status: dict[str, object] = {}
    for question, answers in fields(held).items():
        for answer in map(fields, listing(answers)):
            user = identifier(answer.get("user_id")) or identifier(answer.get("user")) or ""
            by_user.setdefault(user, {})[question] = {"value": answer.get("value")}
            status[user] = answer.get("status", "submitted")
    name = identifier(record.get("id")) or identifier(record.get("_server_id"))
    return [
        {"id": f"{name}/{user}", "user_id": user or None, "values": values, "status": status[user]}
        for user, values in by_user.items()
    ]


def _sent(value: Mapping[str, object]) -> PlatformDelivery:
    return PlatformDelivery(json.dumps(value).encode())
