"""Query API of the operations: alerts, deliveries, reviews, services, dead letters."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from assay_schemas.alert import Alert
from assay_schemas.annotation import ALL_PROJECTS, AnnotatorId, ProjectId
from assay_schemas.json_data import Json
from assay_services.console.api.openapi import AFTER, LIMIT, SHOWN
from assay_services.console.api.responses import answer
from assay_services.console.auth.sessions import Viewer
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.console.reviews.review_queue import candidates
from assay_services.stores.archive.queries.dead_letters import DeadLetter, read_dead
from assay_services.stores.control import alert_actions
from assay_services.stores.control.tables.alert_delivery import Fate

_MOST_LETTERS = 100
_Maybe = Annotated[str | None, Query(max_length=256)]
_MaybeProject = Annotated[ProjectId | None, Query(max_length=256)]
_WHO = frozenset({"annotator", "peer"})


def add_running(app: FastAPI, parts: ConsoleDependencies) -> None:
    """Add the routes."""
    _add_alerts(app, parts)
    _add_system(app, parts)

    @app.get("/api/v1/reviews", tags=["reviews"], summary="Items waiting for review, highest priority first", **SHOWN)
    async def reviews(
        request: Request, project: Annotated[ProjectId, Query(max_length=256)] = ALL_PROJECTS, limit: LIMIT = 100
    ) -> Response:
        waiting = await run_in_threadpool(lambda: list(islice(candidates(parts.archive, project), limit)))
        return answer(request, [one._asdict() for one in waiting])


def _add_alerts(app: FastAPI, parts: ConsoleDependencies) -> None:
    @app.get("/api/v1/alerts", tags=["alerts"], summary="Alerts, newest first", **SHOWN)
    async def alerts(
        request: Request,
        project: _MaybeProject = None,
        rule: _Maybe = None,
        *,
        resolved: bool = False,
        limit: LIMIT = 100,
    ) -> Response:
        current = await run_in_threadpool(
            alert_actions.list_alerts, parts.control, project=project, rule=rule, resolved=resolved, limit=limit
        )
        viewer: Viewer = request.state.viewer
        return answer(request, [shown_to(viewer, parts, one) for one in current])

    @app.get("/api/v1/deliveries", tags=["alerts"], summary="Deliveries to subscribers, newest first", **SHOWN)
    async def deliveries(
        request: Request, fate: Fate | None = None, subscription: _Maybe = None, limit: LIMIT = 100
    ) -> Response:
        rows = await run_in_threadpool(
            alert_actions.list_deliveries, parts.control, fate=fate, subscription=subscription, limit=limit
        )
        return answer(request, [one.model_dump(mode="json", exclude={"body"}) for one in rows])


def shown_to(viewer: Viewer, parts: ConsoleDependencies, alert: Alert) -> dict[str, Any]:
    """Return an alert, with pseudonyms wherever it names annotators if the viewer may not see names."""
    plain: dict[str, Any] = alert.model_dump(mode="json")
    if parts.naming.sees_names(viewer):
        return plain
    names = {value for name, value in alert.labels.items() if name in _WHO} | set(_named(plain["evidence"]))
    pseudonyms = {name: parts.naming.shown(AnnotatorId(name), viewer) for name in names if name}
    renamed: dict[str, Any] = _renamed(plain, pseudonyms)
    for name in sorted(pseudonyms, key=len, reverse=True):
        renamed["summary"] = renamed["summary"].replace(name, pseudonyms[name])
    return renamed


def _named(evidence: Json) -> Sequence[str]:
    """Return the annotators named in the evidence."""
    if isinstance(evidence, Mapping):
        own = [value for name, value in evidence.items() if name in _WHO and isinstance(value, str)]
        return own + [name for inner in evidence.values() for name in _named(inner)]
    return [name for inner in evidence for name in _named(inner)] if isinstance(evidence, list) else []


def _renamed(value: Json, pseudonyms: Mapping[str, str]) -> Json:
    if isinstance(value, Mapping):
        return {pseudonyms.get(key, key): _renamed(inner, pseudonyms) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, pseudonyms) for inner in value]
    return pseudonyms.get(value, value) if isinstance(value, str) else value


def _add_system(app: FastAPI, parts: ConsoleDependencies) -> None:
    @app.get("/api/v1/services", tags=["system"], summary="Health and lag of each service", **SHOWN)
    async def services(request: Request) -> Response:
        state = await parts.watch.snapshot()
        return answer(request, [asdict(one) for one in state.services])

    @app.get("/api/v1/dead", tags=["system"], summary="Dead letters, newest first", **SHOWN)
    async def dead(
        request: Request,
        reason: Annotated[str, Query(max_length=256)] = "",
        after: AFTER = None,
        limit: Annotated[int, Query(ge=1, le=_MOST_LETTERS, description="Maximum number of rows.")] = 25,
    ) -> Response:
        page = await run_in_threadpool(read_dead, parts.archive, reason=reason, after=after, limit=limit)
        notes = await run_in_threadpool(parts.sender.notes.of, page.rows)
        rows = [_letter(one) | {"sent_again_by": _by(notes.get(one.address))} for one in page.rows]
        return answer(request, rows, following=page.following)


def _by(note: Any) -> str | None:  # noqa: ANN401  # a note, or None
    return None if note is None or note.sent_at is None else str(note.by)


def _letter(one: DeadLetter) -> dict[str, Any]:
    """Return a dead letter as JSON; `value` is the first 64 KiB of its bytes in base64."""
    value = None if one.value is None else base64.b64encode(one.value).decode()
    return {
        "cluster": one.cluster, "prefix": one.prefix, "partition": one.place.partition, "offset": one.place.offset,
        "key": one.key, "reason": one.reason, "field": one.field, "message": one.message, "judged_at": one.judged_at,
        "bytes": one.size, "value": value,
    }  # fmt: skip
