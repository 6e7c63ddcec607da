"""What a batch comes to, while it is absorbed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from assay_services.consensus.core.agreement_cells import Places
from assay_services.consensus.core.item_state import OpenItem
from assay_services.engine.core.core_api import Entry, Output


@dataclass(slots=True)
class Batch:
    """A batch while it is absorbed. `heard`: when (ms) something was heard of an item.

    `kept`: the projects and annotators of whom closed items teach something else than before.
    """

    now: int
    items: dict[bytes, OpenItem] = field(default_factory=dict)
    heard: dict[bytes, int] = field(default_factory=dict)
    before: dict[bytes, Places] = field(default_factory=dict)
    touched: dict[bytes, OpenItem] = field(default_factory=dict)
    changes: dict[bytes, Entry | None] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
    kept: dict[tuple[str, str], None] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    notes: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def keep(self, project: str, annotators: Iterable[str]) -> None:
        """Note that an item was closed, or is open again: what closed items teach of its annotators has changed."""
        self.kept.update(dict.fromkeys((project, who) for who in annotators))
