"""The console over HTTP: sign-in, pages, query API, health."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import prometheus_client
from fastapi import FastAPI, Request, Response
from nicegui import ui
from starlette.middleware.gzip import GZipMiddleware

from assay_services.console.api.query_routes import add_api
from assay_services.console.auth.sessions import Sessions
from assay_services.console.auth.sign_in_routes import add_signing
from assay_services.console.dependencies import ConsoleDependencies, build_parts
from assay_services.console.middleware import Guard
from assay_services.console.pages import (
    alert_detail,
    alert_list,
    annotators,
    items,
    overview,
    project,
    review,
    subscriptions,
    system,
)
from assay_services.console.pages.layout import ConsolePage, add_page
from assay_services.console.settings import ConsoleSettings
from assay_services.engine import metrics
from assay_services.engine.critical_tasks import start_essential
from assay_services.engine.logs import configure_logs, get_logger
from assay_services.stores.archive.queries.db import ArchiveAway
from assay_services.stores.control.database import open_control
from assay_services.web.problems import ProblemError, RequestProblem, problem_response
from assay_services.web.server import Listener, run_server

PAGES: tuple[ConsolePage, ...] = (
    overview.PAGE,
    project.PAGE,
    annotators.PAGE,
    items.PAGE,
    review.PAGE,
    alert_list.PAGE,
    subscriptions.PAGE,
    system.PAGE,
    annotators.ONE,
    items.ONE,
    alert_detail.PAGE,
    subscriptions.ONE,
)


def add_pages(parts: ConsoleDependencies) -> None:
    """Register all pages with NiceGUI."""
    for page in PAGES:
        add_page(parts, page, PAGES)


_DESCRIPTION = """
Everything that the console's pages show. Send an API key (`assay key create --name … --scope read`) as `Authorization:
Bearer assay_…`, or use a browser session. Lists are paginated: `next` is the cursor of the next page. `fields=a,b`
returns only these fields. `format=` (or `Accept`) selects json, ndjson, csv or parquet. With `ETag` and `If-None-Match`
an unchanged response is not sent again. Errors are `application/problem+json`.
"""


def build_app(settings: ConsoleSettings) -> FastAPI:
    """Build the console with its pages. NiceGUI allows this once per process; `build_service` has no such limit."""
    parts = build_parts(settings)
    app = build_service(parts)
    add_pages(parts)
    ui.run_with(app, title="Assay", dark=None, show_welcome_message=False, gzip_middleware_factory=None, tailwind=False)
    return app


def build_service(parts: ConsoleDependencies) -> FastAPI:
    """Build everything but the pages: health, sign-in and the query API, behind the guard."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        feeds = [
            start_essential(parts.overview_feed.run(), name="live"),
            start_essential(parts.watch.run(), name="watch"),
        ]
        await parts.outbox.start()
        yield
        await parts.outbox.stop()
        for task in feeds:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        parts.archive.dispose()
        parts.control.dispose()

    app = FastAPI(
        title="Assay console", version="1", lifespan=life, docs_url=None, redoc_url=None,
        openapi_url="/api/v1/openapi.json", description=_DESCRIPTION,
    )  # fmt: skip
    app.state.parts = parts
    _add_health(app)
    _add_error_handlers(app)
    add_signing(app, parts)
    add_api(app, parts)
    app.add_middleware(Guard, parts=parts)
    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    return app


def _add_health(app: FastAPI) -> None:
    @app.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"service": "console", "status": "up"}

    @app.get("/ready", include_in_schema=False)
    async def ready() -> dict[str, object]:
        return {"service": "console", "ready": True}

    @app.get("/metrics", include_in_schema=False)
    async def scrape() -> Response:
        return Response(prometheus_client.generate_latest(metrics.REGISTRY), media_type="text/plain")


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(ProblemError)
    async def refused(_: Request, error: ProblemError) -> Response:
        return problem_response(error.problem)

    @app.exception_handler(ArchiveAway)
    async def away(_: Request, error: ArchiveAway) -> Response:
        return problem_response(RequestProblem(503, str(error), retry_after=5))


def serve(settings: ConsoleSettings) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    configure_logs(level=settings.log_level)
    log = get_logger("console")
    log.info("console_starts", address=settings.address)
    link = first_link(settings)
    if link is not None:
        log.info("console_first_admin", link=link, minutes=settings.console_link_minutes)
    listener = Listener(
        settings.console_host,
        settings.console_port,
        settings.console_certificate_file,
        settings.console_key_file,
    )
    run_server(build_app(settings), listener, shutdown_seconds=5, trusts_proxy=settings.console_trusts_proxy)


def first_link(settings: ConsoleSettings) -> str | None:
    """Return a one-time link that creates the first admin; None if an admin exists."""
    control = open_control(settings)
    lifetime = timedelta(hours=settings.console_session_hours)
    token = Sessions(control, lasting=lifetime).first_link(
        now=datetime.now(UTC), lasting=timedelta(minutes=settings.console_link_minutes)
    )
    control.dispose()
    return None if token is None else f"{settings.address}/welcome?token={token}"
