"""Text normalisation for the consistency model: lower-case words separated by single spaces."""

from typing import Final
from unicodedata import category, normalize

MAX_CHARACTERS: Final = 16_384
MAX_TOKENS: Final = 512

_VARIATIONS: Final = range(0xFE00, 0xFE10)
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_UNSPACED: Final = (
    range(0x3040, 0x3100),
    range(0x3400, 0x4DC0),
    range(0x4E00, 0xA000),
    range(0xF900, 0xFB00),
    range(0x20000, 0x40000),
)
"""Kana and ideographs: written without spaces, so each character is a word of its own."""


def _ascii_map() -> dict[int, str]:
    return {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}


def _replacement_of(code: int) -> str:
    """Return the replacement of one character: itself, itself between spaces, a space, or nothing."""
    character = chr(code)
    kind = category(character)
    if kind == "Cf" or code in _VARIATIONS or code in _SKIN_TONES:
        return ""  # invisible, or a variant of the same symbol
    if kind == "So" or (kind == "Lo" and any(code in signs for signs in _UNSPACED)):
        return f" {character} "
    return character if kind[0] in "LMN" else " "


class _Replacements(dict[int, str]):
    """Replacements of the characters seen so far: a cache, because a Unicode look-up costs ten times as much."""

    def __missing__(self, code: int) -> str:
        replacement = self[code] = _replacement_of(code)
        return replacement


_ASCII: Final = _ascii_map()
_UNICODE: Final = _Replacements()


def normalise(text: str) -> str:
    """Return the words of `text`: NFKC, case folded, separated by single spaces.

    A word is a run of letters, marks and digits; an emoji or another pictorial symbol, an ideograph and a kana are
    words of their own. All other characters separate words. Only the first 16,384 characters, and of those the first
    512 words, count: one long text cannot delay a batch. Empty without words.
    """
    text = text[:MAX_CHARACTERS]
    if text.isascii():
        words = text.translate(_ASCII).split()
    else:
        words = normalize("NFKC", text).casefold().translate(_UNICODE).split()
    return " ".join(words if len(words) <= MAX_TOKENS else words[:MAX_TOKENS])
