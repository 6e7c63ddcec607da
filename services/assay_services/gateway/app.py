"""The gateway's HTTP server: annotations over the API, webhooks of platforms, connections, health."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import prometheus_client
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_services.engine import metrics
from assay_services.engine.contract_table import ContractTable, callback_for
from assay_services.engine.critical_tasks import start_essential
from assay_services.engine.logs import configure_logs, get_logger
from assay_services.gateway.api import openapi
from assay_services.gateway.api.annotations import AnnotationIntake, Receipt
from assay_services.gateway.api.limits import BodyReader, ConcurrencyLimit, MemoryBudget
from assay_services.gateway.api.webhooks import WebhookReceiver
from assay_services.gateway.core.decode_result import PlatformDelivery
from assay_services.gateway.decode_context import label_kinds
from assay_services.gateway.publisher import OverloadedError, Publisher
from assay_services.gateway.reconcile.reconciler import Reconciler
from assay_services.gateway.settings import GatewaySettings
from assay_services.gateway.spool import Spool
from assay_services.gateway.write_back.consumer import WriteBack
from assay_services.stores.control.api_keys import ApiKeyStore, Refusal
from assay_services.stores.control.connection_store import ConnectionStore, NoSuchConnectionError
from assay_services.stores.control.database import open_control
from assay_services.stores.control.tables.connections_and_keys import ApiKey, Scope
from assay_services.stores.control.vault import Vault
from assay_services.web.rate_limit import RateLimitedError, RateLimiter
from assay_services.web.server import Listener, run_server

_BEARER = HTTPBearer(auto_error=False, description="An API key: `assay key create --name … --scope write`.")
_CONTRACTS_SECONDS = 2.0
_BearerCredentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


@dataclass(frozen=True, slots=True)
class GatewayDependencies:
    """The objects that the routes share."""

    settings: GatewaySettings
    keys: ApiKeyStore
    connections: ConnectionStore
    publisher: Publisher
    hooks: WebhookReceiver
    reconciler: Reconciler
    rates: RateLimiter
    crowd: ConcurrencyLimit
    bodies: BodyReader

    def authorise(self, sent: HTTPAuthorizationCredentials | None, scope: Scope) -> ApiKey:
        """Return the key in a request's header; raise RateLimitedError if it is missing, unknown or lacks the scope."""
        found = self.keys.check(None if sent is None else f"{sent.scheme} {sent.credentials}", scope)
        if isinstance(found, Refusal):
            raise RateLimitedError(found.status, found.reason)
        self.rates.check(found.id)
        return found


def build_app(settings: GatewaySettings) -> FastAPI:
    """Build the gateway."""
    engine = open_control(settings)
    connections = ConnectionStore(engine, Vault(settings))
    spool = Spool(settings.folder / "spool.db", largest=settings.spool_bytes)
    publisher = Publisher(settings, spool)
    contracts: dict[ProjectId, LabelContract] = {}
    table, kind_of = ContractTable(settings, callback_for(contracts)), label_kinds(contracts)
    reconciler = Reconciler(engine, connections, publisher, settings, kind_of)
    hooks = WebhookReceiver(engine, connections, publisher, reconciler.wake, kind_of)
    parts = GatewayDependencies(
        settings, ApiKeyStore(engine), connections, publisher, hooks, reconciler,
        RateLimiter(settings.rate_per_second), ConcurrencyLimit(settings.requests_at_once), _bodies(settings),
    )  # fmt: skip

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        await publisher.start()
        await _follow(table)
        working = [
            start_essential(reconciler.run(), name="reconciler"),
            start_essential(WriteBack(engine, connections, settings).run(), name="writing-back"),
        ]
        yield
        for one in working:
            one.cancel()
            with suppress(asyncio.CancelledError):
                await one
        await table.stop()
        await publisher.stop()
        spool.close()
        engine.dispose()

    app = FastAPI(
        title="Assay gateway",
        version="1",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        description=openapi.DESCRIPTION,
    )
    _guard(app)
    _answer_for_health(app, parts)
    _add_annotation_routes(app, parts)
    _add_webhook_routes(app, parts)
    return app


async def _follow(table: ContractTable) -> None:
    """Follow the contracts; wait for those in force, but not for long: Kafka may be away."""
    await table.start()
    with suppress(TimeoutError):
        await asyncio.wait_for(table.read_all(), _CONTRACTS_SECONDS)


def _bodies(settings: GatewaySettings) -> BodyReader:
    room = MemoryBudget(settings.bodies_bytes)
    return BodyReader(room, settings.largest_body_bytes, settings.largest_stream_bytes, settings.body_seconds)


