"""Asking a platform: limits, waiting, errors that show nothing; and pages that change while they are read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_schemas.json_data import Json
from assay_services.gateway.core.platforms.coercion import JsonFields
from assay_services.gateway.reconcile.sources.http_client import Client, PlatformError, by_time, plain
from tests.services.gateway.fakes.platform import served, zulu

SECRET = "a-token-nobody-may-see"
NOWHERE = "http://127.0.0.1:1"
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def asked(app: FastAPI, path: str, **rest: Any) -> Any:  # noqa: ANN401  # JSON
    async def ask(url: str) -> Json:
        client = Client("Platform", url, {"Authorization": f"Token {SECRET}"})
        try:
            return await client.ask("GET", path, **rest)
        finally:
            await client.close()

    with served(app) as url:
        return asyncio.run(ask(url))


def answering(answer: Callable[[int], Response]) -> FastAPI:
    """Return a platform that answers each time with what is made of the number of times."""
    app, times = FastAPI(), [0]

    @app.get("/thing")
    async def thing() -> Response:
        times[0] += 1
        return answer(times[0])

    return app


def test_a_redirect_is_not_followed_and_the_token_not_taken_elsewhere() -> None:
    elsewhere: list[str] = []
    app = answering(lambda _: RedirectResponse("/elsewhere"))

    @app.get("/elsewhere")
    async def other(request: Request) -> str:
        elsewhere.append(request.headers["authorization"])
        return "here"

    with pytest.raises(PlatformError, match="sends us elsewhere"):
        asked(app, "/thing")

    assert elsewhere == []


def test_who_is_asked_to_slow_down_comes_again_after_a_while() -> None:
    app = answering(lambda times: JSONResponse({"n": times}, 200 if times > 2 else 429, {"Retry-After": "0"}))

    assert asked(app, "/thing") == {"n": 3}


def test_who_is_asked_to_slow_down_again_and_again_says_so() -> None:
    app = answering(lambda _: JSONResponse({}, 429, {"Retry-After": "0"}))

    with pytest.raises(PlatformError, match="slow down"):
        asked(app, "/thing")


def test_what_is_not_there_is_an_error_or_what_was_said_for_it() -> None:
    app = answering(lambda _: JSONResponse({}, 404))

    assert asked(app, "/thing", missing=None) is None
    with pytest.raises(PlatformError, match="404"):
        asked(app, "/thing")


def test_an_answer_that_is_no_json_says_so() -> None:
    app = answering(lambda _: Response("<html>"))

    with pytest.raises(PlatformError, match="no JSON"):
        asked(app, "/thing")


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("ftp://x", "t"),
        ("http://[", "t"),
        ("http://127.0.0.1:1", f"{SECRET}\nx: y"),
        ("http://127.0.0.1:1", f"{SECRET}é"),
    ],
)
def test_an_address_or_a_token_that_cannot_be_used_says_so_and_shows_nothing(url: str, token: str) -> None:
    async def ask() -> None:
        client = Client("Platform", url, {"Authorization": token})
        try:
            await client.ask("GET", "/thing")
        finally:
            await client.close()

    with pytest.raises(PlatformError) as error:
        asyncio.run(ask())

    assert SECRET not in str(error.value)


@pytest.mark.parametrize("thing", ["../x", "a/b", "a?b", "", "é", "a" * 129, "a b", "a\n"])
def test_an_id_that_cannot_stand_in_an_address_is_none(thing: str) -> None:
    assert plain(thing) is None
    assert plain("A1-b_2") == "A1-b_2"


class Rows:
    """Rows sorted by time, some of which change while they are read."""

    def __init__(self, times: Sequence[int], changes: Sequence[int], size: int) -> None:
        self.size, self.changes = size, list(changes)
        self.now = max(times, default=0) + 1
        self.rows = dict(enumerate(times))

    def marks(self) -> set[tuple[str, str]]:
        """Return what is there."""
        return {(str(row), _time(at)) for row, at in self.rows.items()}

    async def page(self, after: datetime | None, number: int) -> Sequence[JsonFields]:
        """Return a page as a platform with numbered pages does, and then let a row change."""
        found = sorted((at, row) for row, at in self.rows.items() if after is None or _at(at) > after)
        part = found[(number - 1) * self.size : number * self.size]
        if self.changes and self.rows:
            self.now += 1
            self.rows[self.changes.pop() % len(self.rows)] = self.now
        return [{"id": row, "updated_at": _time(at)} for at, row in part]


def _at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def _time(seconds: int) -> str:
    return zulu(_at(seconds))


async def _all_of(
    page: Callable[[datetime | None, int], Awaitable[Sequence[JsonFields]]], size: int
) -> list[JsonFields]:
    return [row async for row in by_time(page, None, field="updated_at", size=size)]


@settings(deadline=None)
@given(
    times=st.lists(st.integers(0, 8), max_size=40),
    changes=st.lists(st.integers(0, 39), max_size=12),
    size=st.integers(2, 7),
)
def test_pages_that_change_while_they_are_read_hide_nothing(times: list[int], changes: list[int], size: int) -> None:
    rows = Rows(times, changes, size)

    read = asyncio.run(_all_of(rows.page, size))

    found = [(str(row["id"]), str(row["updated_at"])) for row in read]
    unseen = {mark for mark in rows.marks() if mark not in found}
    assert len(unseen) <= 1, "only what changed after the last page was read may be unseen"
    assert len(set(found)) == len(found)
