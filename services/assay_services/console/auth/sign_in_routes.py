"""HTTP routes to sign in and out."""

import asyncio
import hmac
from datetime import UTC, datetime
from typing import Annotated

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from assay_services.console.auth.openid import BACK, LASTING, NotLetInError, ProviderAwayError
from assay_services.console.auth.sessions import Viewer
from assay_services.console.auth.sign_in_forms import STYLE, message_page, sign_in_page, welcome_page
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.console.middleware import COOKIE, is_secure
from assay_services.engine.logs import get_logger
from assay_services.stores.control.passwords import PasswordTooWeak, digest_of
from assay_services.stores.control.tables.accounts import Role, User
from assay_services.stores.control.users import UserError, checked_name
from assay_services.web.rate_limit import RateLimitedError

log = get_logger("console")

_BEGUN = "assay_openid"
_WRONG = "Wrong name or password. After several failed attempts, wait a minute."
_INVALID_LINK = "This link was used, has expired, or was replaced by a newer one. You can also run `assay user add`."


def add_signing(app: FastAPI, parts: ConsoleDependencies) -> None:
    """Add the routes to sign in and out."""
    provider = "" if parts.provider is None else parts.settings.oidc_name
    _add_sign_in(app, parts, provider)
    _add_welcome(app, parts)
    _add_openid(app, parts)

    @app.get("/sign-in.css", include_in_schema=False)
    async def style() -> Response:
        return PlainTextResponse(STYLE, media_type="text/css")

    @app.post("/sign-out", include_in_schema=False)
    async def sign_out(request: Request, form_token: Annotated[str, Form()] = "") -> Response:
        viewer: Viewer = request.state.viewer
        if not hmac.compare_digest((viewer.form_token or "").encode(), form_token.encode()):
            return message_page("Sign-out failed", "The form has expired. Go back and try again.", status=403)
        await asyncio.to_thread(parts.sessions.close, request.cookies.get(COOKIE))
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE)
        return answer


def _add_sign_in(app: FastAPI, parts: ConsoleDependencies, provider: str) -> None:
    @app.get("/sign-in", include_in_schema=False)
    async def ask(request: Request) -> Response:
        following = local_path(request.query_params.get("next", "/"))
        if request.state.viewer is not None:
            return RedirectResponse(following, 303)
        return sign_in_page(following=following, provider=provider)

    @app.post("/sign-in", include_in_schema=False)
    async def sign_in(
        request: Request,
        name: Annotated[str, Form(max_length=1_000)],
        password: Annotated[str, Form(max_length=10_000)],
        following: Annotated[str, Form(alias="next")] = "/",
    ) -> Response:
        try:
            parts.sign_in_rates.check(_from(request))
        except RateLimitedError as refused:
            answer: Response = message_page("Too many attempts", "Wait a few seconds, then try again.", status=429)
            answer.headers["Retry-After"] = str(refused.retry_after or 1)
            return answer
        user = await asyncio.to_thread(parts.users.authenticate, name, password, now=datetime.now(UTC))
        if user is None:
            log.warning("sign_in_refused", user=name[:100])
            return sign_in_page(following=local_path(following), name=name, wrong=_WRONG, provider=provider)
        return await admit(parts, request, user, local_path(following))


def _add_welcome(app: FastAPI, parts: ConsoleDependencies) -> None:
    @app.get("/welcome", include_in_schema=False)
    async def welcome(token: str = "") -> Response:  # the empty default is never valid
        good = await asyncio.to_thread(parts.sessions.link_is_good, token, now=datetime.now(UTC))
        return welcome_page(token=token) if good else message_page("Link not valid", _INVALID_LINK, status=403)

    @app.post("/welcome", include_in_schema=False)
    async def begin(
        request: Request,
        token: Annotated[str, Form()],
        name: Annotated[str, Form(max_length=1_000)],
        password: Annotated[str, Form(max_length=10_000)],
    ) -> Response:
        try:
            parts.sign_in_rates.check(_from(request))
            user = await asyncio.to_thread(_first_admin, parts, token, name, password)
        except RateLimitedError:
            return message_page("Too many attempts", "Wait a few seconds, then try again.", status=429)
        except (PasswordTooWeak, UserError) as wrong:
            return welcome_page(token=token, name=name, wrong=str(wrong))
        if user is None:
            return message_page("Link not valid", _INVALID_LINK, status=403)
        return await admit(parts, request, user, "/")


