"""Check a span against the text that it brings along, and find its place in the item's text."""

import html
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assay_services.gateway.core.platforms.coercion import Malformed, quoted

_LAST_OF_ONE_UNIT = "\uffff"
_NEWLINE = r"\r\n?"
_ENTITY = r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_TAG = r"<[^<>]*>"
_SPACES = r"\s+"
_SHOWN_OTHERWISE = tuple(
    re.compile("|".join(parts))
    for parts in ((_NEWLINE,), (_ENTITY,), (_NEWLINE, _ENTITY), (_TAG, _ENTITY, _NEWLINE), (_ENTITY, _SPACES))
)
"""What a browser may show in another way: each is one way of counting the characters of a text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span lies in the item's text, in code points. `note` says so if the platform's offsets were others."""

    start: int
    end: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _ShownText:
    """A text as a browser may show it. `places` has the start and end of each of its characters in the real text.

    `convert` makes UTF-16 offsets into it code points.
    """

    text: str
    places: Sequence[tuple[int, int]]
    convert: Callable[[int], int]

    def within(self, first: int, last: int) -> tuple[int, int]:
        """Return where some of its characters lie in the real text."""
        return self.places[first][0], self.places[last - 1][1]


def located(text: str | None, start: int, end: int, given: object, *, in_utf16: bool = False) -> Place | Malformed:
    """Return the place of a span whose platform says that its text is `given`; Malformed if it is not certain.

    The offsets may count code points or UTF-16 units, of the text or of what a browser shows of it. Without `given` or
    without a text the offsets are believed, as UTF-16 units if `in_utf16`.
    """
    convert = from_utf16(text or "") if in_utf16 else _same
    if text is None or not isinstance(given, str) or not given.strip():
        return Place(convert(start), convert(end))
    for count in (_same, from_utf16(text)):
        if _plain(_cut(text, count(start), count(end))) == _plain(given):
            return Place(count(start), count(end))
    found = _place_in(text, start, end, given)
    if found is None:
        there = quoted(_cut(text, convert(start), convert(end)))
        return Malformed(
            f"the span's text is {quoted(given)}, but the item's text has {there} at {start}-{end}, and it does not "
            "stand at just one other place"
        )
    return Place(*found, f"the span's text {quoted(given)} stands at {found[0]}-{found[1]}, not at {start}-{end}")


def from_utf16(text: str) -> Callable[[int], int]:
    """Return a function from UTF-16 offsets to code points; an offset inside a surrogate pair becomes its start."""
    pairs: list[int] = []
    for place, sign in enumerate(text):
        if sign > _LAST_OF_ONE_UNIT:
            pairs.append(place + len(pairs))
    return lambda offset: offset - bisect_left(pairs, offset)


def _same(offset: int) -> int:
    return offset


def _cut(text: str, start: int, end: int) -> str:
    return text[max(start, 0) : max(end, 0)]


def _plain(text: str) -> str:
    """Return a text with one sort of line end, which Label Studio writes as a backslash and an n."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\\n", "\n").replace("\xa0", " ")


def _place_in(text: str, start: int, end: int, given: str) -> tuple[int, int] | None:
    """Return where the given text lies: at the offsets in another view, trimmed at them, or where it is unique."""
    views, wanted = _views(text), _plain(given)
    for view in views:
        for count in (_same, view.convert):
            first, last = count(start), count(end)
            if 0 <= first < last <= len(view.text) and _plain(view.text[first:last]) == wanted:
                return view.within(first, last)
    bare = wanted.strip()
    for count in (_same, views[0].convert):
        part = _cut(text, count(start), count(end))
        if _plain(part).strip() == bare:
            first = max(count(start), 0) + len(part) - len(part.lstrip())
            return first, first + len(part.strip())
    return _only_place(views, given) or _only_place(views, bare)


def _only_place(views: Sequence[_ShownText], given: str) -> tuple[int, int] | None:
    for view in views:
        first = view.text.find(given)
        if first >= 0 and view.text.find(given, first + 1) < 0:
            return view.within(first, first + len(given))
    return None


@lru_cache(maxsize=4)
def _views(text: str) -> Sequence[_ShownText]:
    """Return the text itself, and each way in which a browser may show it: from its start, and without blanks there."""
    found = {text: _ShownText(text, [(place, place + 1) for place in range(len(text))], from_utf16(text))}
    for pattern in _SHOWN_OTHERWISE:
        signs = list(_shown(text, pattern))
        blank = next((count for count, (sign, _) in enumerate(signs) if not sign.isspace()), len(signs))
        for kept in (signs, signs[blank:]):
            view = "".join(sign for sign, _ in kept)
            if view not in found:
                found[view] = _ShownText(view, [place for _, place in kept], from_utf16(view))
    return list(found.values())


def _shown(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each shown character, with its place in the text."""
    done = 0
    for match in pattern.finditer(text):
        yield from ((text[place], (place, place + 1)) for place in range(done, match.start()))
        yield from ((sign, match.span()) for sign in _written(match[0]))
        done = match.end()
    yield from ((text[place], (place, place + 1)) for place in range(done, len(text)))


def _written(token: str) -> str:
    """Return what a browser shows for an entity, a tag, a line end or several blanks."""
    if token[0] == "&":
        return html.unescape(token)
    if token[0] == "<":
        return ""
    return "\n" if token in ("\r\n", "\r") else " "
