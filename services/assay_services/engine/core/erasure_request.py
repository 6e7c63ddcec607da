"""A request to erase an item or an annotator, and the resulting changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from assay_schemas.annotation import AnnotationId, AnnotatorId, ItemId, ProjectId
from assay_schemas.record_key import record_key
from assay_services.engine.core.core_api import Output
from assay_services.engine.core.state import PartitionState

_WAKE_BYTES = 8

Published: TypeAlias = Mapping[str, Mapping[bytes, bytes]]
"""The newest value of each key, by topic (without prefix)."""


class ErasureRequest(NamedTuple):
    """An item, or an annotator of one project (`project` None: of all projects), to be erased.

    `pseudonym` replaces the annotator's name; None removes their annotations. `settled_by` has the ids of the
    annotations with which an annotator adjudicated items, because an item stores only the annotation's id and not its
    author.
    """

    is_item: bool
    project: ProjectId | None
    name: str
    pseudonym: AnnotatorId | None = None
    settled_by: frozenset[AnnotationId] = frozenset()

    @property
    def key(self) -> bytes:
        """Return the item's key: `project:item`."""
        return record_key(str(self.project), self.name)

    @property
    def item(self) -> ItemId:
        """Return the name, as that of an item."""
        return ItemId(self.name)

    @property
    def annotator(self) -> AnnotatorId:
        """Return the name, as that of an annotator."""
        return AnnotatorId(self.name)

    def is_annotator(self, project: ProjectId, annotator: AnnotatorId) -> bool:
        """Return whether the request is about this annotator of this project."""
        return not self.is_item and annotator == self.name and self.project in {None, project}


@dataclass(frozen=True, slots=True)
class Erasure:
    """The changes of an erasure: to the state, in stored form (None deletes a key), and the records to publish."""

    stored: Mapping[bytes, bytes | None] = field(default_factory=dict)
    outputs: Sequence[Output] = ()

    def __bool__(self) -> bool:
        """Return whether the erasure changes anything."""
        return bool(self.stored or self.outputs)


def rewritten(state: PartitionState, key: bytes, value: bytes) -> bytes:
    """Return a changed value in stored form, with the wake-up time of the value that it replaces."""
    return state.items()[key][:_WAKE_BYTES] + value
