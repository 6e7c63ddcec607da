"""OpenID Connect: sign in by somebody else's word. Authorization code with PKCE, state and nonce.

What has to be remembered between the two halves lies, encrypted, in a cookie of the browser that began: nothing is kept
here for those who never come back.
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
"""How long somebody may take at the provider's."""
_SIGNED_BY_A_PAIR_OF_KEYS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"})
_LEEWAY_SECONDS = 60
_LONGEST_SUBJECT = 500
_NAMES = ("preferred_username", "name", "email", "sub")


class ProviderAwayError(Exception):
    """The provider does not answer, or not as one that speaks OpenID Connect."""


class NotLetInError(Exception):
    """What came back does not prove who somebody is; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser is to go, and what its cookie holds until it is back."""

    address: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the provider vouches for: their name, and what no other person there is called by."""

    subject: str
    name: str
    following: str


class Provider:
    """One provider, by its issuer."""

    def __init__(self, settings: ConsoleSettings, issuer: str, vault: Vault) -> None:
        """Take the settings and what encrypts. Nothing is asked yet."""
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
        """Begin; raise ProviderAwayError."""
        try:
            await self._know_the_provider()
            made = await self._app.create_authorization_url(self._back)
        except (httpx.HTTPError, AuthlibBaseError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise ProviderAwayError(str(error) or type(error).__name__) from error
        kept = {name: made[name] for name in ("state", "nonce", "code_verifier")}
        kept |= {"following": following, "until": (now + LASTING).timestamp()}
        return Begun(made["url"], self._vault.encrypt(orjson.dumps(kept).decode()))

    async def finish(self, query: Mapping[str, str], sealed: str, *, now: datetime) -> Person:
        """Return who came back; raise NotLetInError where that is not proven, ProviderAwayError."""
        kept = self._opened(sealed, now)
        if not hmac.compare_digest(query.get("state", "").encode(), str(kept["state"]).encode()):
            raise NotLetInError("the state is not the one that was sent")
        if "error" in query:
            raise NotLetInError(f"the provider says {query['error'][:200]}")
        if query.get("iss", self._issuer).rstrip("/") != self._issuer:
            raise NotLetInError("another issuer answered")
        claims = await self._claims(query.get("code", ""), kept)
        subject = f"{self._issuer} {claims['sub']}"
        if len(subject) > _LONGEST_SUBJECT:
            raise NotLetInError("the subject is too long")
        name = next(str(claims[one]) for one in _NAMES if claims.get(one))
        return Person(subject, name, str(kept["following"]))

    def _opened(self, sealed: str, now: datetime) -> Mapping[str, Any]:
        try:
            kept: Mapping[str, Any] = orjson.loads(self._vault.decrypt(sealed))
        except (WrongSecretKeyError, UnicodeEncodeError):
            raise NotLetInError("this browser began no sign-in") from None
        if kept["until"] < now.timestamp():
            raise NotLetInError("it took too long")
        return kept

    async def _claims(self, code: str, kept: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = {"aud": {"essential": True, "values": [self._client_id]}}
        try:
            issuer = await self._know_the_provider()
            token = await self._app.fetch_access_token(
                redirect_uri=self._back, code=code, code_verifier=kept["code_verifier"]
            )
            claims: Mapping[str, Any] | None = await self._app.parse_id_token(
                token,
                nonce=kept["nonce"],
                claims_options=wanted | {"iss": {"essential": True, "values": [issuer]}},
                leeway=_LEEWAY_SECONDS,
            )
        except httpx.HTTPError as error:
            raise ProviderAwayError(str(error) or type(error).__name__) from error
        except (JoseError, AuthlibBaseError, ValueError, KeyError, TypeError) as error:
            raise NotLetInError(f"{type(error).__name__}: {error}") from error
        if claims is None:
            raise NotLetInError("there is no id_token in the provider's answer")
        return claims

    async def _know_the_provider(self) -> str:
        """Return the issuer as the provider writes it. Only signatures by a pair of keys count, whatever it offers."""
        about = await self._app.load_server_metadata()
        issuer = str(about["issuer"])
        if issuer.rstrip("/") != self._issuer:
            raise ValueError(f"the provider calls itself {issuer[:200]}, not {self._issuer}")
        offered = about.get("id_token_signing_alg_values_supported") or ["RS256"]
        about["id_token_signing_alg_values_supported"] = [one for one in offered if one in _SIGNED_BY_A_PAIR_OF_KEYS]
        return issuer
