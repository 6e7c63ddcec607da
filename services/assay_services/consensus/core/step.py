"""Absorb validated annotations: what each item's label is, who is right how often, how well all agree."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from assay_models.truth.truth_model import POOL, Ballot, Facts, Judgement, Truth
from assay_schemas.contract.label_contract import LabelContract
from assay_services.consensus.core.agreement_cells import NOWHERE, Places, longest_minutes, places_of
from assay_services.consensus.core.agreement_windows import OwnPanes
from assay_services.consensus.core.closed_counts import KEPT, Keeping
from assay_services.consensus.core.convergence import Rest
from assay_services.consensus.core.decode import decode
from assay_services.consensus.core.events import Origin, Words, to_be_told, told
from assay_services.consensus.core.exchange import Pool
from assay_services.consensus.core.item_cache import ITEM, Shelf
from assay_services.consensus.core.item_state import Heard, OpenItem, absorb
from assay_services.consensus.core.reliability import Shared
from assay_services.engine.core.core_api import Core, Entry, NotYet, Output, Record, State, Step
from assay_services.engine.core.ledger import SUPERSEDED
from assay_services.engine.core.state import PartitionState


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


_FIRST = re.compile(rb'\[("[^"\\]*"),')
_CLOSE_AT_ONCE = 200
_RESTORED_AT_ONCE = 5_000
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_NOTHING = Judgement(None, None, {}, 0.0, lambda _: 0.0, None)


class Project(NamedTuple):
    """A project's contract in force, and what makes a truth model for its labels."""

    contract: LabelContract
    make_truth: Callable[[LabelContract], Truth]


