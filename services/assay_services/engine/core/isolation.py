"""Isolate projects from each other: a project whose work raises an error is parked, and the others go on.

An error of ours, or data that nobody thought of, would otherwise stop a partition for all projects and repeat after
every restart. A parked project's records are counted and not skipped: their place in the topic is kept, and they are
processed in order once the project is taken up again, after a restart of the worker or under a new contract.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from assay_schemas.annotation import ProjectId
from assay_services.engine.core.core_api import Core, NotYet, Record, State, Step
from assay_services.engine.core.ledger import PARKED, ParkedProject

MOST_BYTES = 7 * 1024 * 1024
"""The largest record that a step may write: below `max.message.bytes` of the topics."""
NAMELESS = ProjectId("")
"""Stands for the records that name no project."""
_SHOWN_CHARACTERS = 500

ProjectOf = Callable[[Record], ProjectId | None]
"""A function that returns the project of a record, or None if it names none."""


class TooLargeError(Exception):
    """A step would write a record that is too large for Kafka."""


class Live(NamedTuple):
    """What a core works on: the projects that are in force, and those that are parked and stay as they are."""

    projects: Mapping[ProjectId, Any]
    parked: Collection[ProjectId]


MakeCore = Callable[[Live], Core]
"""A function that builds a core from the partition's state."""


