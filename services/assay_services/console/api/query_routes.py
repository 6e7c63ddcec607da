"""The query API: the data of the pages, from the same functions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool

from assay_schemas.annotation import AnnotatorId, ItemId, ProjectId
from assay_services.console.api.openapi import AFTER, LIMIT, SHOWN
from assay_services.console.api.operations import add_running
from assay_services.console.api.responses import answer, not_found
from assay_services.console.auth.sessions import Viewer
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.stores.archive.queries import agreement, annotators, items, projects
from assay_services.stores.archive.queries.pagination import WrongCursor
from assay_services.web.problems import ProblemError, RequestProblem, problem_response

_ProjectQuery = Annotated[ProjectId, Query(max_length=256, examples=["ads-safety"], description="The project.")]
_AnnotatorQuery = Annotated[
    str, Query(max_length=256, examples=["a17"], description="Name or pseudonym, as listed by /api/v1/annotators.")
]
_TextQuery = Annotated[str, Query(max_length=300)]
_ItemQuery = Annotated[ItemId, Query(max_length=300)]


def add_api(app: FastAPI, parts: ConsoleDependencies) -> None:
    """Add the query API."""

    @app.exception_handler(RequestValidationError)
    async def wrong(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = str(first["loc"][-1]) if first["loc"] else None
        return problem_response(RequestProblem(422, f"{field}: {first['msg']}", field, first["msg"]))

    @app.exception_handler(WrongCursor)
    async def wrong_cursor(_: Request, error: WrongCursor) -> Response:
        return problem_response(RequestProblem(422, str(error), "after", "the cursor `next` of the previous page"))

    _add_projects(app, parts)
    _add_annotators(app, parts)
    _add_items(app, parts)
    add_running(app, parts)


def _add_projects(app: FastAPI, parts: ConsoleDependencies) -> None:
    @app.get("/api/v1/overview", tags=["overview"], summary="Current state of all projects", **SHOWN)
    async def overview(request: Request) -> Response:
        beat = await parts.overview_feed.snapshot()
        if beat.overview is None:
            raise ProblemError(RequestProblem(503, beat.problem or "the archive is unavailable", retry_after=5))
        return answer(request, beat.overview.projects)

    @app.get("/api/v1/projects", tags=["projects"], summary="The names of all projects", **SHOWN)
    async def names(request: Request) -> Response:
        project_names = await run_in_threadpool(projects.read_projects, parts.archive)
        return answer(request, [{"project": one} for one in project_names])

    @app.get("/api/v1/agreement", tags=["projects"], summary="Agreement over time", **SHOWN)
    async def history(request: Request, project: _ProjectQuery, window: str = "15m", kind: str = "all") -> Response:
        by_label = await run_in_threadpool(agreement.read_history, parts.archive, project, window=window, kind=kind)
        return answer(request, [one for readings in by_label.values() for one in readings])

    @app.get("/api/v1/agreement/pairs", tags=["projects"], summary="Pairwise agreement of annotators", **SHOWN)
    async def pairs(request: Request, project: _ProjectQuery) -> Response:
        readings = await run_in_threadpool(agreement.read_pairs, parts.archive, project, most=100)
        named = _namer(parts, request)
        return answer(request, [replace(one, one=named(one.one), other=named(one.other)) for one in readings])

    @app.get("/api/v1/confusion", tags=["projects"], summary="Confusion matrix (expected counts)", **SHOWN)
    async def confusion(request: Request, project: _ProjectQuery) -> Response:
        matrix = await run_in_threadpool(projects.read_confusion, parts.archive, project)
        cells = [
            {"right": right, "given": given, "count": count}
            for right, row in matrix.counts.items()
            for given, count in row.items()
        ]
        return answer(request, cells)

    @app.get("/api/v1/findings", tags=["projects"], summary="Findings by rule", **SHOWN)
    async def findings(request: Request, project: _ProjectQuery) -> Response:
        return answer(request, await run_in_threadpool(projects.read_findings, parts.archive, project))

    @app.get("/api/v1/contracts", tags=["projects"], summary="Contract versions", **SHOWN)
    async def contracts(request: Request, project: _ProjectQuery) -> Response:
        namer = str if parts.naming.sees_names(request.state.viewer) else _namer(parts, request)
        return answer(request, await run_in_threadpool(projects.read_contracts, parts.archive, project, namer))


def _add_annotators(app: FastAPI, parts: ConsoleDependencies) -> None:
    @app.get("/api/v1/annotators", tags=["annotators"], summary="Annotators of a project", **SHOWN)
    async def everybody(request: Request, project: _ProjectQuery) -> Response:
        lines = await run_in_threadpool(annotators.read_annotators, parts.archive, project)
        return answer(request, _renamed(lines, parts, request))

    @app.get("/api/v1/annotator", tags=["annotators"], summary="One annotator, with the conduct report", **SHOWN)
    async def one(request: Request, project: _ProjectQuery, annotator: _AnnotatorQuery) -> Response:
        name = await _meant(parts, request, project, annotator)
        summary = await run_in_threadpool(annotators.read_annotator, parts.archive, project, name)
        if summary is None:
            raise not_found("annotator", "a name that /api/v1/annotators lists")
        line = _renamed([summary.line], parts, request)[0]
        return answer(request, [replace(summary, line=line, signals=_signals(summary.signals, parts, request))])

    @app.get("/api/v1/annotator/votes", tags=["annotators"], summary="Labels given by an annotator", **SHOWN)
    async def votes(
        request: Request, project: _ProjectQuery, annotator: _AnnotatorQuery, after: AFTER = None, limit: LIMIT = 100
    ) -> Response:
        name = await _meant(parts, request, project, annotator)
        page = await run_in_threadpool(annotators.read_votes, parts.archive, project, name, after=after, limit=limit)
        return answer(request, page.rows, following=page.following)

    @app.get("/api/v1/signals", tags=["annotators"], summary="Signals about annotators", **SHOWN)
    async def signals(request: Request, project: _ProjectQuery) -> Response:
        lines = await run_in_threadpool(annotators.read_signals, parts.archive, project)
        return answer(request, _signals(lines, parts, request))


def _add_items(app: FastAPI, parts: ConsoleDependencies) -> None:
    @app.get("/api/v1/items", tags=["items"], summary="Search items", **SHOWN)
    async def search(  # noqa: PLR0913, PLR0917  # one parameter for each condition
        request: Request,
        project: _ProjectQuery,
        item: _TextQuery = "", text: _TextQuery = "", label: _TextQuery = "", status: _TextQuery = "",
        right: _TextQuery = "", given: _TextQuery = "", rule: _TextQuery = "", annotator: _TextQuery = "",
        pair: _TextQuery = "", after: AFTER = None, limit: LIMIT = 100,
    ) -> Response:  # fmt: skip
        one = await _meant(parts, request, project, annotator) if annotator else ""
        other = await _meant(parts, request, project, pair) if pair else ""
        condition = items.ItemFilter(item, text, label, status, right, given, rule, one, other)
        page = await run_in_threadpool(items.read_items, parts.archive, project, condition, after=after, limit=limit)
        return answer(request, page.rows, following=page.following)

    @app.get("/api/v1/item", tags=["items"], summary="One item, with votes, history and corrections", **SHOWN)
    async def one(request: Request, project: _ProjectQuery, item: _ItemQuery) -> Response:
        view = await run_in_threadpool(items.read_item, parts.archive, project, item)
        if view is None:
            raise not_found("item", "an id that /api/v1/items lists")
        votes = _renamed(view.votes, parts, request)
        return answer(request, [replace(view, votes=votes, corrections=_renamed(view.corrections, parts, request))])


def _namer(parts: ConsoleDependencies, request: Request) -> Any:  # noqa: ANN401  # a function
    viewer: Viewer = request.state.viewer
    return lambda name: parts.naming.shown(name, viewer)


def _renamed(rows: Sequence[Any], parts: ConsoleDependencies, request: Request) -> Sequence[Any]:
    """Return rows with the names or pseudonyms that the viewer may see."""
    named = _namer(parts, request)
    return [replace(row, annotator=named(row.annotator)) for row in rows]


def _signals(signals: Sequence[annotators.SignalLine], parts: ConsoleDependencies, request: Request) -> Sequence[Any]:
    named = _namer(parts, request)
    return [
        replace(signal, annotator=named(signal.annotator), peer=named(signal.peer) if signal.peer else signal.peer)
        for signal in signals
    ]


async def _meant(parts: ConsoleDependencies, request: Request, project: ProjectId, shown: str) -> AnnotatorId:
    viewer: Viewer = request.state.viewer
    if parts.naming.sees_names(viewer):
        return AnnotatorId(shown)
    everybody = await run_in_threadpool(annotators.read_annotators, parts.archive, project)
    name = parts.naming.meant(shown, viewer, known=[one.annotator for one in everybody])
    if name is None:
        raise not_found("annotator", "a name that /api/v1/annotators lists")
    return name
