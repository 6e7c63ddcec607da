"""The encoding of a text file: what a person says, else its byte order mark, else UTF-8."""

import io
from pathlib import Path

from assay_services.ingest.byte_stream import Compression, open_bytes
from assay_services.ingest.input_record import InputError

UTF_8 = "utf-8"
_MARKS = {
    b"\xef\xbb\xbf": UTF_8,
    b"\xff\xfe\x00\x00": "utf-32-le",
    b"\x00\x00\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
_SHOWN_BYTES = 400
_ALTERNATING_SHARE = 0.9


def encoding_of(head: bytes, asked: str | None) -> str:
    """Return the encoding of a file that starts with `head`. UTF-16 without a mark is known by its zero bytes."""
    if asked is not None:
        return asked
    marked = next((found for mark, found in _MARKS.items() if head.startswith(mark)), None)
    if marked is not None:
        return marked
    shown = head[: len(head) // 2 * 2][:_SHOWN_BYTES]
    even, odd = shown[::2], shown[1::2]
    if shown and odd.count(0) > _ALTERNATING_SHARE * len(odd) and even.count(0) == 0:
        return "utf-16-le"
    if shown and even.count(0) > _ALTERNATING_SHARE * len(even) and odd.count(0) == 0:
        return "utf-16-be"
    return UTF_8


def mark_length(head: bytes, encoding: str) -> int:
    """Return the length of the byte order mark that the text begins with; 0 for none."""
    found = (len(mark) for mark, name in _MARKS.items() if encoding.startswith(name[:6]) and head.startswith(mark))
    return next(found, 0)


def open_text(path: Path, compression: Compression | None, encoding: str) -> io.TextIOWrapper:
    """Open a text with its line ends as they are. In UTF-8, wrong bytes become lone surrogates.

    In any other encoding they raise UnicodeDecodeError, because the other bytes would mean nothing either.
    """
    stream = open_bytes(path, compression, lines=True)
    stream.read(mark_length(stream.peek(4), encoding))
    errors = "surrogateescape" if encoding == UTF_8 else "strict"
    return io.TextIOWrapper(stream, encoding, errors=errors, newline="")


def undecodable(path: Path, error: UnicodeDecodeError) -> InputError:
    """Return the error of a file that is not in the encoding that it is read in."""
    wrong = error.object[error.start]
    return InputError(
        f"{path}: the file is not in {error.encoding}: it has the byte 0x{wrong:02x} where that has no meaning; "
        "name another encoding with --encoding"
    )


def is_utf_8(text: str) -> bool:
    """Return whether a text has no lone surrogates, which stand for wrong bytes."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def not_utf_8(text: str) -> str:
    """Return why a text with lone surrogates cannot be read: the byte, its place, and how to convert the file."""
    place, sign = next((place, sign) for place, sign in enumerate(text) if "\ud800" <= sign <= "\udfff")
    byte = sign.encode(errors="surrogateescape" if sign >= "\udc80" else "surrogatepass")[-1]
    return (
        f"is not UTF-8 text: its character {place + 1} is the byte 0x{byte:02x} ({_sign_in_windows(byte)}). "
        "Name the file's encoding, e.g. --encoding windows-1252, "
        "or convert the file: iconv -f windows-1252 -t utf-8 IN > OUT"
    )


def _sign_in_windows(byte: int) -> str:
    """Return what a byte would be in Windows' western encoding."""
    found = bytes([byte]).decode("windows-1252", errors="replace")
    return f"'{found}' in windows-1252" if found.isprintable() and found != "\ufffd" else "no sign in windows-1252"
