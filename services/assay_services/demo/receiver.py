"""A subscriber of the demo's own: a real HTTP server on loopback that checks every signature."""

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
    """What has come; usable with `with`. `secret` is what the messages must be signed with."""

    secret: str = ""
    messages: int = 0
    wrongly_signed: int = 0
    alerts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        """Begin to listen."""
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
        """Return where messages are to be posted."""
        return f"http://127.0.0.1:{0 if self._server is None else self._server.server_port}/alerts"

    def receive(self, headers: dict[str, str], raw: bytes) -> int:
        """Take one message; return the status to answer with."""
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
        def do_POST(self) -> None:  # its name there
            raw = self.rfile.read(min(_LARGEST, int(self.headers.get("Content-Length", "0"))))
            self.send_response(receiver.receive({name.lower(): value for name, value in self.headers.items()}, raw))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            """Say nothing: the demo draws its own picture."""

    return Handler
