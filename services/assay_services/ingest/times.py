"""Times as people write them, and what they need to be told to be read: a zone, the order of day and month."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assay_services.ingest.input_record import InputError, UnreadableRowError
from assay_services.ingest.read_options import DateOrder

DATES_LIKE, WITHOUT_ZONE = "dates like", "without a time zone"
"""How `time_format` calls what needs an option."""
_EXAMPLE = "2026-11-24T12:00:00Z"
has_zone = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)", re.ASCII
).fullmatch
"""Match a time in ISO 8601 with a zone, which needs no change."""
_EPOCH_NUMBER = re.compile(r"\d{9,19}(?:\.\d+)?", re.ASCII).fullmatch
_SPACE_BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_NUMERIC = re.compile(
    r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})"
    r"(?:,?[T ]\s*(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?\s*([AaPp]\.?[Mm]\.?)?)?"
    r"\s*(Z|(?:UTC|GMT)?[+-]\d\d:?\d\d|UTC|GMT)?",
    re.ASCII,
).fullmatch
_WEEKDAY = r"(?:[A-Za-z]{3,9},?\s+)?"
_DAY_AND_NAME = re.compile(_WEEKDAY + r"(\d{1,2})[ .-]+([A-Za-z]{3,9})\.?[ ,.-]+(\d{4})\b", re.ASCII).match
_NAME_AND_DAY = re.compile(_WEEKDAY + r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})\b", re.ASCII).match
_REMARK = re.compile(r"\s*\([^()]*\)$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EXCEL_SERIAL = re.compile(r"[2-6]\d{4}(?:[.,]\d+)?", re.ASCII).fullmatch
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?", re.IGNORECASE).fullmatch
_UNITS = ((10**11, 1, "s"), (10**14, 10**3, "ms"), (10**17, 10**6, "µs"), (10**20, 10**9, "ns"))
_NOON, _LONG_YEAR, _CENTURY = 12, 4, 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TimesUnclearError(Exception):
    """The times of the file need an option to be read. Its text says which, and how to give it."""


def zone_named(name: str) -> tzinfo:
    """Return a time zone: `UTC`, an IANA name, or an offset such as +02:00. Raise InputError."""
    if name.upper() in {"UTC", "Z", "GMT"}:
        return UTC
    offset = _OFFSET(name)
    try:
        if offset is None:
            return ZoneInfo(name)
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(-away if offset[1] == "-" else away)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"--timezone: '{name}' is no time zone; give UTC, Europe/Berlin or +02:00") from None


@dataclass(frozen=True, slots=True)
class TimeReader:
    """Reads the times of one file, by what the person has said about them."""

    zone: tzinfo | None = None
    order: DateOrder | None = None

    def read(self, text: str) -> str:
        """Return a time as on the topic. Raise UnreadableRowError, or TimesUnclearError if an option is missing.

        A time that has a zone stays as it is written. Numbers count from 1970; their size says the unit.
        """
        if has_zone(text) is not None:
            return text
        bare = text.strip()
        if _EPOCH_NUMBER(bare) is not None:
            return _since_1970(bare)
        found = self._iso(bare) or self._numeric(bare, text)
        if found.tzinfo is not None:
            return found.isoformat()
        if self.zone is None:
            raise TimesUnclearError(
                f"times have no time zone ('{text}'); say which with --timezone UTC (or Europe/Berlin)"
            )
        return found.replace(tzinfo=self.zone).isoformat()

    def _iso(self, text: str) -> datetime | None:
        for ending in (" UTC", " GMT"):
            text = text.removesuffix(ending) + "+00:00" if text.upper().endswith(ending) else text
        try:
            return datetime.fromisoformat(_SPACE_BEFORE_OFFSET.sub("", text))
        except ValueError:
            return None

    def _numeric(self, text: str, written: str) -> datetime:
        parts = _NUMERIC(_in_numbers(text))
        if parts is None:
            raise UnreadableRowError(f"occurred_at: '{_shown(written)}' is no time{_serial_hint(text)}")
        first, second, third = parts[1], parts[3], parts[4]
        order = DateOrder.YEAR_FIRST if len(first) == _LONG_YEAR else self.order
        if order is None:
            raise TimesUnclearError(self._which_order(written, parts))
        day, month, year = {
            DateOrder.DAY_FIRST: (first, second, third),
            DateOrder.MONTH_FIRST: (second, first, third),
            DateOrder.YEAR_FIRST: (third, second, first),
        }[order]
        return _moment(parts, (year, month, day), written, order)

    def _which_order(self, written: str, parts: re.Match[str]) -> str:
        first, second, by_year = int(parts[1]), int(parts[3]), len(parts[4]) < _LONG_YEAR
        hint = ""
        if first > _NOON >= second:
            hint = f"; here only dmy{' or ymd' if by_year else ''} is possible"
        elif second > _NOON >= first:
            hint = "; here only mdy is possible"
        zone = (
            "" if self.zone is not None or parts[10] else ", and the time zone with --timezone UTC (or Europe/Berlin)"
        )
        return (
            f"the date '{_shown(written)}' may have the day or the month first{hint}; "
            f"say which with --dates dmy, mdy or ymd{zone}"
        )


def _in_numbers(text: str) -> str:
    """Return a date with an English month's name in numbers, the year first; anything else as it is."""
    bare = _REMARK.sub("", text)
    for found, places in ((_DAY_AND_NAME(bare), (1, 2)), (_NAME_AND_DAY(bare), (2, 1))):
        if found is not None and (month := found[places[1]][:3].lower()) in _MONTHS:
            return f"{found[3]}/{_MONTHS.index(month) + 1}/{found[places[0]]}{bare[found.end() :]}"
    return text


