"""Who or what is to be forgotten, and what that changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from assay_services.engine.core.core_api import Output
from assay_services.engine.core.state import PartitionState

_WAKE_BYTES = 8

Published: TypeAlias = Mapping[str, Mapping[bytes, bytes]]
"""The newest value of each key, by topic (without prefix)."""


class ErasureRequest(NamedTuple):
    """An item, or an annotator (of one project, or of all: None).

    `pseudonym` is what an annotator is called from now on; None: what they said is removed. `words` are the ids of the
    annotations by which an annotator settled items: an item does not remember whose word it follows.
    """

    is_item: bool
    project: str | None
    name: str
    pseudonym: str | None = None
    settled_by: frozenset[str] = frozenset()

    @property
    def key(self) -> bytes:
        """Return the key of the item: `project:item`."""
        return f"{self.project}:{self.name}".encode()

    def is_annotator(self, project: str, annotator: str) -> bool:
        """Tell whether this is the annotator."""
        return not self.is_item and annotator == self.name and self.project in {None, project}


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is to be changed: the state, in its stored form (None: gone), and what is published."""

    stored: Mapping[bytes, bytes | None] = field(default_factory=dict)
    outputs: Sequence[Output] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything to change."""
        return bool(self.stored or self.outputs)


def rewritten(state: PartitionState, key: bytes, value: bytes) -> bytes:
    """Return a changed value in its stored form, to be woken when the old one would have been."""
    return state.items()[key][:_WAKE_BYTES] + value
