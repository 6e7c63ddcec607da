"""Absorb validated annotations: what each item's label is, who is right how often, how well all agree."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from assay_models.truth.truth_model import POOL, GivenLabel, ItemFacts, ItemJudgement, TruthModel
from assay_schemas.contract.label_contract import LabelContract
from assay_services.consensus.core.agreement_cells import NOWHERE, Places, longest_minutes, places_of
from assay_services.consensus.core.agreement_windows import AgreementWindows
from assay_services.consensus.core.closed_counts import CLOSED_COUNTS_PREFIX, ClosedItemCounts
from assay_services.consensus.core.convergence import Convergence
from assay_services.consensus.core.decode import decode
from assay_services.consensus.core.events import ItemEvents, PartitionOrigin, has_unpublished_votes, judged_item_event
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.item_cache import ITEM_PREFIX, ItemCache
from assay_services.consensus.core.item_state import ConsensusItem, IncomingAnnotation, apply_annotation
from assay_services.consensus.core.reliability import ReliabilityPublisher
from assay_services.engine.core.core_api import Core, Entry, NotYet, Output, Record, State, Step
from assay_services.engine.core.ledger import SUPERSEDED
from assay_services.engine.core.state import PartitionState


@dataclass(slots=True)
class BatchState:
    """A batch while it is absorbed. `heard`: when (ms) something was heard of an item.

    `kept`: the projects and annotators of whom closed items teach something else than before.
    """

    now: int
    items: dict[bytes, ConsensusItem] = field(default_factory=dict)
    heard_ms: dict[bytes, int] = field(default_factory=dict)
    before: dict[bytes, Places] = field(default_factory=dict)
    touched: dict[bytes, ConsensusItem] = field(default_factory=dict)
    changes: dict[bytes, Entry | None] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
    closed_counts_changed: dict[tuple[str, str], None] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    notes: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def mark_closed_counts(self, project: str, annotators: Iterable[str]) -> None:
        """Note that an item was closed, or is open again: what closed items teach of its annotators has changed."""
        self.closed_counts_changed.update(dict.fromkeys((project, who) for who in annotators))


_FIRST = re.compile(rb'\[("[^"\\]*"),')
_CLOSE_AT_ONCE = 200
_RESTORED_AT_ONCE = 5_000
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_NOTHING = ItemJudgement(None, None, {}, 0.0, lambda _: 0.0, None)


class ConsensusProject(NamedTuple):
    """A project's contract in force, and what makes a truth model for its labels."""

    contract: LabelContract
    make_truth: Callable[[LabelContract], TruthModel]