class _InForce(Mapping[ProjectId, Any]):
    """The projects in force that are not parked: a view, because contracts change while a core runs."""

    def __init__(self, projects: Mapping[ProjectId, Any], wanted: Callable[[ProjectId], bool]) -> None:
        self._projects = projects
        self._wanted = wanted

    def __getitem__(self, name: ProjectId) -> Any:  # noqa: ANN401  # whatever the service keeps of a project
        if not self._wanted(name):
            raise KeyError(name)
        return self._projects[name]

    def __iter__(self) -> Iterator[ProjectId]:
        return (name for name in list(self._projects) if self._wanted(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class IsolatedCore(Core):
    """A core around a core. `parked` are the parked projects; the lane writes them to the ledger with every step."""

    def __init__(
        self,
        make: MakeCore,
        projects: Mapping[ProjectId, Any],
        project_of: ProjectOf,
        *,
        parked: Mapping[ProjectId, ParkedProject] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Run the core that `make` builds for the projects in force, without those in `parked`.

        `most_bytes` is the size of the largest record that a step may write.
        """
        self._make = make
        self._projects = projects
        self._project_of = project_of
        self._most_bytes = most_bytes
        self.parked = dict(parked or {})
        self._failed_under: dict[ProjectId, Any] = {}
        self._resumed: ProjectId | None = None
        self._core = self._build()

    def step(self, state: State, batch: Sequence[Record]) -> Step:
        """Process one batch; the records of parked projects wait."""
        self.placed(batch[0].offset)
        waiting = self._waiting(batch)
        batch = batch if not waiting else [one for one in batch if one.offset not in waiting]
        before = set(self.parked)
        step = self._step(state, batch)
        newly = {name for name in self.parked if name not in before}
        waits = len(waiting) + sum(1 for one in batch if newly and self._name(one) in newly)
        return _with_parked(step, waits)

    def idle(self, now: int) -> Step | None:
        """Use an idle moment at `now` (ms since 1970)."""
        while True:
            try:
                return self._checked(self._core.idle(now))
            except Exception as error:  # noqa: BLE001  # whose error it is is found out, or it is raised again
                self._park(self._culprits([], now), at=None, now=now, error=error)

    @property
    def to_resume(self) -> ProjectId | None:
        """Return a parked project that is to be taken up again: this worker has not tried its contract yet."""
        if self._resumed is not None:
            return self._resumed
        for name in self.parked:
            if name not in self._failed_under or self._failed_under[name] is not self._projects.get(name):
                self._resumed = name
                self._core = self._build()
                return name
        return None

    def resume(self, state: State, records: Sequence[Record], *, until: int, now: int) -> Step | None:
        """Process waiting records of the project `to_resume`, read from the topic up to the offset `until`.

        `records` are all records of that stretch. Return None if the project is parked again.
        """
        name = self._resumed
        if name is None:
            return None
        mine = [record for record in records if self._name(record) == name]
        try:
            step = self._run_patiently(self._core, state, mine)
        except Exception as error:  # noqa: BLE001  # it is this project's: the records are only its own
            self._park({name: error}, at=self.parked[name].position, now=now, error=error)
            return None
        self.parked[name] = self.parked[name]._replace(position=until)
        return _with_parked(step, -len(mine))

    def finish_resuming(self) -> None:
        """Release the project that was taken up again: all its waiting records are processed."""
        if self._resumed is not None:
            del self.parked[self._resumed]
            self._failed_under.pop(self._resumed, None)
            self._resumed = None

    def placed(self, position: int) -> dict[ProjectId, ParkedProject]:
        """Return what is parked. A project without a record in the batch waits from the offset `position` on."""
        for name, one in self.parked.items():
            if one.position < 0:
                self.parked[name] = one._replace(position=position)
        return dict(self.parked)

    def _step(self, state: State, batch: Sequence[Record]) -> Step:
        while batch:
            try:
                return self._run(self._core, state, batch)
            except NotYet:
                raise
            except Exception as error:  # noqa: BLE001  # whose error it is is found out, or it is raised again
                now = max(record.timestamp for record in batch)
                culprits = self._culprits(batch, now, state)
                first = {name: self._first_of(name, batch) for name in culprits}
                self._park(culprits, at=first, now=now, error=error)
                batch = [record for record in batch if self._name(record) not in culprits]
        return Step([], {}, {})

    def _run(self, core: Core, state: State, batch: Sequence[Record]) -> Step:
        if not batch:
            return Step([], {}, {})
        step = core.step(state, batch)
        self._checked(step)
        if sum(step.verdicts.values()) != len(batch):
            raise RuntimeError(f"{len(batch)} records have the outcomes {step.verdicts}: the ledger does not balance")
        return step

    def _run_patiently(self, core: Core, state: State, batch: Sequence[Record]) -> Step:
        """Run a step; what it waits for has arrived or never will."""
        try:
            return self._run(core, state, batch)
        except NotYet:
            return self._run(core, state, batch)

    def _checked(self, step: Step | None) -> Step | None:
        if step is not None:
            for what, size in _too_large(step, self._most_bytes):
                raise TooLargeError(f"{size:,} bytes would be written to {what}; a record has {self._most_bytes:,}")
        return step

    def _culprits(self, batch: Sequence[Record], now: int, state: State | None = None) -> dict[ProjectId, Exception]:
        """Return the projects that raise an error when they are processed alone, each with its error."""
        found: dict[ProjectId, Exception] = {}
        names = dict.fromkeys([*map(self._name, batch), *self._projects])
        for name in names:
            if name in self.parked and name != self._resumed:
                continue
            mine = [record for record in batch if self._name(record) == name]
            try:
                self._try_alone(name, mine, now, state)
            except Exception as error:  # noqa: BLE001  # this is the question
                found[name] = error
        return found

    def _try_alone(self, name: ProjectId, mine: Sequence[Record], now: int, state: State | None) -> None:
        others = frozenset({*self._projects, *self.parked}) - {name}
        core = self._make(Live(_InForce(self._projects, lambda one: one == name), others))
        if state is not None:
            self._run_patiently(core, state, mine)
        self._checked(core.idle(now))

    def _park(
        self,
        culprits: Mapping[ProjectId, Exception],
        *,
        at: Mapping[ProjectId, int | None] | int | None,
        now: int,
        error: Exception,
    ) -> None:
        """Park these projects and build the core again without them; raise `error` if there are none."""
        if not culprits:
            raise error
        for name, own in culprits.items():
            place = at if at is None or isinstance(at, int) else at.get(name)
            known = self.parked.get(name)
            since = now if known is None else known.since
            self.parked[name] = ParkedProject(-1 if place is None else place, since, _described(own))
            self._failed_under[name] = self._projects.get(name)
        self._resumed = None
        self._core = self._build()

    def _build(self) -> Core:
        out = [name for name in self.parked if name != self._resumed]
        if not out:
            return self._make(Live(self._projects, ()))
        return self._make(Live(_InForce(self._projects, lambda one: one not in out), frozenset(out)))

    def _waiting(self, batch: Iterable[Record]) -> set[int]:
        """Return the offsets of the records whose project is parked or still being taken up."""
        return {record.offset for record in batch if self._name(record) in self.parked} if self.parked else set()

    def _first_of(self, name: ProjectId, batch: Sequence[Record]) -> int | None:
        return next((record.offset for record in batch if self._name(record) == name), None)

    def _name(self, record: Record) -> ProjectId:
        return self._project_of(record) or NAMELESS


def _with_parked(step: Step, count: int) -> Step:
    if not count:
        return step
    verdicts = Counter(step.verdicts)
    verdicts[PARKED] += count
    return Step(step.outputs, step.changes, verdicts, step.notes)


def _too_large(step: Step, most: int) -> Iterator[tuple[str, int]]:
    for topic, _, value, _ in step.outputs:
        if value is not None and len(value) > most:
            yield topic, len(value)
    for key, entry in step.changes.items():
        if entry is not None and len(entry.value) > most:
            yield f"the state of {key.decode(errors='replace')}", len(entry.value)


def _described(error: Exception) -> str:
    """Return an error in one line: its kind, its text, and the function that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].name}" if frames else ""
    return f"{type(error).__name__}{where}: {error}"[:_SHOWN_CHARACTERS]
