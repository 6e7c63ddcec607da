"""The consensus of one partition: validated annotations in, truth, corrections, agreement and reliability out."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson

from assay_models.rules.canonical_label import gold_reader, label_reader
from assay_models.truth.truth_model import POOL, ItemJudgement, TruthModel
from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_services.consensus.core.agreement_cells import NOWHERE, places_of
from assay_services.consensus.core.agreement_windows import AgreementWindows
from assay_services.consensus.core.closed_counts import CLOSED_COUNTS_PREFIX, ClosedItemCounts
from assay_services.consensus.core.convergence import Convergence
from assay_services.consensus.core.decode import decode
from assay_services.consensus.core.events import ItemEvents, PartitionOrigin, has_unpublished_votes, judged_item_event
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.item_cache import ITEM_PREFIX, ItemCache
from assay_services.consensus.core.item_lifetime import closes_at_ms, dropped_at_ms
from assay_services.consensus.core.item_state import (
    ConsensusItem,
    IncomingAnnotation,
    LabelReaders,
    apply_annotation,
    facts_of,
)
from assay_services.consensus.core.label_marks import LabelsStored, labels_key, labels_mark, read_labels_mark
from assay_services.consensus.core.reliability import ReliabilityPublisher
from assay_services.consensus.core.stages import (
    Closed,
    Judged,
    ProjectAnnotators,
    Published,
    Received,
    nothing_received,
)
from assay_services.engine.core.core_api import Core, Entry, NotYet, Output, Record, State, Step
from assay_services.engine.core.ledger import SUPERSEDED
from assay_services.engine.core.state import PartitionState

_FIRST = re.compile(rb'\[("[^"\\]*"),')
_CLOSE_AT_ONCE = 200
_LATER_MS = 3_600_000
_NEVER = 2**62
_RESTORED_AT_ONCE = 5_000
_NOTHING = ItemJudgement(None, None, {}, 0.0, lambda _: 0.0, None)


class ConsensusProject(NamedTuple):
    """A project's contract in force, and the function that builds a truth model for it."""

    contract: LabelContract
    make_truth: Callable[[LabelContract], TruthModel]