def _serial_hint(text: str) -> str:
    """Return what to do: a number of five digits is a date that Excel wrote as a number."""
    if _EXCEL_SERIAL(text) is not None:
        return "; it may be Excel's number of a day: give the column the format of a date, and save again"
    return f"; write it like this: {_EXAMPLE}"


def _moment(parts: re.Match[str], date: tuple[str, str, str], written: str, order: DateOrder) -> datetime:
    year, month, day = (int(one) for one in date)
    hour, half = int(parts[5] or 0), (parts[9] or "").lower()[:1]
    if half:
        hour = hour % _NOON + (_NOON if half == "p" else 0)
    micro = int((parts[8] or "0").ljust(6, "0"))
    zone = parts[10] and zone_named(parts[10])
    try:
        century = _CENTURY if len(date[0]) < _LONG_YEAR - 1 else 0
        return datetime(  # a zone follows below where there is none
            year + century, month, day, hour, int(parts[6] or 0), int(parts[7] or 0), micro, tzinfo=zone or None
        )
    except ValueError as error:
        raise UnreadableRowError(f"occurred_at: '{_shown(written)}' is no time when read as {order}: {error}") from None


def _shown(text: str) -> str:
    return text if len(text) <= len(_EXAMPLE) * 2 else text[: len(_EXAMPLE) * 2] + "…"


def _since_1970(text: str) -> str:
    whole, _, rest = text.partition(".")
    scale = next(scale for limit, scale, _ in _UNITS if int(whole) < limit)
    micro = int(whole) * 1_000_000 // scale + (int((rest + "000000")[:6]) // scale if rest else 0)
    return (_EPOCH + timedelta(microseconds=micro)).isoformat()


def time_format(text: str) -> str:
    """Return in words how a time is written, for a person who checks how it will be read."""
    bare = text.strip()
    if has_zone(text) is not None:
        return "ISO 8601 with a zone"
    if _EPOCH_NUMBER(bare) is not None:
        unit = next(unit for limit, _, unit in _UNITS if int(bare.partition(".")[0]) < limit)
        return f"{unit} since 1970"
    numeric = _NUMERIC(bare)
    if numeric is not None and len(numeric[1]) < _LONG_YEAR:
        return f"{DATES_LIKE} {bare}"
    return WITHOUT_ZONE
