"""The parts of the OpenAPI description that all routes of the query API share."""

from typing import Annotated, Any

from fastapi import Query, Response

from assay_services.stores.archive.queries.pagination import LARGEST_PAGE

AFTER = Annotated[str | None, Query(max_length=2_000, description="The cursor `next` of the previous page.")]
LIMIT = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Maximum number of rows.")]
_COMMON: list[dict[str, Any]] = [
    {
        "name": "fields",
        "in": "query",
        "schema": {"type": "string"},
        "description": "Return only these fields, e.g. `item,label`.",
    },
    {
        "name": "format",
        "in": "query",
        "schema": {"enum": ["json", "ndjson", "csv", "parquet"]},
        "description": "Format of the response. Default: by `Accept`.",
    },
    {
        "name": "If-None-Match",
        "in": "header",
        "schema": {"type": "string"},
        "description": "The `ETag` of an earlier response.",
    },
]
_EXAMPLE = {"data": [{"item": "i-204", "label": "scam", "probability": 0.97, "votes": 3}], "next": None}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows, and the cursor of the next page.",
        "content": {"application/json": {"example": _EXAMPLE}, "application/x-ndjson": {}, "text/csv": {}},
    },
    304: {"description": "Unchanged since the given `ETag`."},
    401: {"description": "No session and no API key."},
    403: {"description": "The role is not sufficient."},
    404: {"description": "Not found."},
    422: {"description": "A parameter is not valid: `field` names it, `expected` describes valid values."},
    503: {"description": "The archive is unavailable."},
}
SHOWN: dict[str, Any] = {"responses": _ANSWERS, "openapi_extra": {"parameters": _COMMON}, "response_class": Response}
"""The common parameters and responses of all routes."""