def _guard(app: FastAPI) -> None:
    """Count every request, and turn errors into responses."""

    @app.middleware("http")
    async def guard(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        began = time.monotonic()
        response = await call(request)
        route = getattr(request.scope.get("route"), "path", "unknown")
        metrics.GATEWAY_REQUESTS.labels(route, str(response.status_code)).inc()
        metrics.GATEWAY_SECONDS.labels(route).observe(time.monotonic() - began)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.exception_handler(RateLimitedError)
    async def refused(_: Request, error: RateLimitedError) -> Response:
        return _refusal(error)

    @app.exception_handler(OverloadedError)
    async def overloaded(_: Request, error: OverloadedError) -> Response:
        return _refusal(RateLimitedError(503, str(error), retry_after=5))

    @app.exception_handler(NoSuchConnectionError)
    async def no_connection(_: Request, error: NoSuchConnectionError) -> Response:
        return _refusal(RateLimitedError(404, str(error)))


def _refusal(error: RateLimitedError) -> Response:
    headers = {"Connection": "close"}  # most requests are refused before their body is read
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:  # noqa: PLR2004  # the status is its name
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": error.reason}, error.status, headers)


def _answer_for_health(app: FastAPI, parts: GatewayDependencies) -> None:
    @app.get("/health", tags=["health"], summary="Is the process up?")
    async def health() -> dict[str, str]:
        return {"service": "gateway", "status": "up"}

    @app.get("/ready", tags=["health"], summary="Would annotations be taken now?", responses=openapi.READY)
    async def ready() -> dict[str, Any]:
        return {"service": "gateway", "ready": True, "kafka": "up" if parts.publisher.kafka_is_there else "away"}

    @app.get("/metrics", tags=["health"], summary="Metrics for Prometheus", response_class=Response)
    async def scrape() -> Response:
        return Response(prometheus_client.generate_latest(metrics.REGISTRY), media_type="text/plain")


def _add_annotation_routes(app: FastAPI, parts: GatewayDependencies) -> None:
    intake = AnnotationIntake(parts.publisher, parts.bodies, parts.crowd)

    @app.post(
        "/v1/annotations",
        tags=["annotations"],
        summary="Send annotations: one, an array, or NDJSON",
        response_model=Receipt,
        responses=openapi.ANNOTATIONS_ANSWERS,
        openapi_extra={"requestBody": openapi.ANNOTATIONS_BODY},
    )
    async def annotations(request: Request, sent: _BearerCredentials) -> Response:
        await asyncio.to_thread(parts.authorise, sent, Scope.WRITE)
        receipt = await intake.accept(request)
        status = 200 if receipt.accepted or not receipt.rejected else 422
        return JSONResponse(receipt.model_dump(exclude_none=True), status)


def _add_webhook_routes(app: FastAPI, parts: GatewayDependencies) -> None:
    @app.post(
        "/v1/hooks/{connection}",
        tags=["platforms"],
        summary="A platform's webhook; its signature is the proof of who it is",
        responses=openapi.HOOK_ANSWERS,
        openapi_extra={"requestBody": openapi.HOOK_BODY},
    )
    async def hook(connection: str, request: Request) -> Response:
        found = await asyncio.to_thread(parts.connections.get, connection)
        parts.rates.check(f"hook:{connection}")
        headers = {name.lower(): value for name, value in request.headers.items()}
        async with parts.bodies.whole(request) as body:
            with parts.crowd:
                answer = await parts.hooks.receive(found, PlatformDelivery(body, headers), datetime.now(UTC))
        return JSONResponse(dict(answer.body), answer.status)

    @app.get(
        "/v1/connections",
        tags=["platforms"],
        summary="The connections: last event, lag, what webhooks brought and what only reconciliation found",
        responses=openapi.READ_ANSWERS,
    )
    async def connections(sent: _BearerCredentials) -> list[openapi.ConnectionView]:
        await asyncio.to_thread(parts.authorise, sent, Scope.READ)
        found = await asyncio.to_thread(parts.connections.all)
        unread, now = await asyncio.to_thread(parts.connections.unread), datetime.now(UTC)
        return [openapi.ConnectionView.of(one, now=now, unread=unread.get(one.name, {})) for one in found]


def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    configure_logs(level=settings.log_level)
    _raise_file_limit()
    get_logger("gateway").info("gateway_starts", host=settings.gateway_host, port=settings.gateway_port)
    listener = Listener(
        settings.gateway_host,
        settings.gateway_port,
        settings.gateway_certificate_file,
        settings.gateway_key_file,
    )
    run_server(build_app(settings), listener, shutdown_seconds=10, trusts_proxy=True)


def _raise_file_limit() -> None:
    """Raise the limit of open files to the system's maximum: every connection needs one, even an idle one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
