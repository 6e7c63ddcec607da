"""Pages of long lists: a cursor names the last row of a page, so new rows do not shift the next page."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson

T = TypeVar("T")
LARGEST_PAGE = 1_000


class WrongCursor(ValueError):
    """A malformed cursor."""


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """Some rows of a list, and the cursor of the following ones; None at the end."""

    rows: Sequence[T]
    following: str | None


def write_cursor(*key: str | float) -> str:
    """Return a cursor after the row with this key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def read_cursor(cursor: str, kinds: Sequence[type[str] | type[float] | type[int]]) -> Sequence[str | float | int]:
    """Return the key in a cursor; raise WrongCursor."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, UnicodeEncodeError, ValueError):
        raise WrongCursor("this is no cursor; take the one that came with the page before") from None
    fits = isinstance(found, list) and len(found) == len(kinds)
    if not fits or not all(isinstance(one, kind) for one, kind in zip(found, kinds, strict=True)):
        raise WrongCursor("this cursor is of another list; take the one that came with the page before")
    key: list[str | float | int] = found
    return key
