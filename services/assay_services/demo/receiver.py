"""The demo's webhook subscriber: a real HTTP server on loopback that checks every signature."""

import base64
import hashlib
import hmac
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import orjson

_LARGEST = 16 * 1024 * 1024


@dataclass
class Receiver:
    """The received messages; a context manager. `secret` is the expected signing secret."""

    secret: str = ""
    messages: int = 0
    wrongly_signed: int = 0
    alerts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        """Start to listen."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        """Return the address for messages."""
        return f"http://127.0.0.1:{0 if self._server is None else self._server.server_port}/alerts"

    def receive(self, headers: dict[str, str], raw: bytes) -> int:
        """Process one message; return the HTTP status."""
        signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + raw
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        made = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(made, headers.get("webhook-signature", "")):
            self.wrongly_signed += 1
            return 401
        self.messages += 1
        for alert in orjson.loads(raw)["data"].get("alerts", ()):
            self.alerts[alert["id"]] = alert
        return 204


def _handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server requires
            raw = self.rfile.read(min(_LARGEST, int(self.headers.get("Content-Length", "0"))))
            self.send_response(receiver.receive({name.lower(): value for name, value in self.headers.items()}, raw))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
            """Log nothing: the demo draws its own screen."""

    return Handler
