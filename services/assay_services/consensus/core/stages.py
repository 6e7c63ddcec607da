"""What one stage of a consensus step hands to the next: the stages of `ConsensusCore.step`, as values."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from assay_models.truth.truth_model import ItemJudgement
from assay_services.consensus.core.agreement_cells import Places
from assay_services.consensus.core.item_state import ConsensusItem
from assay_services.engine.core.core_api import Entry, Output

ProjectAnnotators: TypeAlias = dict[tuple[str, str], None]
"""Projects and annotators in order: an ordered set."""


class Received(NamedTuple):
    """The annotations of a batch, applied to their items.

    `items` are all items that the batch named. `changed_ms`: when (Kafka's time) an item last took an annotation over;
    `cells_before`: where those items stood in the agreement windows. `reopened`: whose closed counts shrank, because an
    item of theirs was closed and is open again.
    """

    items: dict[bytes, ConsensusItem]
    changed_ms: dict[bytes, int]
    cells_before: dict[bytes, Places]
    reopened: ProjectAnnotators
    verdicts: Counter[str]


class Judged(NamedTuple):
    """The judgements to publish, by item, and the projects that have any."""

    judgements: Mapping[bytes, ItemJudgement]
    projects: frozenset[str]


class Published(NamedTuple):
    """The events about items, and the items that have to be written because something was published of them."""

    outputs: list[Output]
    items: dict[bytes, ConsensusItem]
    notes: Counter[tuple[str, ...]]


class Closed(NamedTuple):
    """The state changes of items that were closed or dropped, and whose closed counts grew."""

    changes: Mapping[bytes, Entry | None]
    annotators: ProjectAnnotators


def nothing_received() -> Received:
    """Return what an idle moment receives."""
    return Received({}, {}, {}, {}, Counter())
