"""Signing in: by password, by the one-time link, and not at all."""

from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest
from sqlalchemy import text

from assay_services.console.auth.sign_in_routes import local_path
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.console.middleware import COOKIE
from assay_services.stores.control.passwords import PasswordTooWeak, digest_of, is_right
from assay_services.stores.control.tables.accounts import Role
from assay_services.stores.control.tables.connections_and_keys import Scope
from assay_services.stores.control.users import UserError
from tests.services.console.conftest import PASSWORD

OURS = {"Origin": "http://console"}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_right_password_opens_a_session_that_scripts_cannot_read(nobody: httpx.Client) -> None:
    form = {"name": "lead", "password": PASSWORD, "next": "/items?project=x"}

    answer = nobody.post("/sign-in", data=form, headers=OURS)

    assert (answer.status_code, answer.headers["location"]) == (303, "/items?project=x")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    assert nobody.get("/api/v1/projects").status_code == 200


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(nobody: httpx.Client) -> None:
    answers = [
        nobody.post("/sign-in", data={"name": name, "password": "wrong"}, headers=OURS) for name in ("lead", "nobody")
    ]

    assert [one.status_code for one in answers] == [401, 401]
    assert answers[0].text.replace("lead", "") == answers[1].text.replace("nobody", "")
    assert COOKIE not in nobody.cookies


def test_too_many_tries_are_refused_before_the_password_is_looked_at(
    parts: ConsoleDependencies, nobody: httpx.Client
) -> None:
    parts.sign_in_rates.clock = lambda: 0.0  # two tries a second are allowed, and no time passes

    tries = [nobody.post("/sign-in", data={"name": "x", "password": "y"}, headers=OURS) for _ in range(3)]

    assert [one.status_code == 429 for one in tries] == [False, False, True]


def test_after_five_failures_even_the_right_password_has_to_wait(parts: ConsoleDependencies) -> None:
    for _ in range(5):
        assert parts.users.authenticate("lead", "wrong", now=NOW) is None

    at_once = parts.users.authenticate("lead", PASSWORD, now=NOW)
    later = parts.users.authenticate("lead", PASSWORD, now=NOW + timedelta(seconds=31))

    assert at_once is None
    assert later is not None
    assert later.failures == 0


def test_a_disabled_user_is_out_at_once_and_the_last_admin_stays(parts: ConsoleDependencies) -> None:
    user = parts.users.get("viewer")
    assert user is not None
    cookie = parts.sessions.open(user, now=NOW)

    parts.users.change("viewer", disabled=True)

    assert parts.sessions.viewer(cookie, now=NOW) is None
    with pytest.raises(UserError, match="nobody would be an admin"):
        parts.users.change("admin", role=Role.LEAD)


def test_a_session_ends_when_it_is_not_used(parts: ConsoleDependencies) -> None:
    user = parts.users.get("viewer")
    assert user is not None
    cookie = parts.sessions.open(user, now=NOW)

    during, after = (parts.sessions.viewer(cookie, now=NOW + timedelta(hours=hours)) for hours in (11, 24))

    assert during is not None
    assert during.role is Role.VIEWER
    assert after is None


def test_the_first_link_makes_one_admin_once(parts: ConsoleDependencies, nobody: httpx.Client) -> None:
    parts.users.add("spare", Role.VIEWER, now=NOW)
    assert parts.sessions.first_link(now=NOW, lasting=timedelta(hours=1)) is None  # there is an admin
    _without_admins(parts)
    token = parts.sessions.first_link(now=datetime.now(UTC), lasting=timedelta(hours=1))
    assert token is not None
    form = {"token": token, "name": "first", "password": PASSWORD}

    weak = nobody.post("/welcome", data=form | {"password": "short"}, headers=OURS)
    first = nobody.post("/welcome", data=form, headers=OURS)
    second = nobody.post("/welcome", data=form | {"name": "second"}, headers=OURS)

    assert weak.status_code == 422
    assert first.status_code == 303
    assert second.status_code in {403, 429}
    assert [user.name for user in parts.users.all() if user.role is Role.ADMIN and not user.disabled] == ["first"]


def test_a_link_is_void_when_it_is_old_or_a_newer_one_was_printed(parts: ConsoleDependencies) -> None:
    _without_admins(parts)
    old = parts.sessions.first_link(now=NOW, lasting=timedelta(hours=1))
    new = parts.sessions.first_link(now=NOW, lasting=timedelta(hours=1))
    assert old is not None
    assert new is not None

    assert not parts.sessions.use_link(old, now=NOW)
    assert not parts.sessions.use_link(new, now=NOW + timedelta(hours=2))
    assert parts.sessions.use_link(new, now=NOW)


def _without_admins(parts: ConsoleDependencies) -> None:
    with parts.control.begin() as connection:
        connection.execute(text("UPDATE users SET disabled = true WHERE role = 'ADMIN' OR role = 'admin'"))


def test_a_weak_password_is_not_taken_and_a_long_one_is_checked_whole() -> None:
    for weak in ("short", "a" * 20, "ab" * 10):
        with pytest.raises(PasswordTooWeak):
            digest_of(weak)
    digest = digest_of(PASSWORD + "1")

    assert is_right(digest, PASSWORD + "1")
    assert not is_right(digest, PASSWORD + "2")
    assert not is_right(None, "")


@pytest.mark.parametrize(
    "where", ["//elsewhere", "/\\elsewhere", "https://elsewhere", "javascript:x", "/a\nb", "items"]
)
def test_signing_in_leads_nowhere_else(where: str) -> None:
    assert local_path(where) == "/"


def test_a_key_reads_as_a_viewer_and_writes_nothing(parts: ConsoleDependencies, nobody: httpx.Client) -> None:
    numbers = count()
    keys = {
        scope: parts.keys.create(f"key {next(numbers)}", [scope], now=NOW)[1] for scope in (Scope.READ, Scope.WRITE)
    }

    read = nobody.get("/api/v1/annotators?project=ads-safety", headers={"Authorization": f"Bearer {keys[Scope.READ]}"})
    write = nobody.get("/api/v1/projects", headers={"Authorization": f"Bearer {keys[Scope.WRITE]}"})
    page = nobody.get("/items", headers={"Authorization": f"Bearer {keys[Scope.READ]}"})

    assert read.status_code == 200
    assert all(one["annotator"].startswith("annotator ") for one in read.json()["data"])
    assert (write.status_code, page.status_code) == (403, 303)
