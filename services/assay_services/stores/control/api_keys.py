"""API keys: shown once, stored as digests, revocable."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlmodel import Session, select

from assay_schemas.errors import AssayUserError
from assay_services.stores.control.tables.connections_and_keys import ApiKey, Scope

_WORD = "assay"
_REMEMBERED_SECONDS = 2.0
_USED_SECONDS = 60.0
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a key is refused. `status`: 401 if it is unknown, 403 if it lacks the scope."""

    status: int
    reason: str


class NoSuchKeyError(AssayUserError):
    """No key has this id."""


class ApiKeyStore:
    """The keys in the control database. Results are cached for two seconds, so a revocation takes up to two seconds."""

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Use the control database `engine`; `clock` is monotonic, in seconds."""
        self._engine = engine
        self._clock = clock
        self._remembered: dict[str, tuple[float, ApiKey | None]] = {}
        self._used: dict[str, float] = {}

    def create(self, name: str, scopes: Sequence[Scope], *, now: datetime) -> tuple[ApiKey, str]:
        """Create a key; return it and its text, which cannot be shown again."""
        public, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        key = ApiKey(
            id=public,
            name=name,
            digest=_digest(secret),
            scopes=" ".join(sorted({scope.value for scope in scopes})),
            created_at=now,
        )
        with Session(self._engine, expire_on_commit=False) as session:
            session.add(key)
            session.commit()
        return key, f"{_WORD}_{public}_{secret}"

    def all(self) -> Sequence[ApiKey]:
        """Return every key, the oldest first."""
        with Session(self._engine) as session:
            return session.exec(select(ApiKey).order_by(ApiKey.created_at)).all()  # type: ignore[arg-type]

    def revoke(self, public: str, *, now: datetime) -> ApiKey:
        """Revoke a key; raise NoSuchKeyError."""
        with Session(self._engine, expire_on_commit=False) as session:
            key = session.get(ApiKey, public)
            if key is None:
                raise NoSuchKeyError(f"no key has the id '{public}'; `assay key list` shows them")
            key.revoked_at = key.revoked_at or now
            session.add(key)
            session.commit()
        self._remembered.clear()
        return key

    def check(self, given: str | None, scope: Scope) -> ApiKey | Refusal:
        """Return the key of an `Authorization` header (`Bearer assay_…`), or why it is refused."""
        public, secret = _read(given)
        if not public:
            return Refusal(401, "send an API key as `Authorization: Bearer assay_…`; `assay key create` makes one")
        key = self._known(public)
        right = hmac.compare_digest(key.digest if key is not None else "", _digest(secret))
        if key is None or not right or key.revoked_at is not None:
            return Refusal(401, "this API key is not known, or it was revoked")
        if not key.allows(scope):
            return Refusal(403, f"this API key may {key.scopes or 'nothing'}, and this takes '{scope.value}'")
        self._note_use(key)
        return key

    def _known(self, public: str) -> ApiKey | None:
        at, key = self._remembered.get(public, (0.0, None))
        now = self._clock()
        if public in self._remembered and now - at < _REMEMBERED_SECONDS:
            return key
        with Session(self._engine, expire_on_commit=False) as session:
            key = session.get(ApiKey, public)
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[public] = (now, key)
        return key

    def _note_use(self, key: ApiKey) -> None:
        now = self._clock()
        if now - self._used.get(key.id, -_USED_SECONDS) < _USED_SECONDS:
            return
        self._used[key.id] = now
        with Session(self._engine) as session:
            found = session.get(ApiKey, key.id)
            if found is not None:
                found.last_used_at = datetime.now(UTC)
                session.add(found)
                session.commit()


def _read(given: str | None) -> tuple[str, str]:
    word, _, text = (given or "").strip().partition(" ")
    parts = text.strip().split("_", 2)
    if word.lower() != "bearer" or parts[0] != _WORD or len(parts) <= 2:  # noqa: PLR2004  # word, id, secret
        return "", ""
    return parts[1], parts[2]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
