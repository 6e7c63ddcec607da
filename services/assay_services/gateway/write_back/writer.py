"""What is to be written of an item, and who writes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

WriteBackFields = Mapping[str, Any]

MARK = "assay"
"""The name under which everything is written, by which our own writes are known."""


@dataclass(slots=True)
class ItemUpdate:
    """What is to be written of one item. It changes as more is heard."""

    consensus: WriteBackFields | None = None
    findings: list[WriteBackFields] = field(default_factory=list)
    wants_vote: bool = False


class Writer(Protocol):
    """Writes to one project of a platform. Raise PlatformError from everything."""

    async def __aenter__(self) -> Self:
        """Open."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        ...

    async def write(self, item: str, news: ItemUpdate) -> bool:
        """Write what is new of an item; tell whether it is there. The same however often it is done."""
        ...
