"""Encrypt the secrets in the control database."""

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from assay_schemas.errors import AssayUserError
from assay_services.stores.control.database import OWNER_ONLY, ControlSettings

_SHORTEST_KEY = 32
_OTHERS = 0o077


class BadSecretKeyError(AssayUserError):
    """The file with the secret key has none."""


class WrongSecretKeyError(AssayUserError):
    """A stored secret was encrypted with another key."""


class Vault:
    """Encrypt and decrypt secrets for storing (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, settings: ControlSettings) -> None:
        """Use the key of the settings, or the one in the folder, created if missing."""
        given = settings.secret_key
        key = _key_in(settings.folder / "control.key") if given is None else given.get_secret_value()
        if not key:
            raise BadSecretKeyError("ASSAY_SECRET_KEY is empty; give it a long random text")
        self._key = key.encode()
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(self._key).digest()))

    def derive(self, purpose: str) -> bytes:
        """Return a key for one purpose, derived from the secret key."""
        return hmac.new(self._key, purpose.encode(), hashlib.sha256).digest()

    def encrypt(self, text: str) -> str:
        """Return the encrypted text."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, locked: str) -> str:
        """Return the decrypted text; raise WrongSecretKeyError if it was encrypted with another key."""
        try:
            return self._fernet.decrypt(locked.encode()).decode()
        except InvalidToken:
            raise WrongSecretKeyError(
                "the secrets in the control database were encrypted with another key; set ASSAY_SECRET_KEY to that "
                "one (or bring back the file control.key), or connect the platforms anew"
            ) from None


def _key_in(path: Path) -> str:
    """Return the key in a file, created whole or not at all. Raise BadSecretKeyError if the file cannot be trusted."""
    if not path.exists():
        _create_key(path)
    if path.stat().st_mode & _OTHERS:
        path.chmod(OWNER_ONLY)
    key = path.read_text().strip()
    if len(key) < _SHORTEST_KEY:
        raise BadSecretKeyError(
            f"{path} has a key of {len(key)} characters, too short to keep a secret (perhaps the disk was full when it "
            "was made). Bring back the file, or set ASSAY_SECRET_KEY; if nothing was encrypted yet, delete the file, "
            "and a new key is made"
        )
    return key


def _create_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY), "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: its key counts
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)
