"""The types of rows, and the conversion of an event's values to cells."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import orjson
from pydantic import BaseModel, TypeAdapter
from pydantic_core import SchemaValidator, core_schema

from assay_schemas.agreement import AgreementReading
from assay_schemas.alert import Alert
from assay_schemas.annotation import Label
from assay_schemas.conduct import ConductReport, Signal
from assay_schemas.consensus import Consensus, Correction, Reliability, ReviewRequest
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.record_key import split_key
from assay_schemas.verdict import RejectedAnnotation, ValidatedAnnotation
from assay_services.engine.core.core_api import Record

Row: TypeAlias = dict[str, Any]
"""Values by column; a JSON column has JSON text, a time column text in UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_NUL_SHOWN = "\N{SYMBOL FOR NULL}"
_LARGEST = 2**63 - 1


NEWER: Mapping[str, Sequence[str]] = {
    "items": ("described", "seen_at", "seen_in"),
    "votes": ("occurred_at", "id", "source", "kafka_partition", "kafka_offset"),
    "readings_now": ("as_of", "source", "kafka_partition", "kafka_offset"),
}
"""The columns that decide which row is newer, by table; in other tables the last written row wins."""


class RowImpossible(Exception):
    """A record that cannot become a row; the message has the reason."""


class RecordOrigin(NamedTuple):
    """The Kafka (number in the archive) and partition that a record comes from."""

    source: int
    partition: int


class Added(NamedTuple):
    """A row that is added."""

    table: str
    row: Row


class KeyedRow(NamedTuple):
    """The single row of a key; None: it is deleted."""

    table: str
    key: tuple[str, ...]
    row: Row | None


RowWrite: TypeAlias = Added | KeyedRow
Reader: TypeAlias = Callable[[Record, RecordOrigin], Sequence[RowWrite]]


def arrived(record: Record) -> str:
    """Return the record's own time as text in UTC."""
    return _at(record.timestamp)


@lru_cache(maxsize=1_024)
def _at(milliseconds: int) -> str:
    """Return ms since 1970 as text in UTC; cached, because many consecutive records have the same time."""
    return utc(_EPOCH + timedelta(milliseconds=milliseconds))


def label_cells(label: Label | None) -> tuple[str | None, str | None]:
    """Return a label as text, and its kind."""
    if label is None:
        return None, None
    if isinstance(label, str):
        return label, "text"
    if isinstance(label, list):
        return json_text([one.model_dump() if isinstance(one, BaseModel) else one for one in label]), "list"
    return json_text(label), "number"


def gone(table: str, record: Record) -> Sequence[RowWrite]:
    """Return the deletion of a key's row."""
    try:
        project, name = split_key(record.key or b"")
    except ValueError:
        raise RowImpossible("a record without a value must have a key like project:item") from None
    return [KeyedRow(table, (plain_text(project.encode()), plain_text(name.encode())), None)]


_ADAPTERS: Mapping[type[BaseModel], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind)
    for kind in (
        ValidatedAnnotation,
        RejectedAnnotation,
        Consensus,
        Correction,
        ReviewRequest,
        AgreementReading,
        Reliability,
        Signal,
        ConductReport,
        LabelContract,
        Alert,
    )
}


def read(kind: type[Any], record: Record) -> Any:  # noqa: ANN401  # what `kind` says
    """Parse a value; raise ValueError if it is malformed."""
    return _ADAPTERS[kind].validate_json(_value(record))


def read_plain(kind: type[Any], record: Record) -> Row:
    """Parse a value by the same rules to dictionaries, in two thirds of the time that models take."""
    said: Row = _PLAIN[kind].validate_json(_value(record))
    return said


def _value(record: Record) -> bytes:
    """Return a record's value. NUL, which PostgreSQL cannot store, becomes its symbol."""
    value = record.value
    if value is None:
        raise RowImpossible("the record has no value")
    return _NUL.sub(rb"\1\\u2400", value) if b"\\u0000" in value else value


def _plain(rule: Any) -> Any:  # noqa: ANN401  # pydantic's own form of its rules
    """Return validation rules that yield a dictionary of the present fields instead of a model."""
    if isinstance(rule, list | tuple):
        return [_plain(one) for one in rule]
    if not isinstance(rule, dict):
        return rule
    if rule.get("type") != "model":
        return {name: _plain(inner) for name, inner in rule.items()}
    fields = {name: _plain_field(one["schema"]) for name, one in rule["schema"]["fields"].items()}
    return core_schema.typed_dict_schema(fields, config=rule["config"], ref=rule.get("ref"))


def _plain_field(rule: Any) -> core_schema.TypedDictField:  # noqa: ANN401
    is_optional = rule["type"] == "default"
    return core_schema.typed_dict_field(_plain(rule["schema"] if is_optional else rule), required=not is_optional)


def _plain_validator(kind: type[BaseModel]) -> SchemaValidator:
    kind.model_rebuild()  # the models of events are built at their first use
    return SchemaValidator(_plain(kind.__pydantic_core_schema__))


_PLAIN: Mapping[type[BaseModel], SchemaValidator] = {
    kind: _plain_validator(kind) for kind in (ValidatedAnnotation, RejectedAnnotation)
}


def position(place: RecordOrigin, record: Record) -> Row:
    """Return the cells that identify the record a row comes from."""
    return {"source": place.source, "kafka_partition": place.partition, "kafka_offset": record.offset}


def plain_text(raw: bytes) -> str:
    """Return bytes as text that every database can store."""
    return raw.decode(errors="replace").replace("\0", _NUL_SHOWN)


def json_text(value: object) -> str:
    """Return a value as JSON text for a JSON column."""
    return orjson.dumps(value).decode()


def utc(moment: datetime) -> str:
    """Return a time in UTC, as SQLAlchemy writes it to SQLite; raise OverflowError before the year 1.

    The texts sort by time. PostgreSQL reads them in the session's zone, which is UTC.
    """
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def whole(number: int) -> int:
    """Return a number that fits its column, or raise RowImpossible."""
    if abs(number) > _LARGEST:
        raise RowImpossible(f"{number} is too large a number")
    return number
