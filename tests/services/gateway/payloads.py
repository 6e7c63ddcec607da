"""What each platform sends, one good example of each sort, and Label Studio's changed as asked."""

import json
from typing import Any
from urllib.parse import urlencode

from assay_schemas.json_data import Json
from assay_services.gateway.core.decode_result import DecodeContext, PlatformDelivery, Settings
from assay_services.gateway.core.platforms.field_mapping import FieldMapping
from tests.support.builders import NOW

TEXT_CONFIG = (
    '<View><Text name="text" value="$text"/>'
    '<Choices name="sentiment" toName="text"><Choice value="Positive"/><Choice value="Negative"/></Choices></View>'
)
SECRETS = ("0f3aPROJECTTOKEN77", "storage-login-77", "storage-pass-77")
"""What a Label Studio payload carries beside the annotation and must never come out again."""


def asked(**changes: Json) -> DecodeContext:
    settings = Settings(**{key: changes.pop(key) for key in list(changes) if key in Settings.__slots__})
    fields: dict[str, Any] = {"project": None, "now": NOW, "default": settings, **changes}
    return DecodeContext(**fields)


def sent(body: object, **headers: str) -> PlatformDelivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PlatformDelivery(raw, {name.replace("_", "-"): value for name, value in headers.items()})


def region(kind: str, value: dict[str, Any], *, name: str = "sentiment", **more: object) -> dict[str, Any]:
    return {"id": "c1", "from_name": name, "to_name": "text", "type": kind, "value": value} | more


def choices(*words: str, name: str = "sentiment") -> dict[str, Any]:
    return region("choices", {"choices": list(words)}, name=name)


def ls_annotation(*result: dict[str, Json], **changes: Json) -> dict[str, Json]:
    return {
        "id": 2,
        "result": list(result) or [choices("Negative")],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-11-24T02:51:10.440802Z",
        "updated_at": "2026-11-24T02:51:10.440845Z",
        "lead_time": 7.421,
        "prediction": {},
        "unique_id": "1af15fea-2912-4043-9bd9-f1659b4ad78d",
        "task": 1,
        "project": 1,
        "completed_by": 7,
        "updated_by": 7,
    } | changes


def ls_task(**changes: Json) -> dict[str, Json]:
    data = {"text": "The delivery was late", "external_id": "T-0"}
    return {"id": 1, "data": data, "meta": {}, "overlap": 2, "project": 1} | changes


def ls_project(config: str = TEXT_CONFIG) -> dict[str, Any]:
    token, login, password = SECRETS
    return {
        "id": 1,
        "title": "Tickets",
        "label_config": config,
        "token": token,
        "task_data_login": login,
        "task_data_password": password,
    }


def ls_hook(*result: dict[str, Json], action: str = "ANNOTATION_CREATED", **changes: Json) -> dict[str, Json]:
    project = ls_project(changes.pop("config", TEXT_CONFIG))
    task = changes.pop("task", ls_task())
    return {"action": action, "annotation": ls_annotation(*result, **changes), "task": task, "project": project}


def argilla_hook(kind: str = "response.updated", **changes: Json) -> dict[str, Json]:
    questions = [
        {"name": "sentiment", "settings": {"type": "label_selection"}},
        {"name": "note", "settings": {"type": "text"}},
    ]
    response = {
        "id": "3c1f",
        "values": {"sentiment": {"value": "neg"}, "note": {"value": "late"}},
        "status": "submitted",
        "record": {
            "id": "9b2e",
            "status": "pending",
            "fields": {"text": "The delivery was late"},
            "metadata": {"lang": "en"},
            "external_id": "T-1",
            "dataset": {"id": "d5aa", "name": "tickets", "questions": questions},
        },
        "user": {"id": "u-ada", "username": "ada", "role": "annotator"},
        "inserted_at": "2026-11-24T02:59:00.000001",
        "updated_at": "2026-11-24T03:00:02.300000",
    }
    return {"type": kind, "version": 1, "timestamp": "2026-11-24T03:00:02.327695Z", "data": response | changes}


