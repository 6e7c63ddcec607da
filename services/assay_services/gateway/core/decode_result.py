"""What a delivery comes to: annotations, ids to fetch, nothing, or a reason why not; and what a decoder may know."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from assay_schemas.annotation import Annotation
from assay_services.gateway.core.platforms.field_mapping import FieldMapping

_MOST_PROBLEMS = 20
EVERYTHING = "*"
"""The id of a `Wanted` where the delivery does not say which: whatever has changed."""


@dataclass(frozen=True, slots=True)
class PlatformDelivery:
    """What a platform sent: the body as it came, and the headers by their names in lower case."""

    raw: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FetchTarget:
    """One thing to fetch from the platform: a `task`, `annotation`, `project`, `job`, `record`, and so on.

    `by` is who changed it, where only the delivery says so.
    """

    kind: str
    id: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Annotations:
    """Annotations that the delivery carries.

    `fetch` is what it only names; `problems` says which parts could not be read, and what was chosen where there was
    a choice.
    """

    annotations: tuple[Annotation, ...]
    fetch: tuple[FetchTarget, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """The delivery only says where to look."""

    wanted: tuple[FetchTarget, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """All is well and there is nothing to do: a ping, a draft, an event of something else."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The delivery is not what the platform sends. The reason quotes no secret of it."""

    reason: str


DecodeResult: TypeAlias = Annotations | Fetch | Nothing | Rejected


@dataclass(frozen=True, slots=True)
class EarlierAnnotation:
    """What an earlier annotation said, for a deletion that says only its id.

    `occurred_at` is when that was: the deletion comes just after it.
    """

    item: str
    annotator: str
    project: str
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person may choose for a connection, or for one platform project of it.

    `controls`: the controls, questions or fields that hold the label, the best first. `item_field` and `text_field`:
    where the item's own id and text are, if not where the platform has them. `attributes`: which short values become
    attributes; None takes all. `annotator`: who labels, where the platform does not say.
    """

    controls: tuple[str, ...] = ()
    item_field: str | None = None
    text_field: str | None = None
    attributes: tuple[str, ...] | None = None
    annotator: str | None = None
    mapping: FieldMapping | None = None


def nothing_known(_: str) -> EarlierAnnotation | None:
    """Know no earlier annotation."""
    return None


def nothing_held(_: str) -> Sequence[str]:
    """Know no annotation of any item."""
    return ()


@dataclass(frozen=True, slots=True)
class DecodeContext:
    """What a decoder may know beside the delivery.

    `project` is Assay's project of the connection; None takes the platform's own project id. `now` is when the
    delivery came, for facts that carry no time. `known` takes the platform's id of an annotation, `held` the id of an
    item, and returns the platform's ids of its annotations.
    """

    project: str | None
    now: datetime
    known: Callable[[str], EarlierAnnotation | None] = nothing_known
    held: Callable[[str], Sequence[str]] = nothing_held
    settings: Mapping[str, Settings] = field(default_factory=dict)
    default: Settings = field(default_factory=Settings)
    platform_project: str | None = None

    def settings_of(self, project: str | None) -> Settings:
        """Return the settings of a platform project: its own, else the connection's."""
        return self.settings.get(project or "", self.default)


def outcome_of(
    annotations: Sequence[Annotation], fetch: Sequence[FetchTarget], problems: Sequence[str], *, otherwise: str
) -> DecodeResult:
    """Return what a delivery comes to; `otherwise` says why it is nothing, where there was nothing in it."""
    said = shortened(problems)
    if annotations:
        return Annotations(tuple(annotations), unique(fetch), said)
    if fetch:
        return Fetch(unique(fetch), "; ".join(said) or otherwise)
    return Rejected("; ".join(said)) if said else Nothing(otherwise)


def shortened(problems: Sequence[str]) -> tuple[str, ...]:
    """Return the first problems, each once, and how many there are beside them."""
    found = list(dict.fromkeys(problems))
    more = len(found) - _MOST_PROBLEMS
    return (*found[:_MOST_PROBLEMS], f"and {more} more") if more > 0 else tuple(found)


def unique(wanted: Sequence[FetchTarget]) -> tuple[FetchTarget, ...]:
    """Return what is wanted, each once, in its order."""
    return tuple(dict.fromkeys(wanted))
