"""Numbers as people write them: with a decimal point, or with a decimal comma where that is certain."""

import math
import re

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII).fullmatch
_POINTS_THEN_COMMA = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+", re.ASCII).fullmatch
_COMMAS_THEN_POINT = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d+", re.ASCII).fullmatch
_SIZE_OF_A_GROUP = 3
_LARGEST_WHOLE = 2**53


class NumberUnclearError(ValueError):
    """A text that is no number, or that may be two different ones. Its text says which."""


def read_number(text: str, *, decimal_comma: bool = False) -> int | float:
    """Return the number that a text means. Raise NumberUnclearError.

    `decimal_comma`: the file's numbers have decimal commas, so 1,234 is a little more than one.
    """
    try:
        number = float(text)
    except ValueError:
        number = float(_with_a_point(text.strip(), decimal_comma=decimal_comma))
    if not math.isfinite(number) or "_" in text:
        raise NumberUnclearError(f"'{text[:40]}' is no number")
    return int(number) if number.is_integer() and abs(number) < _LARGEST_WHOLE else number


def _with_a_point(text: str, *, decimal_comma: bool) -> str:
    if _DECIMAL_COMMA(text) is not None:
        if decimal_comma or len(text.partition(",")[2]) != _SIZE_OF_A_GROUP:
            return text.replace(",", ".")
        point = text.replace(",", ".")
        raise NumberUnclearError(f"'{text}' may be {text.replace(',', '')} or {point}; write one of these")
    if _POINTS_THEN_COMMA(text) is not None:
        return text.replace(".", "").replace(",", ".")
    if _COMMAS_THEN_POINT(text) is not None:
        return text.replace(",", "")
    raise NumberUnclearError(f"'{text[:40]}' is no number")