CVAT_HOOK: dict[str, Any] = {
    "event": "update:job",
    "job": {"id": 31, "task_id": 12, "project_id": 4, "assignee": {"id": 9, "username": "bo"}, "type": "annotation"},
    "before_update": {"updated_date": "2026-11-24T02:00:00Z"},
    "webhook_id": 2,
    "sender": {"id": 9, "username": "bo"},
}
LABELBOX_HOOK: dict[str, Any] = {
    "id": "lb-1",
    "project": {"id": "p-1", "name": "tickets"},
    "data_row": {"id": "row-1", "global_key": "T-1", "external_id": "t1.txt", "row_data": "The delivery was late"},
    "created_by": "ada@example.com",
    "created_at": "2026-11-24T02:00:00Z",
    "updated_at": "2026-11-24T02:05:00Z",
    "annotations": {"objects": [], "classifications": [{"name": "sentiment", "radio_answer": {"name": "neg"}}]},
}
TOLOKA_HOOK: dict[str, Any] = {
    "events": [
        {"uuid": "e1", "event_time": "2026-11-24T02:00:00", "type": "ASSIGNMENT_SUBMITTED", "assignment_id": "as-1"},
        {"uuid": "e2", "event_time": "2026-11-24T02:00:01", "type": "ASSIGNMENT_CREATED", "assignment_id": "as-2"},
        {"uuid": "e3", "event_time": "2026-11-24T02:00:02", "type": "POOL_CLOSED", "pool_id": "pool-1"},
    ]
}
SCALE_HOOK: dict[str, Any] = {
    "task": {
        "task_id": "576c41bf",
        "type": "categorization",
        "status": "completed",
        "created_at": "2026-11-24T01:00:00.573Z",
        "completed_at": "2026-11-24T02:00:00.904Z",
        "params": {"attachment_type": "text", "attachment": "tomato", "categories": ["red", "blue"]},
        "metadata": {"market": "BR"},
    },
    "response": {"category": "red"},
    "task_id": "576c41bf",
}
APPEN_UNIT: dict[str, Any] = {
    "id": 55,
    "job_id": 8,
    "data": {"text": "The delivery was late", "market": "BR"},
    "results": {
        "judgments": [
            {
                "id": 901,
                "unit_id": 55,
                "job_id": 8,
                "worker_id": 77,
                "started_at": "2026-11-24T02:00:00+00:00",
                "created_at": "2026-11-24T02:00:09+00:00",
                "data": {"sentiment": "neg"},
            }
        ]
    },
}
PRODIGY_ANSWERS: dict[str, Any] = {
    "dataset": "tickets",
    "answers": [
        {
            "text": "The delivery was late",
            "options": [{"id": "pos"}, {"id": "neg"}],
            "accept": ["neg"],
            "answer": "accept",
            "_input_hash": -11,
            "_task_hash": -22,
            "_session_id": "tickets-ada",
            "_annotator_id": "ada",
            "_timestamp": 1_795_480_000,
            "_view_id": "choice",
            "meta": {"market": "BR"},
        }
    ],
}
DOCCANO_ROW: dict[str, Any] = {
    "id": 3,
    "text": "The delivery was late",
    "meta": {"market": "BR"},
    "categories": [
        {"id": 1, "uuid": "a", "user": 5, "label": "neg", "manual": True, "updated_at": "2026-11-24T02:00:00Z"},
        {"id": 2, "uuid": "b", "user": 6, "label": "pos", "manual": True, "updated_at": "2026-11-24T02:01:00Z"},
    ],
}
GROUND_TRUTH_LINE: dict[str, Any] = {
    "source-ref": "s3://bucket/late.png",
    "sentiment": 1,
    "sentiment-metadata": {
        "class-name": "neg",
        "confidence": 0.94,
        "type": "groundtruth/image-classification",
        "job-name": "labeling-job/tickets",
        "human-annotated": "yes",
        "creation-date": "2026-11-24T02:00:00.000000",
    },
}
GENERIC_MAPPING = FieldMapping.model_validate(
    {
        "events": "events[]",
        "only_when": "kind == 'label'",
        "project": "queue",
        "annotation": "uid",
        "item": {"id": "doc.id", "text": "doc.body", "gold": "doc.known", "attributes": {"market": "doc.market"}},
        "annotator": "by.login",
        "label": "verdict",
        "action": "what",
        "actions": {"submit": "created", "undo": "deleted"},
        "occurred_at": "at",
        "time_unit": "milliseconds",
    }
)
GENERIC_HOOK: dict[str, Any] = {
    "events": [
        {
            "kind": "label",
            "queue": "tickets",
            "uid": "g-1",
            "doc": {"id": "T-1", "body": "The delivery was late", "market": "BR"},
            "by": {"login": "ada"},
            "verdict": "neg",
            "what": "submit",
            "at": 1_795_480_000_000,
        },
        {"kind": "heartbeat"},
    ]
}


def appen_form(signal: str, payload: object, signature: str = "") -> bytes:
    return urlencode({"signal": signal, "payload": json.dumps(payload), "signature": signature}).encode()


GOOD: dict[str, list[PlatformDelivery]] = {
    "label-studio": [
        sent(ls_hook()),
        sent(ls_hook(region("labels", {"start": 4, "end": 12, "text": "delivery", "labels": ["THING"]}, name="n"))),
        sent(
            ls_hook(
                region(
                    "rectanglelabels",
                    {"x": 10, "y": 20, "width": 5, "height": 5, "rotation": 30, "rectanglelabels": ["car"]},
                    original_width=640,
                    original_height=480,
                ),
                region(
                    "polygonlabels",
                    {"points": [[1, 2], [3, 4], [5, 1]], "polygonlabels": ["car"]},
                    original_width=640,
                    original_height=480,
                ),
            )
        ),
        sent(ls_hook(region("taxonomy", {"taxonomy": [["a", "b"], ["c"]]}), region("rating", {"rating": 3}))),
        sent({"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 2}, {"id": 3}], "project": {"id": 1}}),
        sent({"action": "TASKS_DELETED", "tasks": [{"id": 1}], "project": {"id": 1}}),
        sent({"action": "ANNOTATIONS_CREATED", "annotation": [ls_annotation()], "task": [ls_task()]}),
    ],
    "argilla": [sent(argilla_hook()), sent(argilla_hook("response.deleted")), sent(argilla_hook("record.updated"))],
    "cvat": [sent(CVAT_HOOK)],
    "labelbox": [sent(LABELBOX_HOOK, x_labelbox_event="LABEL_UPDATED")],
    "toloka": [sent(TOLOKA_HOOK)],
    "scale": [sent(SCALE_HOOK)],
    "appen": [sent(appen_form("unit_complete", APPEN_UNIT))],
    "prodigy": [sent(PRODIGY_ANSWERS)],
    "doccano": [sent([DOCCANO_ROW]), sent(b'{"id": 1, "text": "x", "label": [[0, 1, "A"]], "user": 1}\n{"id": 2}\n')],
    "ground-truth": [sent(GROUND_TRUTH_LINE)],
    "generic": [sent(GENERIC_HOOK)],
}
"""At least one good delivery of every platform."""
