"""The HTTP API of alerts: list, acknowledge, silence, rate, subscribe, and follow them live."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Engine

from assay_schemas.alert import Alert
from assay_schemas.annotation import ProjectId
from assay_services.alerts.api.api_models import (
    AckAsked,
    DeliveryView,
    FeedbackAsked,
    PrecisionView,
    SilenceAsked,
    SilenceView,
    Subscribed,
    SubscriptionAsked,
    SubscriptionView,
    now,
)
from assay_services.alerts.api.sse import Streams
from assay_services.alerts.settings import AlertsSettings
from assay_services.stores.control import alert_actions, subscription_store
from assay_services.stores.control.api_keys import ApiKeyStore, Refusal
from assay_services.stores.control.tables.alert_delivery import Fate
from assay_services.stores.control.tables.connections_and_keys import ApiKey, Scope
from assay_services.stores.control.vault import Vault
from assay_services.web.rate_limit import RateLimitedError, RateLimiter

_BEARER = HTTPBearer(auto_error=False, description="An API key: `assay key create --name … --scope read`.")
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
P = ParamSpec("P")
T = TypeVar("T")


_UNAUTHORISED, _LENGTH_REQUIRED, _TOO_LARGE = 401, 411, 413
_LARGEST_BODY = 64 * 1024
_NOT_FOUND = (alert_actions.AlertNotFoundError, subscription_store.NoSuchSubscriptionError)


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """The objects that the routes share."""

    engine: Engine
    vault: Vault
    keys: ApiKeyStore
    rates: RateLimiter
    streams: Streams
    prefix: str = ""

    async def authorise(self, sent: HTTPAuthorizationCredentials | None, scope: Scope) -> ApiKey:
        """Return the key in a request's header; raise RateLimitedError if it is missing, unknown or lacks the scope."""
        given = None if sent is None else f"{sent.scheme} {sent.credentials}"
        found = await asyncio.to_thread(self.keys.check, given, scope)
        if isinstance(found, Refusal):
            raise RateLimitedError(found.status, found.reason)
        self.rates.check(found.id)
        return found

    async def ask(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a database query in a worker thread and return its result."""
        return await asyncio.to_thread(partial(work, *args, **kwargs))


def build_api(settings: AlertsSettings, engine: Engine) -> FastAPI:
    """Build the HTTP API."""
    parts = ApiDependencies(
        engine, Vault(settings), ApiKeyStore(engine), RateLimiter(settings.alerts_rate_per_second), Streams(settings),
        settings.prefix,
    )  # fmt: skip
    app = FastAPI(title="Assay alerts", version="1", docs_url=None, redoc_url=None)
    _guard(app)
    _check_before_the_body(app, parts)
    _show_alerts(app, parts)
    _take_words(app, parts)
    _keep_silences(app, parts)
    _keep_subscriptions(app, parts)
    return app


def _guard(app: FastAPI) -> None:
    @app.exception_handler(RateLimitedError)
    async def refused(_: Request, error: RateLimitedError) -> Response:
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        if error.status == 401:  # noqa: PLR2004  # the status is its name
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse({"error": error.reason}, error.status, headers)

    @app.exception_handler(alert_actions.NoSuchAlertError)
    @app.exception_handler(subscription_store.SubscriptionError)
    async def not_there(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, 404 if isinstance(error, _NOT_FOUND) else 422)

    @app.get("/health", tags=["health"], summary="Is the process up?")
    async def health() -> dict[str, str]:
        return {"service": "alerts", "status": "up"}


def _check_before_the_body(app: FastAPI, parts: ApiDependencies) -> None:
    @app.middleware("http")
    async def check(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        """Refuse strangers and large bodies before a byte of the body is read."""
        if not request.url.path.startswith("/v1/"):
            return await answer(request)
        found = await asyncio.to_thread(parts.keys.check, request.headers.get("authorization"), Scope.READ)
        if isinstance(found, Refusal) and found.status == _UNAUTHORISED:
            return JSONResponse({"error": found.reason}, found.status, {"WWW-Authenticate": "Bearer"})
        if request.headers.get("transfer-encoding") is not None:
            return JSONResponse({"error": "send the body with a Content-Length"}, _LENGTH_REQUIRED)
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY:
            return JSONResponse({"error": f"a body has at most {_LARGEST_BODY:,} bytes"}, _TOO_LARGE)
        return await answer(request)


def _show_alerts(app: FastAPI, parts: ApiDependencies) -> None:
    @app.get("/v1/alerts", tags=["alerts"], summary="The alerts as they stand, the newest first")
    async def alerts(
        sent: _Credentials, project: ProjectId | None = None, rule: str | None = None, *, resolved: bool = False
    ) -> Sequence[Alert]:
        await parts.authorise(sent, Scope.READ)
        return await parts.ask(alert_actions.list_alerts, parts.engine, project=project, rule=rule, resolved=resolved)

    @app.get("/v1/alerts/stream", tags=["alerts"], summary="Every transition as it comes: server-sent events")
    async def stream(
        sent: _Credentials, project: ProjectId | None = None, last_event_id: Annotated[str | None, Header()] = None
    ) -> StreamingResponse:
        await parts.authorise(sent, Scope.READ)
        events = parts.streams.follow(last_event_id, project=project)
        return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    @app.get("/v1/alerts/{alert}", tags=["alerts"], summary="One alert")
    async def one(alert: str, sent: _Credentials) -> Alert:
        await parts.authorise(sent, Scope.READ)
        return await parts.ask(alert_actions.get_alert, parts.engine, alert)

    @app.get("/v1/precision", tags=["alerts"], summary="How many of each rule's alerts were useful")
    async def precision(sent: _Credentials) -> Sequence[PrecisionView]:
        await parts.authorise(sent, Scope.READ)
        return [PrecisionView.of(one) for one in await parts.ask(alert_actions.precisions, parts.engine)]


def _take_words(app: FastAPI, parts: ApiDependencies) -> None:
    @app.post("/v1/alerts/{alert}/acknowledge", tags=["alerts"], status_code=202, summary="Say that you look at it")
    async def acknowledge(alert: str, asked: AckAsked, sent: _Credentials) -> Alert:
        key = await parts.authorise(sent, Scope.REVIEW)
        return await parts.ask(alert_actions.acknowledge, parts.engine, alert, by=key.name, why=asked.why, now=now())

    @app.post("/v1/alerts/{alert}/feedback", tags=["alerts"], summary="Was it useful, or noise?")
    async def feedback(alert: str, asked: FeedbackAsked, sent: _Credentials) -> dict[str, bool]:
        key = await parts.authorise(sent, Scope.REVIEW)
        found = await parts.ask(
            alert_actions.give_feedback, parts.engine, alert, useful=asked.useful, by=key.name, why=asked.why, now=now()
        )
        return {"useful": found.useful}


def _keep_silences(app: FastAPI, parts: ApiDependencies) -> None:
    @app.get("/v1/silences", tags=["silences"], summary="The silences in force")
    async def silences(sent: _Credentials) -> Sequence[SilenceView]:
        await parts.authorise(sent, Scope.READ)
        return [SilenceView.of(one) for one in await parts.ask(alert_actions.list_silences, parts.engine, now=now())]

    @app.post("/v1/silences", tags=["silences"], status_code=202, summary="Do not be told for a while")
    async def silence(asked: SilenceAsked, sent: _Credentials) -> SilenceView:
        key, at = await parts.authorise(sent, Scope.REVIEW), now()
        row = await parts.ask(
            alert_actions.silence, parts.engine, asked.matchers,
            until=asked.until(at), by=key.name, why=asked.why, now=at, project=asked.project,
        )  # fmt: skip
        return SilenceView.of(row)

    @app.delete("/v1/silences/{silence_id}", tags=["silences"], status_code=202, summary="End a silence")
    async def unsilence(silence_id: str, sent: _Credentials) -> SilenceView:
        key = await parts.authorise(sent, Scope.REVIEW)
        row = await parts.ask(alert_actions.unsilence, parts.engine, silence_id, by=key.name, now=now())
        return SilenceView.of(row)


def _keep_subscriptions(app: FastAPI, parts: ApiDependencies) -> None:
    @app.get("/v1/subscriptions", tags=["subscriptions"], summary="Who is told, and of what")
    async def subscriptions(sent: _Credentials) -> Sequence[SubscriptionView]:
        await parts.authorise(sent, Scope.READ)
        return [
            SubscriptionView.of(one) for one in await parts.ask(subscription_store.list_subscriptions, parts.engine)
        ]

    @app.post("/v1/subscriptions", tags=["subscriptions"], status_code=201, summary="Be told")
    async def subscribe(asked: SubscriptionAsked, sent: _Credentials) -> Subscribed:
        await parts.authorise(sent, Scope.ADMIN)
        row, secret = await parts.ask(
            subscription_store.subscribe, parts.engine, parts.vault, asked.wish(), now=now(), prefix=parts.prefix
        )
        return Subscribed(subscription=SubscriptionView.of(row), secret=secret)

    @app.delete("/v1/subscriptions/{name}", tags=["subscriptions"], status_code=204, summary="Be told no more")
    async def unsubscribe(name: str, sent: _Credentials) -> None:
        await parts.authorise(sent, Scope.ADMIN)
        await parts.ask(subscription_store.unsubscribe, parts.engine, name)

    @app.post("/v1/subscriptions/{name}/test", tags=["subscriptions"], status_code=202, summary="Send a test message")
    async def test(name: str, sent: _Credentials) -> DeliveryView:
        await parts.authorise(sent, Scope.ADMIN)
        return DeliveryView.of(await parts.ask(subscription_store.send_test, parts.engine, name, now=now()))

    @app.get("/v1/deliveries", tags=["subscriptions"], summary="What was sent; `fate=dead`: the dead letters")
    async def deliveries(
        sent: _Credentials, fate: Fate | None = None, subscription: str | None = None
    ) -> list[DeliveryView]:
        await parts.authorise(sent, Scope.READ)
        found = await parts.ask(alert_actions.list_deliveries, parts.engine, fate=fate, subscription=subscription)
        return [DeliveryView.of(one) for one in found]

    @app.post("/v1/deliveries/{delivery}/revive", tags=["subscriptions"], summary="Try a dead letter again")
    async def revive(delivery: str, sent: _Credentials) -> DeliveryView:
        await parts.authorise(sent, Scope.ADMIN)
        return DeliveryView.of(await parts.ask(alert_actions.revive, parts.engine, delivery, now=now()))
