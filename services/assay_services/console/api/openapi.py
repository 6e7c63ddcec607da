"""How the query API describes itself: what all questions share."""

from typing import Annotated, Any

from fastapi import Query, Response

from assay_services.stores.archive.queries.pagination import LARGEST_PAGE

AFTER = Annotated[str | None, Query(max_length=2_000, description="The cursor `next` of the page before.")]
LIMIT = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Rows at most.")]
_COMMON: list[dict[str, Any]] = [
    {"name": "fields", "in": "query", "schema": {"type": "string"}, "description": "Only these, e.g. `item,label`."},
    {
        "name": "format",
        "in": "query",
        "schema": {"enum": ["json", "ndjson", "csv", "parquet"]},
        "description": "Else `Accept` decides.",
    },
    {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}, "description": "An `ETag` you have."},
]
_EXAMPLE = {"data": [{"item": "i-204", "label": "scam", "probability": 0.97, "votes": 3}], "next": None}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Rows, and the cursor of those that follow.",
        "content": {"application/json": {"example": _EXAMPLE}, "application/x-ndjson": {}, "text/csv": {}},
    },
    304: {"description": "Nothing has changed."},
    401: {"description": "Neither a session nor an API key."},
    403: {"description": "The role does not suffice."},
    404: {"description": "There is nothing of that name."},
    422: {"description": "A parameter is wrong: `field` says which, `expected` what would be right."},
    503: {"description": "The archive is away."},
}
SHOWN: dict[str, Any] = {"responses": _ANSWERS, "openapi_extra": {"parameters": _COMMON}, "response_class": Response}
"""What every question takes and how it may be answered."""
