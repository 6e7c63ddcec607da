"""Runs before every request: authentication, permissions, origin check, and security headers of the response."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay_services.console.auth.sessions import Viewer
from assay_services.console.auth.sign_in_forms import message_page
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.console.permissions import OPEN, UNLISTED, least_role
from assay_services.stores.control.api_keys import Refusal
from assay_services.stores.control.tables.accounts import Role
from assay_services.stores.control.tables.connections_and_keys import Scope as KeyScope
from assay_services.web.problems import RequestProblem, problem_response
from assay_services.web.rate_limit import RateLimitedError

COOKIE = "assay_session"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_SCRIPT = b"<script"


@dataclass(frozen=True, slots=True)
class Guard:
    """The outermost middleware of the console."""

    app: ASGIApp
    parts: ConsoleDependencies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce
        refusal = await self._refusal(scope)
        if scope["type"] == "websocket":
            if refusal is not None:
                await send({"type": "websocket.close", "code": 1008})
                return
            await self.app(scope, receive, send)
            return
        respond = _ResponseHeaders(send, self._headers(scope, nonce), nonce)
        await (refusal or self.app)(scope, receive, respond)

    async def _refusal(self, scope: Scope) -> Response | None:
        """Return the response to a request that is refused; else None, with the viewer in the request's state."""
        path, headers = scope["path"], Headers(scope=scope)
        least = least_role(path)
        viewer = await self._viewer(path, headers)
        is_api = path.startswith("/api/")
        if isinstance(viewer, RequestProblem):
            return problem_response(viewer)
        scope["state"]["viewer"] = viewer
        if not self._is_from_here(scope, headers, viewer):
            return problem_response(RequestProblem(403, "requests from another site are not allowed", field="Origin"))
        if viewer is None:
            return None if least is OPEN else _ask_to_sign_in(scope)
        return _unless_allowed(viewer, least, is_api=is_api)

    async def _viewer(self, path: str, headers: Headers) -> Viewer | RequestProblem | None:
        authorization = headers.get("authorization")
        if authorization is not None and path.startswith("/api/"):
            return await asyncio.to_thread(self._key_holder, authorization)
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        if cookie is None:
            return None
        return await asyncio.to_thread(self.parts.sessions.viewer, cookie, now=datetime.now(UTC))

    def _key_holder(self, authorization: str) -> Viewer | RequestProblem:
        key = self.parts.keys.check(authorization, KeyScope.READ)
        if isinstance(key, Refusal):
            return RequestProblem(key.status, key.reason, field="Authorization")
        try:
            self.parts.api_rates.check(key.id)
        except RateLimitedError as error:
            return RequestProblem(429, error.reason, retry_after=error.retry_after)
        role = Role.ADMIN if key.allows(KeyScope.ADMIN) else Role.VIEWER
        return Viewer(f"key {key.name}", role)

    def _is_from_here(self, scope: Scope, headers: Headers, viewer: Viewer | None) -> bool:
        """Return whether a changing request or a websocket comes from a page of this console, or with an API key."""
        if scope["type"] == "http" and (scope["method"] in _SAFE or (viewer is not None and viewer.form_token is None)):
            return True
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "same-origin") == "same-origin" and scope["type"] == "http"
        return urlsplit(origin).netloc in self._own_hosts(headers)

    def _own_hosts(self, headers: Headers) -> set[str]:
        hosts = {headers.get("host", ""), urlsplit(self.parts.settings.console_url or "").netloc}
        if self.parts.settings.console_trusts_proxy:
            hosts.add(headers.get("x-forwarded-host", ""))
        return hosts - {""}

    def _headers(self, scope: Scope, nonce: str) -> dict[str, str]:
        headers = {
            "Content-Security-Policy": _policy(nonce),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",  # with `no-referrer` browsers send `Origin: null` with our own forms
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        if self.is_secure(scope):
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return headers

    def is_secure(self, scope: Scope) -> bool:
        """Return whether the browser uses https."""
        return is_secure(self.parts, scope)


def is_secure(parts: ConsoleDependencies, scope: Scope) -> bool:
    """Return whether the browser uses https, directly or by way of a trusted proxy."""
    forwarded = Headers(scope=scope).get("x-forwarded-proto") if parts.settings.console_trusts_proxy else None
    return scope["scheme"] == "https" or forwarded == "https" or parts.settings.is_served_over_tls


def _policy(nonce: str) -> str:
    """Return the content security policy. README.md says why each part is needed."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: https: http:; font-src 'self'; connect-src 'self' ws: wss:"
    )


def _ask_to_sign_in(scope: Scope) -> Response:
    path = scope["path"]
    if scope["type"] == "websocket" or scope["method"] not in _SAFE or path.startswith(("/api/", "/_nicegui")):
        return problem_response(RequestProblem(401, "sign in, or send an API key as `Authorization: Bearer assay_…`"))
    target = path + (f"?{scope['query_string'].decode(errors='replace')}" if scope["query_string"] else "")
    return RedirectResponse(f"/sign-in?next={quote(target, safe='')}", 303)


def _unless_allowed(viewer: Viewer, least: Role | str | None, *, is_api: bool) -> Response | None:
    if least is OPEN:
        return None
    if least == UNLISTED:
        return problem_response(RequestProblem(404, "no such path", field="path"))
    if viewer.may(Role(least)):
        return None
    return problem_response(_forbidden(Role(least), viewer)) if is_api else _denied(Role(least), viewer)


def _forbidden(least: Role, viewer: Viewer) -> RequestProblem:
    """Return the problem of a viewer whose role is not sufficient."""
    return RequestProblem(
        403, f"this needs the role {least.value}; {viewer.name} has the role {viewer.role.value}", field="role"
    )


def _denied(least: Role, viewer: Viewer) -> Response:
    text = f"This page needs the role {least.value}. {viewer.name} has the role {viewer.role.value}. Ask an admin."
    return message_page("No access", text, status=403)


class _ResponseHeaders:
    """Add security headers to a response, and the nonce to the scripts of a page.

    NiceGUI escapes `<` in data as `&lt;`, so `<script` in a page is always its own.
    """

    def __init__(self, send: Send, headers: dict[str, str], nonce: str) -> None:
        self._send = send
        self._headers = headers
        self._mark = _SCRIPT + f' nonce="{nonce}"'.encode()
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers[name] = value
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        if self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        page, start, self._start = self._body.replace(_SCRIPT, self._mark), self._start, None
        MutableHeaders(scope=start)["content-length"] = str(len(page))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": page})
