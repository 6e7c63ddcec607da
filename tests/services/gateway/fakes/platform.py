"""What all fake platforms have: a clock, a token, people who work, webhooks that wait to be delivered; and a server."""

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from assay_services.gateway.core.decode_result import PlatformDelivery
from assay_services.gateway.core.platforms.registry import PLATFORMS
from assay_services.gateway.core.signatures import StaticHeader
from assay_services.gateway.reconcile.sources.label_studio_source import HEADER
from tests.services.gateway.signed_deliveries import SECRET, signed

TOKEN = "a-token-that-nobody-may-see"
LABELS = ("safe", "scam")
_READY_SECONDS = 90

Live = dict[tuple[str, str], Any]
"""The label that counts, by item and annotator."""


class Fake(ABC):
    """A platform as small as can be, with its API, and with its faults as they are known.

    Its clock is behind ours, and each thing that is done takes a second of it.
    """

    platform: ClassVar[str]
    number: ClassVar[str]
    token_header: ClassVar[str] = "authorization"
    token_value: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, *, items: int = 6, people: int = 3) -> None:
        """Set up a project with some items and some people."""
        self.now = datetime.now(UTC) - timedelta(hours=6)
        self.items, self.people = items, people
        self.deliveries: list[PlatformDelivery] = []
        self.hooked: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.secret = SECRET
        self.app = FastAPI()
        self.app.middleware("http")(self._guard)
        self.serve(self.app)

    async def _guard(self, request: Request, call: Any) -> Response:  # noqa: ANN401  # of the framework
        """Refuse whoever has no token, as these platforms do."""
        self.asked.append(f"{request.method} {request.url.path}")
        if request.headers.get(self.token_header) != self.token_value:
            return JSONResponse({"detail": "who are you?"}, 401)
        answer: Response = await call(request)
        return answer

    def tick(self) -> datetime:
        """Let a second pass."""
        self.now += timedelta(seconds=1)
        return self.now

    def post(self, body: bytes, *, at: datetime | None = None) -> None:
        """Have a webhook delivered some time, signed."""
        scheme = PLATFORMS[self.platform].scheme
        if isinstance(scheme, StaticHeader):
            scheme = replace(scheme, header=HEADER.lower())
        self.deliveries.append(signed(scheme, body, secret=self.secret, now=at or datetime.now(UTC)))

    @abstractmethod
    def serve(self, app: FastAPI) -> None:
        """Add the routes."""

    @abstractmethod
    def say(self, who: int, item: int, choice: int) -> None:
        """Let somebody label an item, perhaps anew."""

    @abstractmethod
    def take_back(self, who: int, item: int) -> None:
        """Let somebody's label be deleted, where there is one."""

    @abstractmethod
    def lose(self) -> None:
        """Lose a whole thing without a word."""

    @abstractmethod
    def live(self) -> Live:
        """Return what counts, read by hand."""

    def skip(self, who: int, item: int) -> None:  # noqa: B027  # not every platform knows it
        """Let somebody skip an item."""

    def work(self, rng: random.Random) -> None:
        """Let somebody do something."""
        who, item, fate = rng.randrange(self.people), rng.randrange(self.items), rng.random()
        if fate < 0.65:
            self.say(who, item, rng.randrange(2))
        elif fate < 0.9:
            self.take_back(who, item)
        else:
            self.skip(who, item)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port of this machine."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + _READY_SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(_READY_SECONDS)


def zulu(moment: datetime) -> str:
    """Write a time as most of them do."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def naive(moment: datetime) -> str:
    """Write a time without a zone."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")


def numbered(rows: Sequence[Any], page: int, size: int, *, name: str = "results") -> Response:
    """Return one page by its number; a page past the end is not there."""
    part = list(rows)[(page - 1) * size : page * size]
    if page > 1 and not part:
        return JSONResponse({"detail": "Invalid page."}, 404)
    return JSONResponse({name: part, "count": len(rows), "total": len(rows), "next": None, "previous": None})


def not_found() -> Response:
    """Return what these platforms say of what is not there."""
    return JSONResponse({"detail": "Not found."}, 404)
