"""The values that the stages of `ConsensusCore.step` pass to each other."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from assay_models.truth.truth_model import ItemJudgement
from assay_schemas.annotation import ProjectId
from assay_services.consensus.core.agreement_cells import Places
from assay_services.consensus.core.exchange import ProjectAnnotator
from assay_services.consensus.core.item_state import ConsensusItem
from assay_services.engine.core.core_api import Entry, Output

ProjectAnnotators: TypeAlias = dict[ProjectAnnotator, None]
"""Projects and annotators in order: an ordered set."""


class Received(NamedTuple):
    """The annotations of a batch, applied to their items.

    `items` are all items named in the batch. `changed_ms`: when an annotation last changed an item (ms since 1970,
    Kafka's time). `cells_before`: where each item was in the agreement windows before the batch. `reopened`: annotators
    whose counts of closed items shrank, because one of their closed items was reopened.
    """

    items: dict[bytes, ConsensusItem]
    changed_ms: dict[bytes, int]
    cells_before: dict[bytes, Places]
    reopened: ProjectAnnotators
    verdicts: Counter[str]


class Judged(NamedTuple):
    """The judgements to publish, by item, and the projects that have any."""

    judgements: Mapping[bytes, ItemJudgement]
    projects: frozenset[ProjectId]


class Published(NamedTuple):
    """The events about items, and the items to write because something was published of them."""

    outputs: list[Output]
    items: dict[bytes, ConsensusItem]
    notes: Counter[tuple[str, ...]]


class Closed(NamedTuple):
    """The state changes of items that were closed or dropped, and the annotators whose closed counts grew."""

    changes: Mapping[bytes, Entry | None]
    annotators: ProjectAnnotators


def nothing_received() -> Received:
    """Return the `Received` of an idle moment, without annotations."""
    return Received({}, {}, {}, {}, Counter())
