"""The result of decoding a delivery (annotations, things to fetch, nothing, or a rejection), and its context."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from assay_schemas.annotation import Annotation, AnnotatorId, ItemId, ProjectId
from assay_services.gateway.core.platforms.field_mapping import FieldMapping
from assay_services.gateway.core.unread_part import UnreadPart

_MOST_PROBLEMS = 20
EVERYTHING = "*"
"""The id of a `FetchTarget` if the delivery does not name one: fetch whatever has changed."""


@dataclass(frozen=True, slots=True)
class PlatformDelivery:
    """A delivery: its raw body, and its headers by lower-case name."""

    raw: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FetchTarget:
    """One thing to fetch from the platform: a `task`, `annotation`, `project`, `job`, `record`, and so on.

    `by` is who changed it, if only the delivery has that.
    """

    kind: str
    id: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Annotations:
    """Annotations in the delivery.

    `fetch` are the things that it only names; `problems` are parts that could not be read, and choices that were made.
    `unread` are the parts that were left out of complete annotations. `things` has the platform's id of each
    annotation's task or record by the annotation's id on the platform, where it is not the item's id.
    """

    annotations: tuple[Annotation, ...]
    fetch: tuple[FetchTarget, ...] = ()
    problems: tuple[str, ...] = ()
    unread: tuple[UnreadPart, ...] = ()
    things: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fetch:
    """The delivery only names what to fetch."""

    wanted: tuple[FetchTarget, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """A valid delivery without annotations: a ping, a draft, or an event of another kind."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The delivery is not in the platform's format. The reason contains no secrets."""

    reason: str


DecodeResult: TypeAlias = Annotations | Fetch | Nothing | Rejected


@dataclass(frozen=True, slots=True)
class EarlierAnnotation:
    """The earlier state of an annotation, for a deletion that carries only an id.

    `occurred_at` is the time of that state; the deletion is dated just after it.
    """

    item: ItemId
    annotator: AnnotatorId
    project: ProjectId
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that a person chose for a connection, or for one platform project of it.

    `controls`: the controls, questions or fields with the label, in order of preference. `item_field` and `text_field`:
    the fields with the item's own id and text, if not the platform's usual ones. `attributes`: which short values
    become attributes; None means all. `annotator`: the annotator, if the platform does not name one.
    """

    controls: tuple[str, ...] = ()
    item_field: str | None = None
    text_field: str | None = None
    attributes: tuple[str, ...] | None = None
    annotator: AnnotatorId | None = None
    mapping: FieldMapping | None = None


def nothing_known(_: str) -> EarlierAnnotation | None:
    """Return None: no earlier annotation is known."""
    return None


def nothing_held(_: str) -> Sequence[str]:
    """Return an empty sequence: no annotation of any task or record is known."""
    return ()


@dataclass(frozen=True, slots=True)
class DecodeContext:
    """What a decoder knows beside the delivery.

    `project` is Assay's project of the connection; None uses the platform's project id. `now` is when the delivery
    arrived, for facts without a time. `known` returns an earlier annotation by the platform's id; `held` returns the
    platform's ids of the annotations of a task or record, by the platform's id of it (not the item's id). `label_kind`
    is the kind of label in the project's contract; None: unknown.
    """

    project: ProjectId | None
    now: datetime
    known: Callable[[str], EarlierAnnotation | None] = nothing_known
    held: Callable[[str], Sequence[str]] = nothing_held
    settings: Mapping[str, Settings] = field(default_factory=dict)
    default: Settings = field(default_factory=Settings)
    platform_project: str | None = None
    label_kind: str | None = None

    def settings_of(self, project: str | None) -> Settings:
        """Return the settings of a platform project, or else the connection's."""
        return self.settings.get(project or "", self.default)


def outcome_of(
    annotations: Sequence[Annotation], fetch: Sequence[FetchTarget], problems: Sequence[str], *, otherwise: str
) -> DecodeResult:
    """Return the result of a delivery; `otherwise` is the reason if it contains nothing."""
    said = shortened(problems)
    if annotations:
        return Annotations(tuple(annotations), unique(fetch), said)
    if fetch:
        return Fetch(unique(fetch), "; ".join(said) or otherwise)
    return Rejected("; ".join(said)) if said else Nothing(otherwise)


def shortened(problems: Sequence[str]) -> tuple[str, ...]:
    """Return the first problems without duplicates, and the number of further ones."""
    found = list(dict.fromkeys(problems))
    more = len(found) - _MOST_PROBLEMS
    return (*found[:_MOST_PROBLEMS], f"and {more} more") if more > 0 else tuple(found)


def unique(wanted: Sequence[FetchTarget]) -> tuple[FetchTarget, ...]:
    """Return the targets without duplicates, in their order."""
    return tuple(dict.fromkeys(wanted))
