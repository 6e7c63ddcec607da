"""Call a platform over HTTP: rate-limited, without following redirects, with errors that name a remedy."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from assay_schemas.errors import AssayUserError
from assay_services.gateway.core.platforms.coercion import JsonFields, identifier, moment
from assay_services.gateway.reconcile.sources.source import Registered

_SECONDS = 60.0
_PAUSE_SECONDS = 0.01
_LARGEST_ANSWER = 256 * 1024 * 1024
_MOST_WAITS = 3
_LONGEST_WAIT_SECONDS = 30.0
_MOST_PAGES = 10_000
_WAIT_STATUS = {429, 503}
_NOT_FOUND = 404
_MICROSECOND = timedelta(microseconds=1)
_MARGIN = timedelta(seconds=2)
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_HINTS = {
    401: "the token is not accepted",
    403: "the token's user may not do that",
    404: "there is no such thing; check the address and the number of the project",
    429: "it asks us to slow down, and did so several times",
}
RAISE = object()
"""The value of `missing` that makes a 404 an error."""


class PlatformError(AssayUserError):
    """The platform's response is not as expected; the message has what happened and what to check."""


class Client:
    """Calls one platform. Every method raises PlatformError; no message contains a secret."""

    def __init__(
        self, platform: str, url: str, headers: Mapping[str, str], hints: Mapping[int, str] | None = None
    ) -> None:
        """Call `url` with these headers; `hints` has a remedy for some statuses."""
        self._platform = platform
        self._hints = _HINTS | dict(hints or {})
        self._next_at = 0.0
        self.known_until: datetime | None = None
        """A time on the platform's clock up to which the last response is complete."""
        if not url.startswith(("http://", "https://")):
            raise PlatformError(f"the address of {platform} has to begin with http:// or https://")
        try:
            self._http = httpx.AsyncClient(
                base_url=url.rstrip("/"), headers=headers, timeout=_SECONDS, follow_redirects=False
            )
        except (httpx.InvalidURL, ValueError):
            raise PlatformError(f"the address or the token of {platform} is malformed; enter them again") from None
        self._where = f"{self._http.base_url.scheme}://{self._http.base_url.netloc.decode().rpartition('@')[2]}"

    def surely(self, changed: datetime | None) -> datetime | None:
        """Return the time up to which the last response is known to be complete, given the thing's time of change."""
        return max((one for one in (changed, self.known_until) if one is not None), default=None)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        missing: Any = RAISE,  # noqa: ANN401  # in place of its JSON
        absent: Collection[int] = (_NOT_FOUND,),
        **rest: Any,  # noqa: ANN401  # of httpx
    ) -> Any:  # noqa: ANN401  # its JSON
        """Return the JSON of a response; return `missing` for a thing that does not exist, or raise if it is RAISE.

        `absent` are the statuses that mean it does not exist.
        """
        status, headers, content = await self._answer(method, path, rest)
        for waits in range(_MOST_WAITS):
            if status not in _WAIT_STATUS:
                break
            await asyncio.sleep(_wanted_pause(headers, waits))
            status, headers, content = await self._answer(method, path, rest)
        if status in absent and missing is not RAISE:
            return missing
        if not httpx.codes.is_success(status):
            raise PlatformError(self._complaint(method, path, status))
        try:
            return orjson.loads(content) if content else {}
        except orjson.JSONDecodeError:
            raise PlatformError(
                f"{method} {path}: the answer is no JSON; is {self._where} a {self._platform}?"
            ) from None

    async def _answer(self, method: str, path: str, rest: Mapping[str, Any]) -> tuple[int, httpx.Headers, bytes]:
        await self._pace()
        began = time.monotonic()
        try:
            async with self._http.stream(method, path, **rest) as answer:
                parts, size = [], 0
                async for part in answer.aiter_bytes():
                    size += len(part)
                    if size > _LARGEST_ANSWER:
                        raise PlatformError(f"{method} {path}: the response is larger than {_LARGEST_ANSWER:,} bytes")
                    parts.append(part)
                self._note_time(answer.headers, timedelta(seconds=time.monotonic() - began))
                return answer.status_code, answer.headers, b"".join(parts)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # their messages may contain secrets
            raise PlatformError(
                f"{self._platform} at {self._where} cannot be reached ({type(error).__name__}); is it up, and is the "
                "address right?"
            ) from None

    async def _pace(self) -> None:
        """Wait between two requests."""
        now = time.monotonic()
        pause, self._next_at = self._next_at - now, max(now, self._next_at) + _PAUSE_SECONDS
        if pause > 0:
            await asyncio.sleep(pause)

    def _note_time(self, headers: httpx.Headers, took: timedelta) -> None:
        try:
            answered = parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
        except ValueError:
            answered = datetime.now(UTC)
        self.known_until = answered - took - _MARGIN

    def _complaint(self, method: str, path: str, status: int) -> str:
        said = f"{self._platform} answered {status} to {method} {path}"
        hint = self._hints.get(status)
        if hint is None and httpx.codes.is_redirect(status):
            hint = "it sends us elsewhere, and a token is not taken along; give the address that it sends to"
        return said if hint is None else f"{said}: {hint}"


