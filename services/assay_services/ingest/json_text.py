"""JSON in files: one value a line, or arrays and written-out objects that span lines. Read in pieces."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assay_services.ingest.byte_stream import Compression, open_bytes
from assay_services.ingest.character_set import UTF_8, mark_length, open_text, undecodable
from assay_services.ingest.input_record import InputError

_CHUNK = 1024 * 1024
_LONGEST_VALUE = 64 * 1024 * 1024
_LONGEST_TOKEN = 64
_WHITE_SPACE = " \t\n\r"
_SPACES = re.compile(r"[ \t\n\r]*")


class JsonLayout(StrEnum):
    """How JSON values stand in a file."""

    LINES = "JSON Lines"
    ARRAY = "a JSON array"
    OBJECTS = "JSON objects over several lines"


@dataclass(frozen=True, slots=True)
class JsonValue:
    """A value in a file, as it is written, with the line where it begins."""

    line: int
    raw: str


def layout_of(head: str) -> JsonLayout:
    """Return how the values stand in a file that begins with `head`."""
    text = head.lstrip(_WHITE_SPACE)
    first, _, rest = text.partition("\n")
    if not text.startswith(("{", "[")) or (_is_json(first) and (rest.strip() or not text.startswith("["))):
        return JsonLayout.LINES
    if text.startswith("["):
        return JsonLayout.ARRAY
    spans_lines = first.strip() == "{" or "\n" in _first_object(text)
    return JsonLayout.OBJECTS if spans_lines else JsonLayout.LINES


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _first_object(text: str) -> str:
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return ""
    return text[:end]


def read_lines(path: Path, compression: Compression | None, encoding: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not empty, as UTF-8, without their ends."""
    if encoding != UTF_8:
        yield from _transcoded(path, compression, encoding)
        return
    with open_bytes(path, compression, lines=True) as lines:
        lines.read(mark_length(lines.peek(4), encoding))
        for number, line in enumerate(lines, 1):
            value = line.rstrip(b"\r\n")
            if value:
                yield number, value


def _transcoded(path: Path, compression: Compression | None, encoding: str) -> Iterator[tuple[int, bytes]]:
    with open_text(path, compression, encoding) as text:
        try:
            for number, line in enumerate(text, 1):
                value = line.rstrip("\r\n").encode(errors="surrogatepass")
                if value:
                    yield number, value
        except UnicodeDecodeError as error:
            raise undecodable(path, error) from None


def read_values(path: Path, compression: Compression | None, encoding: str, layout: JsonLayout) -> Iterator[JsonValue]:
    """Yield the members of an array, or objects that stand one after the other. Raise InputError."""
    with open_bytes(path, compression, lines=False) as stream:
        stream.read(mark_length(stream.peek(4), encoding))
        errors = "surrogateescape" if encoding == UTF_8 else "strict"
        text = io.TextIOWrapper(stream, encoding, errors=errors, newline="")
        try:
            yield from _ValueScanner(path, text).values(in_array=layout is JsonLayout.ARRAY)
        except UnicodeDecodeError as error:
            raise undecodable(path, error) from None


class _ValueScanner:
    """Finds where values begin and end, with only a piece of the text in memory."""

    def __init__(self, path: Path, text: io.TextIOWrapper) -> None:
        self._path, self._text = path, text
        self._buffer, self._place, self._line, self._ended = "", 0, 1, False
        self._decoder = json.JSONDecoder()

    def values(self, *, in_array: bool) -> Iterator[JsonValue]:
        """Yield the values. Raise InputError at the first mistake: nothing tells where the next value would begin."""
        if in_array:
            self._next_sign()
            self._place += 1  # the opening bracket
        wanted = "]"
        while sign := self._next_sign():
            if in_array and sign == "]" and wanted != "":
                self._place += 1
                if self._next_sign():
                    raise self._error("there is more text after the array")
                return
            if wanted == ",]":
                if sign != ",":
                    raise self._error(f"a comma is wanted here, and not '{sign}'")
                self._place, wanted = self._place + 1, ""
                continue
            yield JsonValue(self._line, self._value())
            wanted = ",]" if in_array else ""
        if in_array:
            raise self._error("the array that begins the file is never closed; is the file cut off?")

    def _value(self) -> str:
        while True:
            try:
                _, end = self._decoder.raw_decode(self._buffer, self._place)
            except RecursionError:
                raise self._error("the value that begins here is nested too deeply") from None
            except json.JSONDecodeError as error:
                if self._may_be_cut(error) and self._read_more():
                    continue
                raise self._error(f"no JSON: {error.msg}", at=error.pos) from None
            except ValueError:
                raise self._error("a number in the value that begins here has thousands of digits") from None
            if end < len(self._buffer) or not self._read_more():
                break
        raw = self._buffer[self._place : end]
        self._line += raw.count("\n")
        self._place = end
        return raw

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Return whether the mistake may only be that the piece in memory ends."""
        return error.msg.startswith("Unterminated") or error.pos > len(self._buffer) - _LONGEST_TOKEN

    def _error(self, problem: str, *, at: int | None = None) -> InputError:
        line = self._line + (0 if at is None else self._buffer.count("\n", self._place, at))
        return InputError(f"{self._path}:{line}: {problem}")

    def _next_sign(self) -> str:
        """Return the next sign that is no white space, and stand at it; empty at the end."""
        while True:
            found = _SPACES.match(self._buffer, self._place)
            end = self._place if found is None else found.end()
            self._line += self._buffer.count("\n", self._place, end)
            self._place = end
            if end < len(self._buffer) or not self._read_more():
                return self._buffer[self._place : self._place + 1]

    def _read_more(self) -> bool:
        """Add a piece to the buffer, as long as what it holds, and drop what was read."""
        if self._ended:
            return False
        left = self._buffer[self._place :]
        if len(left) > _LONGEST_VALUE:
            raise self._error(f"a JSON value of more than {_LONGEST_VALUE // 1024**2} MiB begins here")
        more = self._text.read(max(_CHUNK, len(left)))
        self._ended = not more
        self._buffer, self._place = left + more, 0
        return bool(more)
