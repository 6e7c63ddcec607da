"""What reconciliation needs of a platform with an API: what has changed, everything there is, one thing by its id."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from assay_schemas.annotation import Annotation
from assay_services.gateway.core.decode_result import DecodeContext, FetchTarget

ApiFields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing of a platform as it is now: a task, a job, an assignment, a record, an example.

    `group` is what its annotations are counted by: the item, or the thing itself. `annotations` is what it says, its
    own deletions included. `here` has the platform's ids of all its annotations, also of those that cannot be read:
    what is held of the group and is not among them is gone; None says nothing of the kind. `changed_at` is the time
    that this look surely knows of: what is newer than that is not gone. `watermark` is where to go on the next time,
    and `copy` what to compare with then. `problems` says what could not be read.
    """

    id: str
    group: str | None
    annotations: tuple[Annotation, ...]
    here: frozenset[str] | None = None
    changed_at: datetime | None = None
    watermark: str | None = None
    copy: bytes | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A thing in the list of everything. `count`: how many annotations it has, where the list says so.

    `seen` is the thing itself, where the list carries it.
    """

    id: str
    group: str | None
    count: int | None = None
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A webhook at the platform. `secret` is what it signs with, where the platform chose that itself."""

    id: str
    secret: str | None = None


def nothing_copied(_: str) -> bytes | None:
    """Remember nothing of what a thing said before."""
    return None


@dataclass(frozen=True, slots=True)
class Setting:
    """What a source knows of its connection. `copy_of` returns what it said of a thing before, None: nothing yet."""

    url: str
    token: str
    number: str
    asked: DecodeContext
    copy_of: Callable[[str], bytes | None] = nothing_copied


class PlatformSource(Protocol):
    """One project of one platform. Everything raises PlatformError where the platform does not answer as it should.

    `by_thing`: annotations are counted by the thing that they are of, whose id theirs begin with (`thing/…`); else by
    item. `polled`: `changed_since` finds everything but what is gone, so that a wanted thing that cannot be asked for
    by its id need not wait for the next sweep. `kind` is what its things are called in a `Wanted`.
    """

    kind: str
    by_thing: bool
    polled: bool

    async def __aenter__(self) -> Self:
        """Open."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        ...

    async def check(self) -> None:
        """Raise PlatformError unless the project is there and may be read."""
        ...

    def changed_since(self, watermark: str | None) -> AsyncIterator[Seen]:
        """Yield what has changed after a watermark, the oldest change first; everything where there is none."""
        ...

    def everything(self) -> AsyncIterator[Listed]:
        """Yield every thing that is there. Raise PlatformError, and yield nothing, where the project is not there."""
        ...

    async def one(self, wanted: FetchTarget) -> Seen | None:
        """Return one thing, or None where it is gone, is of another project, or cannot be asked for."""
        ...

    async def register_webhook(self, url: str, secret: str) -> Registered | None:
        """Have changes posted to an address; None where that can only be done by hand."""
        ...

    async def remove_webhook(self, webhook: str) -> None:
        """Take a webhook away; nothing happens if it is gone already."""
        ...
