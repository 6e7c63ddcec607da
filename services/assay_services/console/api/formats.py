"""The formats of the query API: JSON, NDJSON, CSV without spreadsheet formulas, and Parquet."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa
from pyarrow import parquet

from assay_schemas.json_data import Json

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
MEDIA = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
"""The media type of each format."""

Records = Sequence[Mapping[str, Any]]


def chosen(format_: str | None, accept: str) -> str | None:
    """Return the format by name, else by `Accept`, else JSON; None if the name is unknown."""
    if format_:
        return format_ if format_ in MEDIA else None
    for offer in accept.split(","):
        plain = offer.partition(";")[0].strip()
        for name, media in MEDIA.items():
            if plain == media.partition(";")[0]:
                return name
    return "json"


def written(records: Records, format_: str, *, following: str | None) -> bytes:
    """Serialize records. Only JSON contains the cursor of the next page; the other formats have it in a header."""
    if format_ == "json":
        return orjson.dumps({"data": list(records), "next": following})
    if format_ == "ndjson":
        return b"".join(orjson.dumps(one) + b"\n" for one in records)
    flat = [{name: _flat(value) for name, value in one.items()} for one in records]
    return _csv(flat) if format_ == "csv" else _parquet(flat)


def _flat(value: Json) -> Json:
    return orjson.dumps(value).decode() if isinstance(value, Mapping | list | tuple) else value


def _csv(records: Records) -> bytes:
    out = io.StringIO()
    names = list(records[0]) if records else []
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([_cell(one[name]) for name in names] for one in records)
    return out.getvalue().encode()


def _cell(value: Json) -> str:
    """Return a cell; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    text = "" if value is None else str(value)
    guarded = isinstance(value, str) and text.startswith(_FORMULA) and not _NUMBER.fullmatch(text)
    return f"'{text}" if guarded else text


def _parquet(records: Records) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([dict(one) for one in records]), out)
    return out.getvalue()