def _add_openid(app: FastAPI, parts: ConsoleDependencies) -> None:
    @app.get("/oidc/begin", include_in_schema=False)
    async def begin(request: Request) -> Response:
        if parts.provider is None:
            return _no_provider()
        following = local_path(request.query_params.get("next", "/"))
        try:
            begun = await parts.provider.begin(following, now=datetime.now(UTC))
        except ProviderAwayError as error:
            log.warning("openid_provider_away", reason=str(error))
            return message_page(
                "Provider unavailable", f"{parts.settings.oidc_name} does not answer. Try again later.", status=503
            )
        answer = RedirectResponse(begun.address, 303)
        answer.set_cookie(
            _BEGUN,
            begun.sealed,
            max_age=int(LASTING.total_seconds()),
            path=BACK,
            httponly=True,
            samesite="lax",
            secure=is_secure(parts, request.scope),
        )
        return answer

    @app.get(BACK, include_in_schema=False)
    async def back(request: Request) -> Response:
        answer = await _come_back(parts, request)
        answer.delete_cookie(_BEGUN, path=BACK)
        return answer


async def _come_back(parts: ConsoleDependencies, request: Request) -> Response:
    if parts.provider is None:
        return _no_provider()
    now = datetime.now(UTC)
    try:
        parts.sign_in_rates.check(_from(request))
        person = await parts.provider.finish(request.query_params, request.cookies.get(_BEGUN, ""), now=now)
    except RateLimitedError:
        return message_page("Too many attempts", "Wait a few seconds, then try again.", status=429)
    except ProviderAwayError as error:
        log.warning("openid_provider_away", reason=str(error))
        return message_page(
            "Provider unavailable", f"{parts.settings.oidc_name} does not answer. Try again later.", status=503
        )
    except NotLetInError as error:
        log.warning("openid_refused", reason=str(error))
        return message_page("Sign-in failed", "Your identity could not be verified. Sign in again.", status=403)
    role = parts.settings.oidc_role
    user = await asyncio.to_thread(parts.users.come_by_provider, person.subject, person.name, role, now=now)
    if user is None:
        return message_page("Sign-in refused", "This user is disabled. Ask an admin.", status=403)
    return await admit(parts, request, user, local_path(person.following))


def _no_provider() -> Response:
    return message_page(
        "Not available", "Sign in with a password: this console has no OpenID Connect provider.", status=404
    )


def _first_admin(parts: ConsoleDependencies, token: str, name: str, password: str) -> User | None:
    now = datetime.now(UTC)
    if not parts.sessions.link_is_good(token, now=now):
        return None
    digest_of(password)  # checked first, so that a weak password does not use up the link
    name = checked_name(name)  # and neither does a name that is none
    if parts.users.get(name) is not None:
        raise UserError(f"A user '{name}' already exists. Choose another name.")
    if not parts.sessions.use_link(token, now=now):
        return None
    return parts.users.add(name, Role.ADMIN, now=now, password=password)


async def admit(parts: ConsoleDependencies, request: Request, user: User, following: str) -> Response:
    """Open a session for a user, and redirect the browser."""
    cookie = await asyncio.to_thread(parts.sessions.open, user, now=datetime.now(UTC))
    await asyncio.to_thread(parts.sessions.close, request.cookies.get(COOKIE))
    log.info("signed_in", user=user.name, role=user.role)
    answer = RedirectResponse(following, 303)
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=int(parts.settings.console_session_hours * 3_600),
        httponly=True,
        samesite="lax",
        secure=is_secure(parts, request.scope),
    )
    return answer


def local_path(path: str) -> str:
    """Return a path of this console to continue at; '/' for anything that could lead to another site."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain and "\\" not in path else "/"


def _from(request: Request) -> str:
    return "unknown" if request.client is None else request.client.host
