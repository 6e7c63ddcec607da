"""Exchange the counts of annotators between partitions, and publish the reliabilities that this partition owns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import orjson

from assay_models.truth.truth_model import POOL, TruthModel
from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_schemas.record_key import record_key
from assay_schemas.topics import COUNTS, RELIABILITY
from assay_services.consensus.core.events import PartitionOrigin, event
from assay_services.consensus.core.exchange import Exchange, ExchangeChanges, ProjectAnnotator, owner
from assay_services.engine.core.cloudevents import iso
from assay_services.engine.core.core_api import Output
from assay_services.engine.core.elapsed import has_passed

_PUBLISH_MS = 1_000
_AT_ONCE = 25
"""How many annotators are published per batch: publishing a thousand at once would delay that batch."""


class ReliabilityPublisher:
    """The annotators whose counts changed here or elsewhere and have not been published yet."""

    def __init__(self, pool: Exchange, changes: ExchangeChanges, origin: PartitionOrigin) -> None:
        """Read the counts of all partitions from `pool`, as `changes` names them."""
        self._pool = pool
        self._changes = changes
        self._origin = origin
        self._unpublished_counts: defaultdict[ProjectId, set[AnnotatorId]] = defaultdict(set)
        self._unpublished_reliabilities: set[ProjectAnnotator] = set()
        self._uncounted: dict[ProjectAnnotator, None] = {}
        self._waiting: dict[ProjectAnnotator, None] = {}
        self._published_at = 0

    def mark_changed(self, project: ProjectId, annotators: Iterable[AnnotatorId]) -> None:
        """Record that counts of these annotators changed in this partition."""
        self._unpublished_counts[project].update(annotators)

    def receive(self, truths: Mapping[ProjectId, TruthModel]) -> bool:
        """Pass the other partitions' new counts to the truth models; return whether any had changed."""
        changed = self._changes.drain_annotators()
        ours = sorted(one for one in changed if one[0] in truths)
        self._changes.annotators |= changed - set(ours)  # kept until this partition has items of their project
        for project, annotator in ours:
            truths[project].set_remote_counts(
                annotator, self._pool.others((project, annotator), self._origin.partition)
            )
        self._unpublished_reliabilities.update(one for one in ours if one[1] != POOL)
        return bool(ours)

    def is_due(self, now: int) -> bool:
        """Return whether to publish at `now` (ms): once a second and not with every batch."""
        return has_passed(self._published_at, now, _PUBLISH_MS)

    def publish(self, now: int, truths: Mapping[ProjectId, TruthModel]) -> Iterator[Output]:
        """Yield our changed counts, and the changed reliabilities that this partition owns, a few at a time."""
        if self.is_due(now):
            self._published_at = now
            self._queue(truths)
        for one in _first(self._uncounted):
            yield self._counts(*one, truths[one[0]], now)
        for one in _first(self._waiting):
            yield from _reliability(*one, truths[one[0]], now)

    def _queue(self, truths: Mapping[ProjectId, TruthModel]) -> None:
        untold, self._unpublished_counts = self._unpublished_counts, defaultdict(set)
        for project, annotators in untold.items():
            self._unpublished_reliabilities.update((project, annotator) for annotator in annotators)
            if self._origin.partitions > 1:  # a single partition has no others to publish to
                self._uncounted |= dict.fromkeys((project, one) for one in sorted({*annotators, POOL}))
        unspoken, self._unpublished_reliabilities = self._unpublished_reliabilities, set()
        self._waiting |= dict.fromkeys(one for one in sorted(unspoken) if one[0] in truths and self._is_ours(one))

    def _is_ours(self, one: ProjectAnnotator) -> bool:
        return owner(":".join(one), self._origin.partitions) == self._origin.partition

    def _counts(self, project: ProjectId, annotator: AnnotatorId, truth: TruthModel, now: int) -> Output:
        partition = self._origin.partition
        value = {
            "project": project,
            "annotator": annotator,
            "partition": partition,
            "learned": truth.learned(annotator),
            "as_of": iso(now),
        }
        return Output(COUNTS.name, orjson.dumps([project, annotator, partition]), orjson.dumps(value), [])


def _first(waiting: dict[ProjectAnnotator, None]) -> list[ProjectAnnotator]:
    """Remove and return those that have waited longest."""
    found = list(islice(waiting, _AT_ONCE))
    for one in found:
        del waiting[one]
    return found


def _reliability(project: ProjectId, annotator: AnnotatorId, truth: TruthModel, now: int) -> Iterator[Output]:
    found = truth.accuracy(annotator)
    if found is None:
        return
    value = {
        "project": project,
        "annotator": annotator,
        "accuracy": found.value,
        "accuracy_low": found.low,
        "accuracy_high": found.high,
        "votes": found.votes,
        "confusion": found.confusion,
        "as_of": iso(now),
    }
    key = record_key(project, annotator)
    yield event(RELIABILITY.name, key, value, kind="reliability")
