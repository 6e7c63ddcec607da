"""Signing in by OpenID Connect: a provider on a real port, who is let in, and everything that is not proof."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey

from assay_services.console.app import build_service
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.console.middleware import COOKIE
from assay_services.console.settings import ConsoleSettings
from assay_services.stores.control.tables.accounts import Role
from assay_services.web.rate_limit import RateLimiter
from tests.services.console.provider import CLIENT, SECRET, SmallProvider, serving


@pytest.fixture
def provider() -> Iterator[SmallProvider]:
    with serving(SmallProvider()) as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path, provider: SmallProvider) -> ConsoleSettings:
    return ConsoleSettings(
        folder=tmp_path,
        console_url="http://console",
        oidc_issuer=provider.issuer,
        oidc_client=CLIENT,
        oidc_secret=SECRET,
        oidc_role=Role.REVIEWER,
        oidc_name="Example & Co",
        _env_file=None,
    )


@pytest.fixture
def service(parts: ConsoleDependencies) -> FastAPI:
    return build_service(replace(parts, sign_in_rates=RateLimiter(100.0)))


def begun(browser: httpx.Client, *, following: str = "/items?project=x") -> str:
    """Begin, and sign in at the provider's; return where that sends the browser back to."""
    asked = browser.get(f"/oidc/begin?{urlencode({'next': following})}")
    assert asked.status_code == 303
    there = httpx.get(asked.headers["location"], trust_env=False)
    assert there.status_code == 302
    return str(there.headers["location"])


def test_somebody_new_gets_the_role_of_the_settings_and_goes_where_they_wanted(
    nobody: httpx.Client, parts: ConsoleDependencies, provider: SmallProvider
) -> None:
    answer = nobody.get(begun(nobody))

    assert (answer.status_code, answer.headers["location"]) == (303, "/items?project=x")
    assert nobody.get("/api/v1/projects").status_code == 200
    user = parts.users.get("lena")
    assert user is not None
    assert (user.role, user.digest, user.subject) == (Role.REVIEWER, None, f"{provider.issuer} person-1")


def test_who_comes_again_is_the_same_user_whatever_they_are_called_by_now(
    nobody: httpx.Client, parts: ConsoleDependencies, provider: SmallProvider
) -> None:
    nobody.get(begun(nobody))
    parts.users.change("lena", role=Role.LEAD)
    provider.name = "lena married"

    assert nobody.get(begun(nobody)).status_code == 303

    assert nobody.get("/metrics").status_code == 200
    assert parts.users.get("lena married") is None


def test_a_name_that_is_taken_is_not_given_to_another(
    nobody: httpx.Client, parts: ConsoleDependencies, provider: SmallProvider
) -> None:
    provider.name = "admin"

    nobody.get(begun(nobody))

    found = {user.name: user for user in parts.users.all()}
    assert found["admin"].subject is None
    assert (found["admin 2"].role, found["admin 2"].subject) == (Role.REVIEWER, f"{provider.issuer} person-1")
    assert nobody.get("/metrics").status_code == 403


def test_a_disabled_user_is_not_let_in_by_the_provider_either(nobody: httpx.Client, parts: ConsoleDependencies) -> None:
    nobody.get(begun(nobody))
    parts.users.change("lena", disabled=True)

    assert nobody.get(begun(nobody)).status_code == 403


