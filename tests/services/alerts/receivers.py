"""Subscribers: real HTTP servers that answer as they are told, and remember what they were sent."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str]]
FINE: Answer = (204, {})
CUT: Answer = (0, {})
"""Close the connection half-way through the answer."""


@dataclass
class Receiver:
    """What has come. `answer` takes how many came before."""

    answer: Callable[[int], Answer]
    pause_seconds: float = 0.0
    port: int = 0
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=not-to-be-shown"

    @property
    def bodies(self) -> list[Any]:
        """Return what was taken: answered with 2xx."""
        return [json.loads(raw) for _, raw in list(self.taken)]

    def bodies_of_slack(self) -> list[str]:
        """Return the texts that a chat would show."""
        return [body["text"] for body in self.bodies]

    @property
    def transitions(self) -> list[tuple[str, str]]:
        """Return the id of the message and the transition, for each alert that was taken."""
        return [
            (headers["webhook-id"], alert["transition"])
            for headers, raw in list(self.taken)
            for alert in json.loads(raw)["data"].get("alerts", ())
        ]

    def take(self, headers: dict[str, str], raw: bytes) -> Answer:
        number = len(self.came)
        self.came.append((headers, raw))
        time.sleep(self.pause_seconds)
        answer = self.answer(number)
        if 200 <= answer[0] < 300:
            self.taken.append((headers, raw))
        return answer


@contextmanager
def receiving(answer: Callable[[int], Answer] = lambda _: FINE, *, pause_seconds: float = 0.0) -> Iterator[Receiver]:
    """Run a subscriber on loopback."""
    receiver = Receiver(answer, pause_seconds)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # its name there
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = receiver.take({name.lower(): value for name, value in self.headers.items()}, raw)
            if status == 0:
                self.wfile.write(b"HTTP/1.1 20")
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
