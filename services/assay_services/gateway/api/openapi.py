"""The gateway's OpenAPI document, and the models of its responses."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from assay_schemas.annotation import Annotation, ProjectId
from assay_services.gateway.api.annotations import an_example
from assay_services.stores.control.tables.connections_and_keys import Connection

DESCRIPTION = """
Annotations come in here: sent by API, or delivered by the webhooks of labelling platforms. What is answered with 2xx is
durable. Sending the same again changes nothing: an annotation's id follows from its content where none is given.
"""


class ProblemView(BaseModel):
    """Why a request was refused, and what to do."""

    error: str


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ProblemView, "description": _MEANING[status]} for status in statuses}


_MEANING = {
    400: "The body is no JSON.",
    401: "No API key, or one that is not known; of a hook: no valid signature.",
    403: "The API key may not do this.",
    404: "There is no such connection.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "The content type is not one of ours.",
    422: "Nothing in it is an annotation.",
    429: "Too many requests from this key; `Retry-After` says when to come again.",
    503: "Kafka is away and the spool is full, or too many requests at once; `Retry-After` says when to come again.",
}
READY: dict[int | str, dict[str, Any]] = {200: {"description": "Kafka may be away: then records wait on disk."}}
READ_ANSWERS = _refusals(401, 403, 429, 503)
ANNOTATIONS_ANSWERS = {**_refusals(400, 401, 403, 408, 413, 415, 429, 503), 422: {"description": _MEANING[422]}}
HOOK_ANSWERS = _refusals(401, 404, 408, 413, 422, 429, 503)
ANNOTATIONS_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"type": ["object", "array"], "description": f"One annotation or many. {Annotation.__doc__}"},
            "examples": {"one": {"value": an_example()}, "many": {"value": [an_example()]}},
        },
        "application/x-ndjson": {"schema": {"type": "string", "description": "One annotation a line."}},
    },
}
HOOK_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": {}}, "application/x-www-form-urlencoded": {"schema": {}}},
}


class ConnectionView(BaseModel):
    """A connection without its secrets.

    `lag_seconds`: seconds since the last poll. `recovered`: annotations that only reconciliation found. `unread`: parts
    that were left out of annotations, by tag or shape.
    """

    name: str
    platform: str
    project: ProjectId
    platform_project: str | None
    last_event_at: datetime | None
    polled_at: datetime | None
    lag_seconds: float | None
    webhooks: int
    recovered: int
    duplicates: int
    refused: int
    write_back: bool
    problem: str | None
    unread: dict[str, int]

    @classmethod
    def of(cls, connection: Connection, *, now: datetime, unread: Mapping[str, int]) -> "ConnectionView":
        """Return the view of a connection."""
        polled = connection.polled_at
        return cls(
            **connection.model_dump(include=set(cls.model_fields) - {"lag_seconds", "unread"}),
            unread=dict(unread),
            lag_seconds=None if polled is None else round((now - polled).total_seconds(), 1),
        )