class Consensus(Core):
    """The consensus of one partition.

    What it works with (truth models, panes) is made from the state when it begins, and changes with every step: an
    instance lives exactly as long as the state in memory that it was made from. The same records in the same batches,
    with the same word from the other partitions, give the same steps.
    """

    def __init__(
        self,
        projects: Mapping[str, Project],
        pool: Pool,
        origin: Origin,
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
        self._shelf = Shelf(state, survives=survives)
        self._truths: dict[str, Truth] = {}
        self._keeping: dict[str, Keeping] = {}
        self._contracts: dict[str, LabelContract] = {}
        self._missing: set[str] = set()
        self._rest = Rest()
        changes = pool.follow()
        self._panes = OwnPanes(pool, changes, origin)
        self._shared = Shared(pool, changes, origin)
        self._stored: defaultdict[str, list[bytes]] = defaultdict(list)
        for key, value in state.values():
            self._stored[_project_of(value)].append(key)

    def step(self, state: State, batch: Sequence[Record]) -> Step:  # noqa: ARG002  # it is the one we were made from
        """Absorb one batch."""
        heard = [decode(record.value) for record in batch]
        self._demand({one.project for one in heard if one is not None})
        work = Batch(max(record.timestamp for record in batch))
        for record, one in zip(batch, heard, strict=True):
            work.verdicts[self._hear(work, record, one)] += 1
        for key in work.heard:
            item = work.items[key]
            self._put(key, item)
            self._panes.move(item, work.before[key], self._projects[item.project].contract)
        self._fade(work)
        self._judge(work, sweep=len(batch))
        if self._watched:
            self._tell_judged(work)
        self._write(work)
        self._rest = Rest(reflected_at=work.now)
        self._close(work, limit=len(batch) + _CLOSE_AT_ONCE)
        return self._end(work)

    def idle(self, now: int) -> Step | None:
        """Use a quiet moment: judge again what may have moved, and tell what has not been told; None if nothing is."""
        work = Batch(now)
        for name in self._stored.keys() & self._projects.keys():
            self._truth(name)
        if self._rest.is_time_to_reflect(now):
            for name, truth in self._truths.items():
                truth.reflect()
                self._shared.changed(name, ())
        self._judge(work, sweep=self._rest.sweep)
        self._write(work)
        unrest = max((truth.unrest for truth in self._truths.values()), default=0.0)
        self._rest.swept(unrest, items=len(self._state))
        step = self._end(work)
        return step if step.outputs or step.changes else None

    @property
    def is_at_rest(self) -> bool:
        """Tell whether quiet moments bring nothing new until something is heard again."""
        return self._rest.is_over

    def _demand(self, names: Iterable[str]) -> None:
        """See to it that every project has its contract; ask for a pause, once, where one may be on its way."""
        missing = {name for name in names if name not in self._projects} - self._missing
        if missing:
            self._missing |= missing
            raise NotYet(f"the contract of {', '.join(sorted(missing))}")

    def _hear(self, work: Batch, record: Record, heard: Heard | None) -> str:
        if heard is None:
            return "unreadable"
        if heard.project not in self._projects:
            return "no-contract"
        key = heard.key
        item = work.items.get(key) or self._shelf.get(key) or OpenItem(heard.project, heard.item)
        if key not in work.before:
            work.items[key], work.before[key] = item, places_of(item, self._projects[heard.project].contract)
        closed = _facts(item) if item.closed else None
        if not absorb(item, heard):
            return SUPERSEDED
        if closed is not None:
            work.keep(item.project, closed.ballots)
            self._truth(item.project).reopen(key, closed, stored=item.posterior)
            item.closed = False
        work.heard[key] = record.timestamp
        return "absorbed"

    def _put(self, key: bytes, item: OpenItem) -> None:
        truth = self._truth(item.project)
        self._shared.changed(item.project, (*item.votes, *item.gone))
        if item.votes or item.word is not None:
            truth.put(key, _facts(item))
        else:
            truth.remove(key)

    def _judge(self, work: Batch, *, sweep: int) -> None:
        if self._shared.listen(self._truths):
            self._rest.stir()
        for name, truth in self._truths.items():
            words = Words(self._projects[name].contract, work.now, work.notes)
            judged = truth.settle(sweep=sweep)
            if judged:
                work.judged.add(name)
            for key, judgement in judged.items():
                self._say(work, words, key, judgement)
        for key in work.heard:
            item = work.items[key]
            if not item.votes and item.word is None:
                words = Words(self._projects[item.project].contract, work.now, work.notes)
                self._say(work, words, key, _NOTHING)

    def _say(self, work: Batch, words: Words, key: bytes, judgement: Judgement) -> None:
        item = work.items.get(key) or self._shelf.take(key)
        heard = key in work.heard
        said = words.about(key, item, judgement, heard=heard)
        if not said:
            return
        work.outputs.extend(said)
        item.posterior = judgement.stored
        if heard:
            item.heard = work.heard[key]
        self._shared.changed(item.project, item.votes)
        work.touched[key] = item

    def _tell_judged(self, work: Batch) -> None:
        """Tell of the items heard of that have their annotations, each annotation beside what the others say."""
        ready: defaultdict[str, list[bytes]] = defaultdict(list)
        for key in work.heard:
            item = work.items[key]
            if to_be_told(item, self._projects[item.project].contract):
                ready[item.project].append(key)
        for name, keys in ready.items():
            without = self._truths[name].without(keys)
            for key in keys:
                item = work.items[key]
                work.outputs.append(told(key, item, without.get(key, {}), work.now))
                work.touched[key] = item

    def _write(self, work: Batch) -> None:
        """Write every item of which anything was said."""
        for key, item in work.touched.items():
            wake_at = _closes_at(item, self._projects[item.project].contract)
            work.changes[ITEM + key] = Entry(wake_at, self._shelf.put(key, item))

    def _close(self, work: Batch, *, limit: int) -> None:
        """Close what has been quiet for long enough; drop what was closed long ago."""
        for stored in self._state.due(work.now, limit=limit):
            if stored in work.changes or not stored.startswith(ITEM):
                continue
            key = stored[len(ITEM) :]
            item = self._shelf.take(key)
            if item.closed or item.project not in self._projects:
                self._shelf.drop(key)
                work.changes[stored] = None
                continue
            truth, contract = self._truth(item.project), self._projects[item.project].contract
            before = places_of(item, contract)
            truth.close(key)
            item.closed = True
            self._panes.move(item, before, contract)
            work.keep(item.project, item.votes)
            wake_at = work.now + int(contract.close.age_days * _DAY_MS)
            work.changes[stored] = Entry(wake_at, self._shelf.put(key, item))

    def _fade(self, work: Batch) -> None:
        for name, keeping in self._keeping.items():
            if keeping.fade(work.now, self._contracts[name].consensus.half_life_days):
                work.judged.add(name)

    def _end(self, work: Batch) -> Step:
        work.changes.update(self._keeping[name].entry(who) for name, who in work.kept)
        if self._shared.is_due(work.now):
            for name in work.judged:
                work.changes.update([self._keeping[name].entry(POOL)])
        contracts = {name: project.contract for name, project in self._projects.items()}
        work.outputs.extend(self._panes.tell(work.now, contracts, awaited=self._stored.keys() & contracts.keys()))
        work.outputs.extend(self._shared.tell(work.now, self._truths))
        return Step(work.outputs, work.changes, work.verdicts, work.notes)

    def _truth(self, name: str) -> Truth:
        """Return a project's truth model: made from the state at first, told of every new contract."""
        project, truth = self._projects[name], self._truths.get(name)
        if truth is None:
            truth = self._truths[name] = project.make_truth(project.contract)
            self._contracts[name] = project.contract
            self._keeping[name] = Keeping(name, truth)
            self._restore(name, truth, project.contract)
        elif self._contracts[name] is not project.contract:
            self._contracts[name] = project.contract
            truth.adopt(project.contract)
        return truth

    def _restore(self, name: str, truth: Truth, contract: LabelContract) -> None:
        first_minute = self._panes.begin(name, contract)
        keys = sorted(self._stored.pop(name, ()))
        kept = [self._state.get(key) or b"" for key in keys if key.startswith(KEPT)]
        self._keeping[name].load(kept, contract.consensus.half_life_days)
        for number, key in enumerate(key[len(ITEM) :] for key in keys if key.startswith(ITEM)):
            item = self._shelf.take(key)
            if not item.closed and (item.votes or item.word is not None):
                truth.put(key, _facts(item), stored=item.posterior)
                if item.minute >= first_minute:
                    self._panes.move(item, NOWHERE, contract)
                self._shared.changed(name, item.votes)
            if number % _RESTORED_AT_ONCE == 0:
                truth.settle()  # they count as judged: nothing comes of it but that they are put away compactly


def _facts(item: OpenItem) -> Facts:
    known = item.gold if item.word is None else item.word.label
    return Facts({who: Ballot(vote.label, vote.copied) for who, vote in item.votes.items()}, known, item.view or None)


def _closes_at(item: OpenItem, contract: LabelContract) -> int:
    """Return when an item closes if nothing more is heard: not before it has left the longest window."""
    if len(item.votes) < contract.redundancy and item.word is None:
        return item.heard + int(contract.close.age_days * _DAY_MS)
    quiet = int(contract.close.quiet_hours * _HOUR_MS)
    return item.heard + max(quiet, longest_minutes(contract.agreement) * _MINUTE_MS)


def _project_of(value: bytes) -> str:
    """Return the project of a stored item or kept count: the first thing that either has."""
    first = _FIRST.match(value)
    return str(orjson.loads(value)[0] if first is None else orjson.loads(first[1]))
