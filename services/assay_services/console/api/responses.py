"""Responses of the query API: fields, formats, entity tags, and errors."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import orjson
from fastapi import Request, Response

from assay_services.console.api.formats import MEDIA, chosen, written
from assay_services.web.problems import ProblemError, RequestProblem


def answer(request: Request, rows: Sequence[Any], *, following: str | None = None) -> Response:
    """Return rows as the request wants them: `fields`, `format` or `Accept`, `If-None-Match`."""
    query = request.query_params
    format_ = chosen(query.get("format"), request.headers.get("accept", ""))
    if format_ is None:
        known = ", ".join(MEDIA)
        raise ProblemError(RequestProblem(422, f"unknown format '{query['format']}'", "format", f"one of: {known}"))
    records = _only([_plain(one) for one in rows], query.get("fields"))
    body = written(records, format_, following=following)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, Cookie"}
    if following is not None:
        headers["X-Next-Cursor"] = following
    if tag in {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers=headers)
    if format_ in {"csv", "parquet"}:
        name = request.url.path.rsplit("/", 1)[-1]
        headers["Content-Disposition"] = f'attachment; filename="{name}.{format_}"'
    return Response(body, media_type=MEDIA[format_], headers=headers)


def not_found(field: str, expected: str) -> ProblemError:
    """Return the error for a name that does not exist."""
    return ProblemError(RequestProblem(404, f"no such {field}", field, expected))


def _plain(one: Any) -> dict[str, Any]:  # noqa: ANN401  # a row of any subject
    row: dict[str, Any] = asdict(one) if is_dataclass(one) else one  # type: ignore[arg-type]  # a value, not a class
    plain: dict[str, Any] = orjson.loads(orjson.dumps(row))
    return plain


def _only(records: Sequence[dict[str, Any]], fields: str | None) -> Sequence[dict[str, Any]]:
    if not fields or not records:
        return records
    names = [name.strip() for name in fields.split(",") if name.strip()]
    unknown = [name for name in names if name not in records[0]]
    if unknown:
        known = ", ".join(records[0])
        raise ProblemError(RequestProblem(422, f"unknown field '{unknown[0][:80]}'", "fields", f"some of: {known}"))
    return [{name: record[name] for name in names} for record in records]
