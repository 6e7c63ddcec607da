"""Passwords: argon2id digests, and the requirements."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from assay_schemas.errors import AssayUserError

SHORTEST, LONGEST = 12, 1_000
_HASHER = PasswordHasher()  # RFC 9106's second choice: 64 MiB, three passes
_NOBODYS = _HASHER.hash("nobody has this password")


class PasswordTooWeak(AssayUserError):
    """A password that does not meet the requirements; the message names them."""


def digest_of(password: str) -> str:
    """Return the argon2id digest of a password; raise PasswordTooWeak."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordTooWeak(f"a password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}")
    if len(set(password)) <= SHORTEST // 3:
        raise PasswordTooWeak("a password has more than four different characters")
    return _HASHER.hash(password)


def is_right(digest: str | None, password: str) -> bool:
    """Return whether a password matches a digest; without a digest return False after the same time."""
    try:
        return _HASHER.verify(digest or _NOBODYS, password[: LONGEST + 1]) and digest is not None
    except (VerificationError, InvalidHashError):
        return False
