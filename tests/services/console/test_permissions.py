"""Every path of the console is listed with the lowest role it needs."""

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from assay_services.console.app import PAGES
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.console.permissions import LEAST_ROLES, LEAST_ROLES_BY_PREFIX, OPEN, UNLISTED, least_role
from assay_services.stores.control.tables.accounts import Role
from tests.services.console.conftest import signed_in

PAGE_PATHS = {page.path for page in PAGES}


def test_the_table_lists_exactly_the_routes_and_pages(service: FastAPI) -> None:
    routes = {path for route in service.routes if (path := getattr(route, "path", None))}

    assert routes | PAGE_PATHS == set(LEAST_ROLES)
    assert len([route for route in service.routes if isinstance(route, APIRoute)]) > len(PAGE_PATHS)


def test_only_signing_in_and_health_are_open() -> None:
    opened = {path for path, least in LEAST_ROLES.items() if least is OPEN}

    assert opened == {"/health", "/ready", "/sign-in", "/sign-in.css", "/welcome", "/oidc/begin", "/oidc/back"}
    assert all(least.is_at_least(Role.VIEWER) for least in LEAST_ROLES_BY_PREFIX.values())


@pytest.mark.parametrize("path", [path for path, least in LEAST_ROLES.items() if least is not OPEN])
def test_nobody_comes_in_without_signing_in(path: str, service: FastAPI, parts: ConsoleDependencies) -> None:
    browser = signed_in(parts, service, Role.VIEWER)
    browser.cookies.clear()

    got, sent = browser.get(path), browser.post(path, headers={"Origin": "http://console"})

    assert got.status_code in {303, 401}
    assert got.status_code == 401 or got.headers["location"].startswith("/sign-in?next=")
    assert sent.status_code == 401


@pytest.mark.parametrize("path", [path for path, least in LEAST_ROLES.items() if least is not OPEN])
@pytest.mark.parametrize("role", list(Role))
def test_a_path_admits_its_lowest_role_and_no_lower_one(
    path: str, role: Role, service: FastAPI, parts: ConsoleDependencies
) -> None:
    least = LEAST_ROLES[path]
    assert least is not None

    status = signed_in(parts, service, role).get(path).status_code

    assert (status == 403) == (not role.is_at_least(least))
    assert status != 401


def test_a_path_that_is_not_in_the_table_is_refused() -> None:
    assert least_role("/api/v1/anything") == UNLISTED
    assert least_role("/item/../metrics") == UNLISTED


def test_the_page_of_another_site_changes_nothing(service: FastAPI, parts: ConsoleDependencies) -> None:
    browser = signed_in(parts, service, Role.ADMIN)

    foreign = browser.post("/sign-out", headers={"Origin": "http://elsewhere"}, data={"form_token": "x"})
    without_token = browser.post("/sign-out", headers={"Origin": "http://console"}, data={"form_token": "x"})

    assert (foreign.status_code, without_token.status_code) == (403, 403)
    assert browser.get("/api/v1/projects").status_code == 200


def test_every_answer_carries_the_headers(service: FastAPI, parts: ConsoleDependencies) -> None:
    for path in ("/sign-in", "/api/v1/projects", "/nowhere"):
        headers = signed_in(parts, service, Role.VIEWER).get(path).headers

        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "'unsafe-inline'" not in headers["content-security-policy"].partition("style-src")[0]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
