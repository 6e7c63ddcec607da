"""Limits of the gateway: the size of a body, its duration, and the number of concurrent requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from assay_services.web.rate_limit import RateLimitedError


@dataclass(slots=True)
class ConcurrencyLimit:
    """The number of requests being answered whose bodies were read. It changes in place."""

    most: int
    inside: int = 0

    def __enter__(self) -> None:
        """Enter; raise RateLimitedError (503) if the limit is reached."""
        if self.inside >= self.most:
            raise RateLimitedError(503, f"{self.most} requests are being answered; try again", retry_after=1)
        self.inside += 1

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self.inside -= 1


@dataclass(slots=True)
class MemoryBudget:
    """The number of bytes of request bodies in memory. It changes in place."""

    most: int
    held: int = 0

    def reserve(self, count: int) -> None:
        """Reserve this many bytes; raise RateLimitedError (503) if the budget is exhausted."""
        if self.held + count > self.most:
            raise RateLimitedError(503, "too many large bodies at once; try again", retry_after=1)
        self.held += count


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Reads request bodies within a memory budget, a largest size (bytes), and a timeout per chunk (seconds)."""

    room: MemoryBudget
    largest: int
    largest_stream: int
    seconds: float

    @asynccontextmanager
    async def whole(self, request: Request) -> AsyncIterator[bytes]:
        """Read the whole body; raise RateLimitedError if it is too large (413), too slow (408) or too many (503)."""
        parts: list[bytes] = []
        try:
            async for part in self._parts(request, largest=self.largest):
                self.room.reserve(len(part))
                parts.append(part)
            yield b"".join(parts)
        finally:
            self.room.held -= sum(map(len, parts))

    async def lines(self, request: Request, *, at_once: int) -> AsyncIterator[list[bytes]]:
        """Yield the lines of a body in batches as they arrive; the last line may lack its newline."""
        rest, lines = b"", list[bytes]()
        async for part in self._parts(request, largest=self.largest_stream):
            *whole, rest = (rest + part).split(b"\n")
            if len(rest) > self.largest:
                raise RateLimitedError(413, f"a line has more than {self.largest:,} bytes")
            lines += whole
            while len(lines) >= at_once:
                yield lines[:at_once]
                lines = lines[at_once:]
        if lines or rest:
            yield [*lines, *([rest] if rest else [])]

    async def _parts(self, request: Request, *, largest: int) -> AsyncIterator[bytes]:
        too_large = RateLimitedError(413, f"the body has more than {largest:,} bytes; send it in parts")
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > largest:
            raise too_large
        got, stream = 0, request.stream()
        while True:
            try:
                async with asyncio.timeout(self.seconds):
                    part = await anext(stream, None)
            except TimeoutError:
                raise RateLimitedError(408, f"nothing came for {self.seconds:g} s") from None
            except ClientDisconnect:
                raise RateLimitedError(400, "the sender left before the body was whole") from None
            if part is None:
                return
            got += len(part)
            if got > largest:
                raise too_large
            yield part
