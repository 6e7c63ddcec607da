"""The interface of writers, and what they write for an item."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from assay_schemas.annotation import ItemId

WriteBackFields = Mapping[str, Any]

MARK = "assay"
"""The prefix of everything that Assay writes, by which its own writes are recognised."""


@dataclass(slots=True)
class ItemUpdate:
    """What to write for one item. It changes as more results arrive."""

    consensus: WriteBackFields | None = None
    findings: list[WriteBackFields] = field(default_factory=list)
    wants_vote: bool = False


class Writer(Protocol):
    """Writes to one project of a platform. Every method raises PlatformError."""

    async def __aenter__(self) -> Self:
        """Return the writer."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the writer."""
        ...

    async def write(self, item: ItemId, news: ItemUpdate) -> bool:
        """Write an item's new results; return whether the item exists there. Idempotent."""
        ...
