"""What every reader of files yields, and how it says that a file or a row cannot be read."""

from pathlib import Path
from typing import NamedTuple

import orjson

from assay_schemas.errors import AssayUserError


class InputError(AssayUserError):
    """A file that cannot be read as annotations; the message has the file, the line and what was expected."""

    def __init__(self, message: str) -> None:
        """Say this; bytes that are no text are shown by their number, so that any terminal can print them."""
        super().__init__(_printable(message))


class UnreadableRowError(ValueError):
    """One row that cannot be read, though the file can. Its text is the reason, without the place."""


class InputRecord(NamedTuple):
    """One record as on the topic `annotations`, and its line in the file.

    `problem` says why the row cannot be read: file, line, what was expected. `value` then holds the row's own bytes.
    """

    line: int
    key: bytes | None
    value: bytes
    problem: str | None = None


def unreadable(path: Path, line: int, raw: bytes, reason: object) -> InputRecord:
    """Return the record of a row that cannot be read: its own bytes, and the reason with the place."""
    return InputRecord(line, None, raw, _printable(f"{path}:{line}: {reason}"))


def _printable(text: str) -> str:
    """Return a text that UTF-8 can encode: bytes that are no text arrive as lone surrogates."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def key_of(value: bytes) -> bytes | None:
    """Return the key of a record, or None for bytes without an item."""
    try:
        found = orjson.loads(value)
        return f"{found['project']}:{found['item']['id']}".encode()
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
