"""What a person says about a file that the file does not say itself."""

import codecs
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from assay_services.ingest.input_record import InputError


class DateOrder(StrEnum):
    """The order of day, month and year in dates like 03/04/2026."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
    YEAR_FIRST = "ymd"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a file. None: the file has to say it.

    `timezone`: of times that have none. `dates`: the order in dates like 03/04/2026. `encoding`: of text files that are
    not UTF-8. `annotator`: who made the labels of a format that names nobody. `label`: the field, question or control
    that holds the label, where an export has several.
    """

    timezone: tzinfo | None = None
    dates: DateOrder | None = None
    encoding: str | None = None
    annotator: str | None = None
    label: str | None = None

    @property
    def mark(self) -> str:
        """A text that differs between different options; empty for none."""
        given = (self.timezone, self.dates, self.encoding, self.annotator, self.label)
        return "" if given == (None,) * len(given) else "\0".join(map(str, given))


def encoding_named(name: str) -> str:
    """Return the codec's own name of a text encoding. Raise InputError."""
    try:
        found = codecs.lookup(name)
        "".encode(name)
    except (LookupError, ValueError):
        raise InputError(f"--encoding: '{name}' is no text encoding; try windows-1252, latin-1 or utf-16") from None
    return found.name
