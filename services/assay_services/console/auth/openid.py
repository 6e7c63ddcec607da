"""OpenID Connect: sign in with an external provider. Authorization code flow with PKCE, state and nonce.

The state between redirect and return is in an encrypted cookie of the browser that started the flow. So nothing is
stored on the server for sign-ins that are never finished.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import StarletteIntegration, StarletteOAuth2App
from joserfc.errors import JoseError

from assay_services.console.settings import ConsoleSettings
from assay_services.stores.control.vault import Vault, WrongSecretKeyError

BACK = "/oidc/back"
LASTING = timedelta(minutes=10)
"""How long a sign-in at the provider may take."""
_ASYMMETRIC_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"})
_LEEWAY_SECONDS = 60
_LONGEST_SUBJECT = 500
_NAMES = ("preferred_username", "name", "email", "sub")


class ProviderAwayError(Exception):
    """The provider does not answer, or its answer is not OpenID Connect."""


class NotLetInError(Exception):
    """The provider's answer does not prove an identity; the message says why."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The provider's address to redirect to, and the encrypted value of the cookie until the browser returns."""

    address: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Person:
    """A person authenticated by the provider: unique subject, name, and the path to continue at."""

    subject: str
    name: str
    following: str


class Provider:
    """One provider, by its issuer."""

    def __init__(self, settings: ConsoleSettings, issuer: str, vault: Vault) -> None:
        """Create the client; nothing is requested yet."""
        self._issuer = issuer.rstrip("/")
        self._client_id = settings.oidc_client or "assay"
        self._back = settings.address + BACK
        self._vault = vault
        secret = settings.oidc_secret
        self._app = StarletteOAuth2App(
            StarletteIntegration("assay"),
            name="provider",
            client_id=self._client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            server_metadata_url=f"{self._issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile",
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "none" if secret is None else "client_secret_basic",
                "timeout": 10,
            },
        )

    async def begin(self, following: str, *, now: datetime) -> Begun:
        """Start a sign-in; raise ProviderAwayError."""
        try:
            await self._load_metadata()
            redirect = await self._app.create_authorization_url(self._back)
        except (httpx.HTTPError, AuthlibBaseError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise ProviderAwayError(str(error) or type(error).__name__) from error
        flow = {name: redirect[name] for name in ("state", "nonce", "code_verifier")}
        flow |= {"following": following, "until": (now + LASTING).timestamp()}
        return Begun(redirect["url"], self._vault.encrypt(orjson.dumps(flow).decode()))

    async def finish(self, query: Mapping[str, str], sealed: str, *, now: datetime) -> Person:
        """Return who signed in; raise NotLetInError if the answer is not valid, or ProviderAwayError."""
        flow = self._decrypted(sealed, now)
        if not hmac.compare_digest(query.get("state", "").encode(), str(flow["state"]).encode()):
            raise NotLetInError("the state differs from the one sent")
        if "error" in query:
            raise NotLetInError(f"the provider answered with the error {query['error'][:200]}")
        if query.get("iss", self._issuer).rstrip("/") != self._issuer:
            raise NotLetInError("another issuer answered")
        claims = await self._claims(query.get("code", ""), flow)
        subject = f"{self._issuer} {claims['sub']}"
        if len(subject) > _LONGEST_SUBJECT:
            raise NotLetInError("the subject is too long")
        name = next(str(claims[one]) for one in _NAMES if claims.get(one))
        return Person(subject, name, str(flow["following"]))

    def _decrypted(self, sealed: str, now: datetime) -> Mapping[str, Any]:
        try:
            flow: Mapping[str, Any] = orjson.loads(self._vault.decrypt(sealed))
        except (WrongSecretKeyError, UnicodeEncodeError):
            raise NotLetInError("this browser started no sign-in") from None
        if flow["until"] < now.timestamp():
            raise NotLetInError("the sign-in took too long")
        return flow

    async def _claims(self, code: str, flow: Mapping[str, Any]) -> Mapping[str, Any]:
        audience = {"aud": {"essential": True, "values": [self._client_id]}}
        try:
            issuer = await self._load_metadata()
            token = await self._app.fetch_access_token(
                redirect_uri=self._back, code=code, code_verifier=flow["code_verifier"]
            )
            claims: Mapping[str, Any] | None = await self._app.parse_id_token(
                token,
                nonce=flow["nonce"],
                claims_options=audience | {"iss": {"essential": True, "values": [issuer]}},
                leeway=_LEEWAY_SECONDS,
            )
        except httpx.HTTPError as error:
            raise ProviderAwayError(str(error) or type(error).__name__) from error
        except (JoseError, AuthlibBaseError, ValueError, KeyError, TypeError) as error:
            raise NotLetInError(f"{type(error).__name__}: {error}") from error
        if claims is None:
            raise NotLetInError("the provider's answer has no id_token")
        return claims

    async def _load_metadata(self) -> str:
        """Return the issuer as the provider writes it. Only asymmetric signatures are accepted, whatever it offers."""
        metadata = await self._app.load_server_metadata()
        issuer = str(metadata["issuer"])
        if issuer.rstrip("/") != self._issuer:
            raise ValueError(f"the provider calls itself {issuer[:200]}, not {self._issuer}")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [one for one in offered if one in _ASYMMETRIC_ALGORITHMS]
        return issuer
