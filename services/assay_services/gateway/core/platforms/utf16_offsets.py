"""Offsets of a browser's text: UTF-16 units, of which an emoji has two, made into code points."""

from bisect import bisect_left
from collections.abc import Callable

_LAST_OF_ONE_UNIT = "\uffff"


def from_utf16(text: str) -> Callable[[int], int]:
    """Return what makes a UTF-16 offset into this text one in code points; the middle of a pair becomes its start.

    Offsets outside the text stay as far outside as they were.
    """
    pairs: list[int] = []
    for place, sign in enumerate(text):
        if sign > _LAST_OF_ONE_UNIT:
            pairs.append(place + len(pairs))
    return lambda offset: offset - bisect_left(pairs, offset)