class ConsensusCore(Core):
    """The consensus of one partition.

    What it works with (truth models, panes) is made from the state when it begins, and changes with every step: an
    instance lives exactly as long as the state in memory that it was made from. The same records in the same batches,
    with the same word from the other partitions, give the same steps.
    """

    def __init__(
        self,
        projects: Mapping[str, ConsensusProject],
        pool: Exchange,
        origin: PartitionOrigin,
        state: PartitionState,
        *,
        watched: bool = True,
        survives: bool = True,
    ) -> None:
        """Take the projects in force, what other partitions say, and the state to go on from.

        `watched`: whether somebody watches the annotators' conduct, and has to be told of the items. `survives`:
        whether a restart goes on where this one ended; if not, items are not written.
        """
        self._watched = watched
        self._projects = projects
        self._state = state
        self._shelf = ItemCache(state, survives=survives)
        self._truths: dict[str, TruthModel] = {}
        self._keeping: dict[str, ClosedItemCounts] = {}
        self._contracts: dict[str, LabelContract] = {}
        self._missing: set[str] = set()
        self._rest = Convergence()
        changes = pool.follow()
        self._panes = AgreementWindows(pool, changes, origin)
        self._shared = ReliabilityPublisher(pool, changes, origin)
        self._stored: defaultdict[str, list[bytes]] = defaultdict(list)
        for key, value in state.values():
            self._stored[_project_of(value)].append(key)

    def step(self, state: State, batch: Sequence[Record]) -> Step:  # noqa: ARG002  # it is the one we were made from
        """Absorb one batch."""
        heard = [decode(record.value) for record in batch]
        self._require_contracts({one.project for one in heard if one is not None})
        work = BatchState(max(record.timestamp for record in batch))
        for record, one in zip(batch, heard, strict=True):
            work.verdicts[self._hear(work, record, one)] += 1
        for key in work.heard_ms:
            item = work.items[key]
            self._put(key, item)
            self._panes.move(item, work.before[key], self._projects[item.project].contract)
        self._fade(work)
        self._judge(work, sweep=len(batch))
        if self._watched:
            self._tell_judged(work)
        self._write(work)
        self._rest = Convergence(relearned_at=work.now)
        self._close(work, limit=len(batch) + _CLOSE_AT_ONCE)
        return self._end(work)

    def idle(self, now: int) -> Step | None:
        """Use a quiet moment: judge again what may have moved, and tell what has not been told; None if nothing is."""
        work = BatchState(now)
        for name in self._stored.keys() & self._projects.keys():
            self._truth(name)
        if self._rest.is_time_to_relearn(now):
            for name, truth in self._truths.items():
                truth.relearn()
                self._shared.mark_changed(name, ())
        self._judge(work, sweep=self._rest.sweep)
        self._write(work)
        unrest = max((truth.unrest for truth in self._truths.values()), default=0.0)
        self._rest.record_sweep(unrest, items=len(self._state))
        step = self._end(work)
        return step if step.outputs or step.changes else None

    @property
    def is_converged(self) -> bool:
        """Tell whether quiet moments bring nothing new until something is heard again."""
        return self._rest.is_done

    def _require_contracts(self, names: Iterable[str]) -> None:
        """See to it that every project has its contract; ask for a pause, once, where one may be on its way."""
        missing = {name for name in names if name not in self._projects} - self._missing
        if missing:
            self._missing |= missing
            raise NotYet(f"the contract of {', '.join(sorted(missing))}")

    def _hear(self, work: BatchState, record: Record, heard: IncomingAnnotation | None) -> str:
        if heard is None:
            return "unreadable"
        if heard.project not in self._projects:
            return "no-contract"
        key = heard.key
        item = work.items.get(key) or self._shelf.get(key) or ConsensusItem(heard.project, heard.item)
        if key not in work.before:
            work.items[key], work.before[key] = item, places_of(item, self._projects[heard.project].contract)
        closed = _facts(item) if item.closed else None
        if not apply_annotation(item, heard):
            return SUPERSEDED
        if closed is not None:
            work.mark_closed_counts(item.project, closed.ballots)
            self._truth(item.project).reopen(key, closed, stored=item.posterior)
            item.closed = False
        work.heard_ms[key] = record.timestamp
        return "absorbed"

    def _put(self, key: bytes, item: ConsensusItem) -> None:
        truth = self._truth(item.project)
        self._shared.mark_changed(item.project, (*item.votes, *item.withdrawn_us))
        if item.votes or item.adjudication is not None:
            truth.put(key, _facts(item))
        else:
            truth.remove(key)

    def _judge(self, work: BatchState, *, sweep: int) -> None:
        if self._shared.receive(self._truths):
            self._rest.restart_round()
        for name, truth in self._truths.items():
            words = ItemEvents(self._projects[name].contract, work.now, work.notes)
            judged = truth.settle(sweep=sweep)
            if judged:
                work.judged.add(name)
            for key, judgement in judged.items():
                self._say(work, words, key, judgement)
        for key in work.heard_ms:
            item = work.items[key]
            if not item.votes and item.adjudication is None:
                words = ItemEvents(self._projects[item.project].contract, work.now, work.notes)
                self._say(work, words, key, _NOTHING)

    def _say(self, work: BatchState, words: ItemEvents, key: bytes, judgement: ItemJudgement) -> None:
        item = work.items.get(key) or self._shelf.load(key)
        heard = key in work.heard_ms
        said = words.build(key, item, judgement, heard=heard)
        if not said:
            return
        work.outputs.extend(said)
        item.posterior = judgement.stored
        if heard:
            item.heard_ms = work.heard_ms[key]
        self._shared.mark_changed(item.project, item.votes)
        work.touched[key] = item

    def _tell_judged(self, work: BatchState) -> None:
        """Tell of the items heard of that have their annotations, each annotation beside what the others say."""
        ready: defaultdict[str, list[bytes]] = defaultdict(list)
        for key in work.heard_ms:
            item = work.items[key]
            if has_unpublished_votes(item, self._projects[item.project].contract):
                ready[item.project].append(key)
        for name, keys in ready.items():
            without = self._truths[name].without(keys)
            for key in keys:
                item = work.items[key]
                work.outputs.append(judged_item_event(key, item, without.get(key, {}), work.now))
                work.touched[key] = item

    def _write(self, work: BatchState) -> None:
        """Write every item of which anything was said."""
        for key, item in work.touched.items():
            wake_at = _closes_at(item, self._projects[item.project].contract)
            work.changes[ITEM_PREFIX + key] = Entry(wake_at, self._shelf.put(key, item))

    def _close(self, work: BatchState, *, limit: int) -> None:
        """Close what has been quiet for long enough; drop what was closed long ago."""
        for stored in self._state.due(work.now, limit=limit):
            if stored in work.changes or not stored.startswith(ITEM_PREFIX):
                continue
            key = stored[len(ITEM_PREFIX) :]
            item = self._shelf.load(key)
            if item.closed or item.project not in self._projects:
                self._shelf.drop(key)
                work.changes[stored] = None
                continue
            truth, contract = self._truth(item.project), self._projects[item.project].contract
            before = places_of(item, contract)
            truth.close(key)
            item.closed = True
            self._panes.move(item, before, contract)
            work.mark_closed_counts(item.project, item.votes)
            wake_at = work.now + int(contract.close.age_days * _DAY_MS)
            work.changes[stored] = Entry(wake_at, self._shelf.put(key, item))

    def _fade(self, work: BatchState) -> None:
        for name, keeping in self._keeping.items():
            if keeping.fade(work.now, self._contracts[name].consensus.half_life_days):
                work.judged.add(name)

    def _end(self, work: BatchState) -> Step:
        work.changes.update(self._keeping[name].entry(who) for name, who in work.closed_counts_changed)
        if self._shared.is_due(work.now):
            for name in work.judged:
                work.changes.update([self._keeping[name].entry(POOL)])
        contracts = {name: project.contract for name, project in self._projects.items()}
        work.outputs.extend(self._panes.publish(work.now, contracts, awaited=self._stored.keys() & contracts.keys()))
        work.outputs.extend(self._shared.publish(work.now, self._truths))
        return Step(work.outputs, work.changes, work.verdicts, work.notes)

    def _truth(self, name: str) -> TruthModel:
        """Return a project's truth model: made from the state at first, told of every new contract."""
        project, truth = self._projects[name], self._truths.get(name)
        if truth is None:
            truth = self._truths[name] = project.make_truth(project.contract)
            self._contracts[name] = project.contract
            self._keeping[name] = ClosedItemCounts(name, truth)
            self._restore(name, truth, project.contract)
        elif self._contracts[name] is not project.contract:
            self._contracts[name] = project.contract
            truth.adopt(project.contract)
        return truth

    def _restore(self, name: str, truth: TruthModel, contract: LabelContract) -> None:
        first_minute = self._panes.begin(name, contract)
        keys = sorted(self._stored.pop(name, ()))
        kept = [self._state.get(key) or b"" for key in keys if key.startswith(CLOSED_COUNTS_PREFIX)]
        self._keeping[name].load(kept, contract.consensus.half_life_days)
        for number, key in enumerate(key[len(ITEM_PREFIX) :] for key in keys if key.startswith(ITEM_PREFIX)):
            item = self._shelf.load(key)
            if not item.closed and (item.votes or item.adjudication is not None):
                truth.put(key, _facts(item), stored=item.posterior)
                if item.newest_minute >= first_minute:
                    self._panes.move(item, NOWHERE, contract)
                self._shared.mark_changed(name, item.votes)
            if number % _RESTORED_AT_ONCE == 0:
                truth.settle()  # they count as judged: nothing comes of it but that they are put away compactly


def _facts(item: ConsensusItem) -> ItemFacts:
    known = item.gold if item.adjudication is None else item.adjudication.label
    return ItemFacts(
        {who: GivenLabel(vote.label, vote.copied) for who, vote in item.votes.items()},
        known,
        item.model_probabilities or None,
    )


def _closes_at(item: ConsensusItem, contract: LabelContract) -> int:
    """Return when an item closes if nothing more is heard: not before it has left the longest window."""
    if len(item.votes) < contract.redundancy and item.adjudication is None:
        return item.heard_ms + int(contract.close.age_days * _DAY_MS)
    quiet = int(contract.close.quiet_hours * _HOUR_MS)
    return item.heard_ms + max(quiet, longest_minutes(contract.agreement) * _MINUTE_MS)


def _project_of(value: bytes) -> str:
    """Return the project of a stored item or kept count: the first thing that either has."""
    first = _FIRST.match(value)
    return str(orjson.loads(value)[0] if first is None else orjson.loads(first[1]))