def _wanted_pause(headers: httpx.Headers, waits: int) -> float:
    written = headers.get("retry-after", "")
    return min(_LONGEST_WAIT_SECONDS, float(written) if written.isdigit() else 2.0**waits)


def plain(thing: str) -> str | None:
    """Return an external id if it is safe in a URL path, else None."""
    return thing if _PLAIN_ID.fullmatch(thing) else None


PageLoader = Callable[[datetime | None, int], Awaitable[Sequence[JsonFields]]]


async def by_time(page: PageLoader, since: datetime | None, *, field: str, size: int) -> AsyncIterator[JsonFields]:
    """Yield rows sorted by time, each state once, although rows change and move while they are read.

    `page(after, number)` returns the rows after a time. Each page starts at the newest time of the one before and not
    at the next page number: a row that moved would shift the rest, and one row would be missed.
    """
    after = since
    seen: dict[tuple[str | None, str], datetime | None] = {}
    for _ in range(_MOST_PAGES):
        rows = await page(after, 1)
        newest = max((found for row in rows if (found := moment(row.get(field))) is not None), default=None)
        crowded = len(rows) == size and after is not None and (newest is None or newest - _MICROSECOND <= after)
        if crowded and newest is not None:
            rows = [*rows, *await _of_one_time(page, after, newest, field=field, size=size)]
        for row in rows:
            mark = (identifier(row.get("id")), str(row.get(field)))
            if mark not in seen:
                seen[mark] = moment(row.get(field))
                yield row
        if newest is None or (len(rows) < size and not crowded):
            return
        after = newest if crowded else newest - _MICROSECOND
        seen = {mark: at for mark, at in seen.items() if at is None or at > after}


async def _of_one_time(
    page: PageLoader, after: datetime | None, time: datetime, *, field: str, size: int
) -> Sequence[JsonFields]:
    """Return the rows of a single time that fill more than a page.

    The pages are read backwards by number: a row that changes leaves them, the others shift towards the first page, and
    are still read.
    """
    last = 1
    while last < _MOST_PAGES:
        last += 1
        rows = await page(after, last)
        if len(rows) < size or any(moment(row.get(field)) != time for row in rows):
            break
    found: list[JsonFields] = []
    for number in range(last, 0, -1):
        found += [row for row in await page(after, number) if moment(row.get(field)) == time]
    return found


async def by_page(page: Callable[[int], Awaitable[Sequence[JsonFields]]], *, size: int) -> AsyncIterator[JsonFields]:
    """Yield the rows of all pages."""
    for number in range(1, _MOST_PAGES + 1):
        rows = await page(number)
        for row in rows:
            yield row
        if len(rows) < size:
            return


class Asking:
    """Shared by sources: closes its client, and registers no webhook by default."""

    def __init__(self, client: Client) -> None:
        """Call the platform with `client`."""
        self._client = client

    async def __aenter__(self) -> Self:
        """Return the source."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self._client.close()

    async def register_webhook(self, url: str, secret: str) -> Registered | None:  # noqa: ARG002  # unused by default
        """Return None: a person has to register the webhook."""
        return None

    async def remove_webhook(self, webhook: str) -> None:
        """Do nothing."""
