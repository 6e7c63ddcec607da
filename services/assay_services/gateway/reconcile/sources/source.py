"""The interface of a platform with an API: changes, a listing of everything, and single things by id."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from assay_schemas.annotation import Annotation, ItemId
from assay_services.gateway.core.decode_result import DecodeContext, FetchTarget
from assay_services.gateway.core.unread_part import UnreadPart

ApiFields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing on a platform in its current state: a task, a job, an assignment, a record or an example.

    `group` is the key by which its annotations are counted: the item, or the thing itself. `annotations` are its
    annotations, including deletions. `here` has the platform's ids of all its annotations, including unreadable ones: a
    published annotation of the group that is not among them was deleted; None: unknown. `changed_at` is the time up to
    which this state is complete: newer annotations are not treated as deleted. `watermark` is where the next poll
    resumes, and `copy` is stored to compare with next time. `problems` are the parts that could not be read, `unread`
    those that were left out. `things` has the platform's id of each annotation's task or record (see `Annotations`).
    """

    id: str
    group: str | None
    annotations: tuple[Annotation, ...]
    here: frozenset[str] | None = None
    changed_at: datetime | None = None
    watermark: str | None = None
    copy: bytes | None = None
    problems: tuple[str, ...] = ()
    unread: tuple[UnreadPart, ...] = ()
    things: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """One thing in the listing. `count`: its number of annotations, or None if the listing lacks it.

    `seen` is the thing itself, if the listing includes it.
    """

    id: str
    group: str | None
    count: int | None = None
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A webhook registered on the platform. `secret` signs its deliveries, if the platform chose one."""

    id: str
    secret: str | None = None


def no_things(_: ItemId) -> Sequence[str]:
    """Return an empty sequence: no task of any item is known."""
    return ()


def nothing_copied(_: str) -> bytes | None:
    """Return None: no earlier copy is stored."""
    return None


@dataclass(frozen=True, slots=True)
class Setting:
    """What a source or writer knows of its connection.

    `copy_of` returns the stored copy of a thing, or None. `things_of` returns the platform's ids of an item's tasks or
    records, where they are not the item's id (`item_field`).
    """

    url: str
    token: str
    number: str
    asked: DecodeContext
    copy_of: Callable[[str], bytes | None] = nothing_copied
    things_of: Callable[[ItemId], Sequence[str]] = no_things


class PlatformSource(Protocol):
    """One project of one platform. Every method raises PlatformError if the response is not as expected.

    `by_thing`: annotations are counted by their thing, whose id is the first part of theirs (`thing/…`); otherwise by
    item. `polled`: `changed_since` finds everything except deletions, so a thing that cannot be requested by id need
    not wait for the next sweep. `kind` is the kind of its things in a `FetchTarget`.
    """

    kind: str
    by_thing: bool
    polled: bool

    async def __aenter__(self) -> Self:
        """Return the source."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the source."""
        ...

    async def check(self) -> None:
        """Raise PlatformError unless the project exists and can be read."""
        ...

    def changed_since(self, watermark: str | None) -> AsyncIterator[Seen]:
        """Yield what changed after a watermark, the oldest change first; everything if the watermark is None."""
        ...

    def everything(self) -> AsyncIterator[Listed]:
        """Yield every thing. Raise PlatformError, and yield nothing, if the project does not exist."""
        ...

    async def one(self, wanted: FetchTarget) -> Seen | None:
        """Return one thing, or None if it does not exist, is in another project, or cannot be requested by id."""
        ...

    async def register_webhook(self, url: str, secret: str) -> Registered | None:
        """Register a webhook; return None if a person has to do it."""
        ...

    async def remove_webhook(self, webhook: str) -> None:
        """Delete a webhook; do nothing if it does not exist."""
        ...
