"""Stand at the door: who comes, whether they may, and the headers that every answer carries."""

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
from assay_services.console.permissions import OPEN, SHUT, least_role
from assay_services.stores.control.api_keys import Refusal
from assay_services.stores.control.tables.accounts import Role
from assay_services.stores.control.tables.connections_and_keys import Scope as KeyScope
from assay_services.web.problems import RequestProblem, forbidden, problem_response
from assay_services.web.rate_limit import RateLimitedError

COOKIE = "assay_session"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_SCRIPT = b"<script"


@dataclass(frozen=True, slots=True)
class Guard:
    """The outermost part of the console."""

    app: ASGIApp
    parts: ConsoleDependencies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
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
        sending = _Sending(send, self._headers(scope, nonce), nonce)
        await (refusal or self.app)(scope, receive, sending)

    async def _refusal(self, scope: Scope) -> Response | None:
        """Return what a request is answered that may not come in; else None, and say in its state who comes."""
        path, headers = scope["path"], Headers(scope=scope)
        least = least_role(path)
        viewer = await self._viewer(path, headers)
        is_api = path.startswith("/api/")
        if isinstance(viewer, RequestProblem):
            return problem_response(viewer)
        scope["state"]["viewer"] = viewer
        if not self._is_from_here(scope, headers, viewer):
            return problem_response(RequestProblem(403, "another site's page may not do this", field="Origin"))
        if viewer is None:
            return None if least is OPEN else _ask_to_sign_in(scope)
        return _unless_allowed(viewer, least, is_api=is_api)

    async def _viewer(self, path: str, headers: Headers) -> Viewer | RequestProblem | None:
        sent = headers.get("authorization")
        if sent is not None and path.startswith("/api/"):
            return await asyncio.to_thread(self._key_holder, sent)
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        if cookie is None:
            return None
        return await asyncio.to_thread(self.parts.sessions.viewer, cookie, now=datetime.now(UTC))

    def _key_holder(self, sent: str) -> Viewer | RequestProblem:
        found = self.parts.keys.check(sent, KeyScope.READ)
        if isinstance(found, Refusal):
            return RequestProblem(found.status, found.reason, field="Authorization")
        try:
            self.parts.api_rates.check(found.id)
        except RateLimitedError as refused:
            return RequestProblem(429, refused.reason, retry_after=refused.retry_after)
        role = Role.ADMIN if found.allows(KeyScope.ADMIN) else Role.VIEWER
        return Viewer(f"key {found.name}", role)

    def _is_from_here(self, scope: Scope, headers: Headers, viewer: Viewer | None) -> bool:
        """Tell whether what changes something, or opens a websocket, comes from a page of ours (or with a key)."""
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
        found = {
            "Content-Security-Policy": _policy(nonce),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",  # with `no-referrer` browsers send `Origin: null` with our own forms
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        if self.is_secure(scope):
            found["Strict-Transport-Security"] = "max-age=31536000"
        return found

    def is_secure(self, scope: Scope) -> bool:
        """Tell whether the browser came by https."""
        return is_secure(self.parts, scope)


def is_secure(parts: ConsoleDependencies, scope: Scope) -> bool:
    """Tell whether the browser came by https, as far as we are told."""
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
    asked = path + (f"?{scope['query_string'].decode(errors='replace')}" if scope["query_string"] else "")
    return RedirectResponse(f"/sign-in?next={quote(asked, safe='')}", 303)


def _unless_allowed(viewer: Viewer, least: Role | str | None, *, is_api: bool) -> Response | None:
    if least is OPEN:
        return None
    if least == SHUT:
        return problem_response(RequestProblem(404, "there is nothing here", field="path"))
    if viewer.may(Role(least)):
        return None
    return problem_response(forbidden(Role(least), viewer)) if is_api else _denied(Role(least), viewer)


def _denied(least: Role, viewer: Viewer) -> Response:
    said = f"This page takes the role {least.value}, and {viewer.name} is a {viewer.role.value}; ask an admin."
    return message_page("Not for you", said, status=403)


class _Sending:
    """Send an answer on with our headers; into a page's own scripts goes the nonce that lets them run.

    NiceGUI writes all that comes from data with `&lt;` for `<`, so `<script` in a page is always its own.
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
