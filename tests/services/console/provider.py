"""A small OpenID provider as a real HTTP server: honest, unless a test makes it lie."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "assay", "a secret of the client"


@dataclass(slots=True)
class SmallProvider:
    """Who signs in there, and what the provider says of them. `lies` are claims that replace the true ones.

    `signs_with` is the key that it signs with, `shows` the one that it publishes: honest where they are one.
    """

    issuer: str = ""
    subject: str = "person-1"
    name: str = "lena"
    shows: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first"}))
    signs_with: RSAKey | None = None
    algorithm: str = "RS256"
    lies: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens_given: int = 0

    def about(self) -> dict[str, Any]:
        """Return the metadata."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Return where the browser is sent back to, as somebody who has signed in and agreed."""
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Return tokens for a code, once; None where client, code, address or PKCE's verifier is wrong."""
        known = self.codes.pop(asked.get("code", ""), None)
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = _encoded(digest)
        client = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if known is None or known["code_challenge"] != challenge or known["code_challenge_method"] != "S256":
            return None
        if authorization != f"Basic {client}" or asked["redirect_uri"] != known["redirect_uri"]:
            return None
        self.tokens_given += 1
        return {"access_token": "x", "token_type": "Bearer", "id_token": self._id_token(known["nonce"])}

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer, "aud": CLIENT, "sub": self.subject, "preferred_username": self.name,
            "iat": now, "exp": now + 300, "nonce": nonce,
        }  # fmt: skip
        key = self.signs_with or self.shows
        header = {"alg": self.algorithm, "kid": key.kid}
        if self.algorithm == "RS256":
            return jwt.encode(header, claims | self.lies, key)
        text = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
        mac = hmac.digest(self.shows.as_pem(private=False), text.encode(), "sha256")  # the old confusion of algorithms
        return f"{text}.{_encoded(mac) if self.algorithm == 'HS256' else ''}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def serving(provider: SmallProvider) -> Iterator[SmallProvider]:
    """Serve a provider on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/authorize":
                self.send_response(302)
                query = {name: values[0] for name, values in parse_qs(asked.query).items()}
                self.send_header("Location", provider.authorize(query))
                self.end_headers()
            elif asked.path == "/jwks":
                self._answer(200, {"keys": [provider.shows.as_dict(private=False)]})
            else:
                self._answer(200, provider.about())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = {name: values[0] for name, values in parse_qs(body).items()}
            found = provider.token(asked, self.headers.get("Authorization", ""))
            self._answer(*((400, {"error": "invalid_grant"}) if found is None else (200, found)))

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join()