class ConsensusCore(Core):
    """The consensus of one partition.

    Its truth models and agreement windows are built from the stored state and change with every step, so an instance
    lives exactly as long as the state in memory that it was built from. The same records in the same batches, with the
    same counts from the other partitions, give the same steps.
    """

    def __init__(
        self,
        projects: Mapping[ProjectId, ConsensusProject],
        pool: Exchange,
        origin: PartitionOrigin,
        state: PartitionState,
        *,
        parked: Collection[ProjectId] = (),
        watched: bool = True,
        survives: bool = True,
    ) -> None:
        """Resume from `state`, with the contracts in force and the counts of the other partitions (`pool`).

        `parked` are projects whose state stays as it is.

        `watched`: whether the conduct service runs, and `items.judged` is published for it. `survives`: whether a
        restart resumes from what this instance writes; if not, items are not written.
        """
        self._parked = parked
        self._watched = watched
        self._survives = survives
        self._projects = projects
        self._state = state
        self._pool = pool
        self._origin = origin
        self._missing: set[ProjectId] = set()
        self._begin()

    def _begin(self) -> None:
        """Build everything from the stored state: at the start, and when a contract's labels change."""
        self._items = ItemCache(self._state, survives=self._survives)
        self._truths: dict[ProjectId, TruthModel] = {}
        self._closed_counts: dict[ProjectId, ClosedItemCounts] = {}
        self._contracts: dict[ProjectId, LabelContract] = {}
        self._readers: dict[ProjectId, LabelReaders] = {}
        self._resorted: list[bytes] = []
        self._judged_on_restore: dict[bytes, ItemJudgement] = {}
        self._convergence = Convergence()
        changes = self._pool.follow()
        self._windows = AgreementWindows(self._pool, changes, self._origin)
        self._reliabilities = ReliabilityPublisher(self._pool, changes, self._origin)
        self._rekeyed: dict[bytes, Entry | None] = {}
        self._stored: defaultdict[ProjectId, list[bytes]] = defaultdict(list)
        for key, value in self._state.values():
            self._stored[_project_of(value)].append(key)

    def _begin_again_if_outdated(self) -> None:
        """Begin again if a contract in memory was withdrawn, or has other labels: open items are judged under it."""
        if self._survives and any(
            name not in self._projects or self._projects[name].contract.label != contract.label
            for name, contract in self._contracts.items()
            if name not in self._projects or self._projects[name].contract is not contract
        ):
            self._begin()

    def step(self, state: State, batch: Sequence[Record]) -> Step:  # noqa: ARG002  # the constructor received it
        """Process one batch: each stage takes what the stages before it returned."""
        now = max(record.timestamp for record in batch)
        self._begin_again_if_outdated()
        received = self._receive(batch)
        self._update_models(received)
        faded = self._fade(now)
        judged = self._judge(received, sweep=len(batch))
        published = self._publish(judged, received, now)
        if self._watched:
            published = self._publish_judged(published, received, now)
        written = self._write(published)
        self._convergence = Convergence(relearned_at=now)
        written = {**self._take_rekeyed(), **written}
        closed = self._close(now, keep=written, limit=len(batch) + _CLOSE_AT_ONCE)
        counts = self._write_closed_counts(received.reopened | closed.annotators, faded | judged.projects, now)
        outputs = [*published.outputs, *self._publish_exchange(now)]
        return Step(outputs, {**written, **closed.changes, **counts}, received.verdicts, published.notes)

    def idle(self, now: int) -> Step | None:
        """Judge items again that may have moved, and publish what is due at `now` (ms); return None if nothing is."""
        self._begin_again_if_outdated()
        for name in self._stored.keys() & self._projects.keys():
            self._truth(name)
        if self._convergence.is_time_to_relearn(now):
            for name, truth in self._truths.items():
                truth.relearn()
                self._reliabilities.mark_changed(name, ())
        received = nothing_received()
        judged = self._judge(received, sweep=self._convergence.sweep)
        published = self._publish(judged, received, now)
        written = self._write(published)
        unrest = max((truth.unrest for truth in self._truths.values()), default=0.0)
        self._convergence.record_sweep(unrest, items=len(self._state))
        changes = {**self._take_rekeyed(), **written, **self._write_closed_counts({}, judged.projects, now)}
        outputs = [*published.outputs, *self._publish_exchange(now)]
        return Step(outputs, changes, Counter(), published.notes) if outputs or changes else None

    @property
    def is_converged(self) -> bool:
        """Return whether further idle moments change nothing until the next annotation."""
        return self._convergence.is_done

    def _require_contracts(self, names: Iterable[ProjectId]) -> None:
        """Raise NotYet, once per project, if a contract is missing: it may be about to arrive."""
        missing = {name for name in names if name not in self._projects} - self._missing
        if missing:
            self._missing |= missing
            raise NotYet(f"the contract of {', '.join(sorted(missing))}")

    def _receive(self, batch: Sequence[Record]) -> Received:
        """Apply the annotations of a batch to their items."""
        incoming = [decode(record.value) for record in batch]
        self._require_contracts({one.project for one in incoming if one is not None})
        received = nothing_received()
        for record, annotation in zip(batch, incoming, strict=True):
            received.verdicts[self._apply(received, record, annotation)] += 1
        return received

    def _apply(self, received: Received, record: Record, annotation: IncomingAnnotation | None) -> str:
        """Apply one annotation to its item, add the item to what was received, and return the verdict."""
        if annotation is None:
            return "unreadable"
        if annotation.project not in self._projects:
            return "no-contract"
        key, truth = annotation.key, self._truth(annotation.project)
        item = received.items.get(key) or self._items.get(key) or ConsensusItem(annotation.project, annotation.item)
        if key not in received.cells_before:
            received.items[key] = item
            received.cells_before[key] = places_of(item, self._projects[annotation.project].contract)
        closed = facts_of(item) if item.closed else None
        if not apply_annotation(item, annotation):
            return SUPERSEDED
        labels = self._readers[item.project]
        resorted = (closed is not None or not labels.fit(annotation)) and item.sort_votes(labels)
        if closed is not None:
            if not resorted:
                received.reopened.update(_ordered(item.project, closed.ballots))
                truth.reopen(key, closed, stored=item.posterior)
            item.closed = False
        received.changed_ms[key] = record.timestamp
        return "absorbed"

    def _update_models(self, received: Received) -> None:
        """Pass the changed items to their truth models, and move them within the agreement windows."""
        for key in received.changed_ms:
            item = received.items[key]
            truth = self._truth(item.project)
            self._reliabilities.mark_changed(item.project, (*item.votes, *item.withdrawn_us))
            if item.votes or item.adjudication is not None:
                truth.put(key, facts_of(item))
            else:
                truth.remove(key)
            self._windows.move(item, received.cells_before[key], self._projects[item.project].contract)

    def _fade(self, now: int) -> frozenset[ProjectId]:
        """Let closed counts decay; return the projects whose counts changed."""
        return frozenset(
            name
            for name, counts in self._closed_counts.items()
            if counts.fade(now, self._contracts[name].consensus.half_life_days)
        )

    def _judge(self, received: Received, *, sweep: int) -> Judged:
        """Return new judgements of the changed items, and of up to `sweep` others that moved."""
        if self._reliabilities.receive(self._truths):
            self._convergence.restart_round()
        by_project = {name: truth.settle(sweep=sweep) for name, truth in self._truths.items()}
        judgements, self._judged_on_restore = self._judged_on_restore, {}
        for judged in by_project.values():
            judgements |= judged
        resorted, self._resorted = self._resorted, []
        for key in (*received.changed_ms, *resorted):
            item = received.items.get(key) or self._items.load(key)
            if not item.votes and item.adjudication is None:
                judgements[key] = _NOTHING
        return Judged(judgements, frozenset(name for name, judged in by_project.items() if judged))

    def _publish(self, judged: Judged, received: Received, now: int) -> Published:
        """Build the events of judged items, and let each item remember what was published of it."""
        published = Published([], {}, Counter())
        events = {name: ItemEvents(project.contract, now) for name, project in self._projects.items()}
        for key, judgement in judged.judgements.items():
            item = received.items.get(key) or self._items.load(key)
            changed_ms = received.changed_ms.get(key)
            publication = events[item.project].build(key, item, judgement, changed=changed_ms is not None)
            if publication is None:
                continue
            corrections = publication.corrections
            item.remember(publication.published, corrections.in_force, corrections.id_count)
            item.posterior = judgement.stored
            item.heard_ms = item.heard_ms if changed_ms is None else changed_ms
            self._reliabilities.mark_changed(item.project, item.votes)
            published.outputs.extend(publication.outputs)
            published.items[key] = item
            for kind, count in (("correction", corrections.made), ("retraction", corrections.retracted)):
                if count:
                    published.notes["corrections", item.project, kind] += count
        return published

    def _publish_judged(self, published: Published, received: Received, now: int) -> Published:
        """Add the changed items that are complete, as the conduct service reads them."""
        ready: defaultdict[ProjectId, list[bytes]] = defaultdict(list)
        for key in received.changed_ms:
            item = received.items[key]
            if has_unpublished_votes(item, self._projects[item.project].contract):
                ready[item.project].append(key)
        outputs, items = list(published.outputs), dict(published.items)
        for name, keys in ready.items():
            without = self._truths[name].without(keys)
            for key in keys:
                item = items[key] = received.items[key]
                outputs.append(judged_item_event(key, item, without.get(key, {}), now))
                item.mark_votes_judged()
        return published._replace(outputs=outputs, items=items)

    def _write(self, published: Published) -> dict[bytes, Entry | None]:
        """Return the state changes of the published items."""
        return {
            ITEM_PREFIX + key: Entry(
                closes_at_ms(item, self._projects[item.project].contract), self._items.put(key, item)
            )
            for key, item in published.items.items()
        }

    def _close(self, now: int, *, keep: Mapping[bytes, Entry | None], limit: int) -> Closed:
        """Close items that are due, and drop those that were closed long ago; not those in `keep`, just written."""
        changes: dict[bytes, Entry | None] = {}
        annotators: ProjectAnnotators = {}
        for stored in self._state.due(now, limit=limit):
            if stored in keep or not stored.startswith(ITEM_PREFIX):
                continue
            key = stored[len(ITEM_PREFIX) :]
            item = self._items.load(key)
            if item.project in self._parked:
                changes[stored] = Entry(now + _LATER_MS, item.dump())
                continue
            if item.closed or item.project not in self._projects:
                self._items.drop(key)
                changes[stored] = None
                continue
            truth, contract = self._truth(item.project), self._projects[item.project].contract
            before = places_of(item, contract)
            truth.close(key)
            item.closed = True
            self._windows.move(item, before, contract)
            annotators.update(_ordered(item.project, item.votes))
            changes[stored] = Entry(dropped_at_ms(now, contract), self._items.put(key, item))
        return Closed(changes, annotators)

    def _write_closed_counts(
        self, annotators: ProjectAnnotators, projects: frozenset[ProjectId], now: int
    ) -> dict[bytes, Entry | None]:
        """Return the closed counts of these annotators and, about once a second, those of the projects' pools."""
        changes: dict[bytes, Entry | None] = dict(self._closed_counts[name].entry(who) for name, who in annotators)
        if self._reliabilities.is_due(now):
            changes |= dict(self._closed_counts[name].entry(POOL) for name in sorted(projects))
        return changes

    def _publish_exchange(self, now: int) -> Iterator[Output]:
        """Yield what is due for the other partitions, and the readings and reliabilities that this partition owns."""
        contracts = {name: project.contract for name, project in self._projects.items()}
        awaited = {*(self._stored.keys() & contracts.keys()), *self._parked}
        yield from self._windows.publish(now, contracts, awaited=awaited)
        yield from self._reliabilities.publish(now, self._truths)

    def _truth(self, name: ProjectId) -> TruthModel:
        """Return a project's truth model: built from the state the first time, and updated with every new contract."""
        project, truth = self._projects[name], self._truths.get(name)
        if truth is None:
            truth = self._truths[name] = project.make_truth(project.contract)
            self._adopt(name, project.contract)
            self._closed_counts[name] = ClosedItemCounts(name, truth)
            self._restore(name, truth, project.contract)
        elif self._contracts[name] is not project.contract:
            self._adopt(name, project.contract)
            truth.adopt(project.contract)
        return truth

    def _adopt(self, name: ProjectId, contract: LabelContract) -> None:
        self._contracts[name] = contract
        self._readers[name] = LabelReaders(label_reader(contract), gold_reader(contract))

    def _restore(self, name: ProjectId, truth: TruthModel, contract: LabelContract) -> None:
        first_minute = self._windows.begin(name, contract)
        keys = sorted(self._stored.pop(name, ()))
        known = self._adopt_labels(name, contract)
        kept = [value for key in keys if key.startswith(CLOSED_COUNTS_PREFIX) and (value := self._state.get(key))]
        if not known.same_form:  # no later version may take counts of another form for its own
            self._rekeyed |= {key: None for key in keys if key.startswith(CLOSED_COUNTS_PREFIX)}
        self._closed_counts[name].load(kept if known.same_form else (), contract.consensus.half_life_days)
        for number, (key, item) in enumerate(self._stored_items(keys)):
            if not item.closed and item.sort_votes(self._readers[name]):
                self._items.keep(key, item)
                self._resorted.append(key)
                item.posterior = None
            if not item.closed and (item.votes or item.adjudication is not None):
                truth.put(key, facts_of(item), stored=item.posterior if known.same_labels else None)
                if item.newest_minute >= first_minute:
                    self._windows.move(item, NOWHERE, contract)
                self._reliabilities.mark_changed(name, item.votes)
            if number % _RESTORED_AT_ONCE == 0:
                # Moves the items into compact arrays. Those with a stored judgement count as judged.
                self._judged_on_restore |= truth.settle()

    def _adopt_labels(self, name: ProjectId, contract: LabelContract) -> LabelsStored:
        """Return whether the stored state was written under the same labels, and store the contract's."""
        key, now = labels_key(name), labels_mark(contract)
        found = read_labels_mark(self._state.get(key))
        if found != now and self._survives:
            self._rekeyed[key] = Entry(_NEVER, orjson.dumps([name, *now]))
        return LabelsStored(found is None or found[0] == now[0], found is None or found[1] == now[1])

    def _stored_items(self, keys: Iterable[bytes]) -> Iterator[tuple[bytes, ConsensusItem]]:
        """Yield the items of these state keys that are still there, by their own key.

        An earlier version wrote `a:b:c` for two items of two projects. Such an item moves to the key that is only its
        own with the next step.
        """
        for stored in keys:
            item = self._items.get(stored[len(ITEM_PREFIX) :]) if stored.startswith(ITEM_PREFIX) else None
            if item is None:
                continue
            if ITEM_PREFIX + item.key != stored:
                wake_at = self._state.wake_at(stored)
                self._rekeyed |= {stored: None, ITEM_PREFIX + item.key: Entry(wake_at, self._items.move(item))}
            yield item.key, item

    def _take_rekeyed(self) -> dict[bytes, Entry | None]:
        taken, self._rekeyed = self._rekeyed, {}
        return taken


def _ordered(project: ProjectId, annotators: Iterable[AnnotatorId]) -> ProjectAnnotators:
    return dict.fromkeys((project, annotator) for annotator in annotators)


def _project_of(value: bytes) -> ProjectId:
    """Return the project of a stored item or closed count: it is the first element of both."""
    first = _FIRST.match(value)
    return ProjectId(str(orjson.loads(value)[0] if first is None else orjson.loads(first[1])))