def refused(answer: httpx.Response, browser: httpx.Client, parts: ConsoleDependencies) -> bool:
    """Tell whether nobody was let in, and no user was made."""
    return answer.status_code == 403 and COOKIE not in browser.cookies and parts.users.get("lena") is None


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "http://elsewhere"},
        {"aud": "another client"},
        {"exp": int(time.time()) - 600},
        {"iat": int(time.time()) + 6_000},
        {"sub": "x" * 600},
        {"sub": None},
    ],
)
def test_a_token_that_says_anything_wrong_is_refused(
    lies: dict[str, Any], nobody: httpx.Client, parts: ConsoleDependencies, provider: SmallProvider
) -> None:
    provider.lies = lies

    answer = nobody.get(begun(nobody))

    assert refused(answer, nobody, parts)
    assert provider.tokens_given == 1


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSAKey.generate_key(2048, {"kid": "first"}), "RS256"),
        (RSAKey.generate_key(2048, {"kid": "unknown"}), "RS256"),
        (None, "HS256"),
        (None, "none"),
    ],
)
def test_a_token_signed_by_no_key_of_the_providers_is_refused(
    key: RSAKey | None, algorithm: str, nobody: httpx.Client, parts: ConsoleDependencies, provider: SmallProvider
) -> None:
    provider.signs_with, provider.algorithm = key, algorithm

    assert refused(nobody.get(begun(nobody)), nobody, parts)


def test_a_key_that_the_provider_took_meanwhile_is_fetched(nobody: httpx.Client, provider: SmallProvider) -> None:
    assert nobody.get(begun(nobody)).status_code == 303
    provider.shows = RSAKey.generate_key(2048, {"kid": "second"})

    assert nobody.get(begun(nobody)).status_code == 303


def test_another_state_another_browser_and_no_beginning_are_refused(
    nobody: httpx.Client, parts: ConsoleDependencies, service: FastAPI, provider: SmallProvider
) -> None:
    back = begun(nobody)
    elsewhere = TestClient(service, base_url="http://console", follow_redirects=False).get(back)
    code = parse_qs(urlsplit(back).query)["code"][0]
    forged = nobody.get(f"/oidc/back?{urlencode({'code': code, 'state': 'forged'})}")
    after = nobody.get(back)

    assert [one.status_code for one in (elsewhere, forged, after)] == [403, 403, 403]
    assert parts.users.get("lena") is None
    assert provider.tokens_given == 0


def test_an_answer_cannot_be_used_twice(nobody: httpx.Client) -> None:
    back = begun(nobody)
    sealed = nobody.cookies["assay_openid"]
    assert nobody.get(back).status_code == 303
    nobody.cookies.clear()
    nobody.cookies.set("assay_openid", sealed)

    assert nobody.get(back).status_code == 403


def test_what_the_provider_refuses_and_what_is_too_old_is_said_plainly(
    nobody: httpx.Client, parts: ConsoleDependencies, provider: SmallProvider
) -> None:
    state = parse_qs(urlsplit(begun(nobody)).query)["state"][0]

    answer = nobody.get(f"/oidc/back?{urlencode({'error': 'access_denied<script>', 'state': state})}")

    assert refused(answer, nobody, parts)
    assert "<script" not in answer.text
    assert provider.tokens_given == 0


def test_the_sign_in_page_names_the_provider_and_leads_there(nobody: httpx.Client) -> None:
    page = nobody.get("/sign-in?next=/items").text

    assert 'href="/oidc/begin?next=%2Fitems">Sign in with Example &amp; Co</a>' in page


@pytest.mark.parametrize("following", ["//elsewhere", "https://elsewhere"])
def test_coming_back_leads_nowhere_else(following: str, nobody: httpx.Client) -> None:
    assert nobody.get(begun(nobody, following=following)).headers["location"] == "/"


def test_a_provider_that_is_away_or_another_lets_nobody_in(parts: ConsoleDependencies) -> None:
    for issuer in ("http://127.0.0.1:9", f"{parts.settings.oidc_issuer}/another"):
        settings = parts.settings.model_copy(update={"oidc_issuer": issuer})
        assert parts.provider is not None
        wrong = replace(parts, settings=settings, provider=type(parts.provider)(settings, issuer, parts.vault))
        browser = TestClient(build_service(wrong), base_url="http://console", follow_redirects=False)

        answer = browser.get("/oidc/begin")

        assert answer.status_code == 503
        assert "Example &amp; Co does not answer" in answer.text
