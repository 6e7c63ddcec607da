"""A project whose work raises an error is parked; the others go on, and nothing of it is lost."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import pytest

from assay_schemas.alert import Alert
from assay_schemas.annotation import ProjectId
from assay_services.engine.core.core_api import Core, Entry, NotYet, Output, Record, State, Step
from assay_services.engine.core.isolation import NAMELESS, IsolatedCore, Live
from assay_services.engine.core.ledger import Ledger, ParkedProject, load_ledger
from assay_services.engine.core.parking_alerts import parked_alert, released_alert
from assay_services.engine.core.record_project import project_at
from assay_services.engine.core.state import PartitionState

A, B, C = ProjectId("a"), ProjectId("b"), ProjectId("c")


@dataclass(frozen=True)
class ARecord:
    offset: int
    value: bytes | None
    timestamp: int = 1_000
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


def of(offset: int, project: str, said: str = "x") -> ARecord:
    return ARecord(offset, orjson.dumps({"project": project, "said": said}))


class Counting(Core):
    """Counts the records of each project in its state, and raises at what a contract forbids."""

    def __init__(self, state: PartitionState, live: Live) -> None:
        self._live = live
        self._counts = {key: int(value) for key, value in state.values()}

    def step(self, state: State, batch: Sequence[Record]) -> Step:  # noqa: ARG002
        outputs, changes = [], {}
        for record in batch:
            found = orjson.loads(record.value or b"{}")
            project = found.get("project", "")
            if found.get("said") in self._live.projects.get(project, ()):
                raise ValueError(f"cannot do {found['said']}")
            if project and project not in self._live.projects and project not in NOBODY:
                NOBODY.add(project)
                raise NotYet(project)
            key = project.encode()
            self._counts[key] = self._counts.get(key, 0) + 1
            changes[key] = Entry(0, b"%d" % self._counts[key])
            outputs.append(Output("out", key, b"%d" % self._counts[key], []))
        return Step(outputs, changes, {"counted": len(batch)})

    def idle(self, now: int) -> Step | None:  # noqa: ARG002
        for name, forbidden in self._live.projects.items():
            if "idle" in forbidden:
                raise KeyError(name)
        return None


NOBODY: set[str] = set()


class Running:
    """An isolated core with a state and a ledger, as the lane runs it."""

    def __init__(self, projects: dict[ProjectId, Sequence[str]]) -> None:
        NOBODY.clear()
        self.projects, self.state, self.ledger = projects, PartitionState(), Ledger(0)
        self.topic: list[ARecord] = []
        self.start()

    def start(self) -> None:
        self.core = IsolatedCore(
            lambda live: Counting(self.state, live),
            self.projects,
            project_at("project"),
            parked=load_ledger(self.ledger.dump()).parked,
            most_bytes=1_000,
        )

    def feed(self, *records: ARecord) -> None:
        self.topic += records
        try:
            step = self.core.step(self.state, records)
        except NotYet:
            step = self.core.step(self.state, records)
        assert sum(step.verdicts.values()) == len(records)
        self._commit(step, records[-1].offset + 1)

    def resume(self) -> None:
        while (name := self.core.to_resume) is not None:
            first = self.core.parked[name].position
            records = [one for one in self.topic if first <= one.offset < self.ledger.position]
            step = self.core.resume(self.state, records, until=self.ledger.position, now=2_000)
            if step is not None:
                self._commit(step, self.ledger.position)
                self.core.finish_resuming()
            self._commit(Step([], {}, {}), self.ledger.position)

    def count(self, project: str) -> int:
        return int(self.state.get(project.encode()) or 0)

    def _commit(self, step: Step, position: int) -> None:
        self.state.apply(step.changes)
        self.ledger = self.ledger.after(position, step.verdicts, self.core.placed(position))


def test_the_others_go_on_and_the_records_of_the_parked_project_wait() -> None:
    running = Running({A: [], B: ["poison"]})

    running.feed(of(0, "a"), of(1, "b"), of(2, "b", "poison"), of(3, "a"))
    running.feed(of(4, "b"), of(5, "a"))

    assert (running.count("a"), running.count("b")) == (3, 0)
    assert running.ledger.verdicts == {"counted": 3, "parked": 3}
    parked = running.ledger.parked[B]
    assert (parked.position, parked.since) == (1, 1_000)
    assert parked.error == "ValueError in step: cannot do poison"


def test_nothing_is_lost_when_a_mended_version_takes_the_project_up() -> None:
    running = Running({A: [], B: ["poison"]})
    running.feed(of(0, "b"), of(1, "b", "poison"), of(2, "a"), of(3, "b"))

    running.projects = {A: [], B: []}
    running.start()
    running.feed(of(4, "b"), of(5, "a"))
    running.resume()
    running.feed(of(6, "b"))

    assert (running.count("a"), running.count("b")) == (2, 5)
    assert running.ledger.verdicts == {"counted": 7, "parked": 0}
    assert not running.ledger.parked


def test_a_new_contract_takes_the_project_up_without_a_restart() -> None:
    running = Running({A: [], B: ["poison"]})
    running.feed(of(0, "b", "poison"))
    assert running.core.to_resume is None

    running.projects[B] = []
    running.resume()

    assert running.count("b") == 1
    assert not running.ledger.parked


def test_a_project_that_fails_again_stays_parked_and_is_not_tried_for_ever() -> None:
    running = Running({A: [], B: ["poison"]})
    running.feed(of(0, "b", "poison"))

    running.start()
    running.resume()
    running.feed(of(1, "a"))

    assert running.ledger.verdicts == {"counted": 1, "parked": 1}
    assert (running.ledger.parked[B].position, running.ledger.parked[B].since) == (0, 1_000)


def test_two_projects_may_be_parked_at_once_and_a_third_by_an_idle_moment() -> None:
    running = Running({A: ["poison"], B: ["poison"], C: [], ProjectId("d"): []})
    running.feed(of(0, "a", "poison"), of(1, "b", "poison"), of(2, "c"), of(3, "d"))

    running.projects[C] = ["idle"]
    assert running.core.idle(5_000) is None
    running.feed(of(4, "d"), of(5, "c"))

    assert running.ledger.parked.keys() == {A, B, C}
    assert running.ledger.parked[C].position == 4
    assert (running.count("c"), running.count("d")) == (1, 2)


def test_records_without_a_project_are_parked_together() -> None:
    class Fragile(Counting):
        def step(self, state: State, batch: Sequence[Record]) -> Step:
            if any(record.value == b"no json" for record in batch):
                raise RecursionError
            return super().step(state, batch)

    state, projects = PartitionState(), {A: ()}
    core = IsolatedCore(lambda live: Fragile(state, live), projects, project_at("project"))

    step = core.step(state, [ARecord(0, b"no json"), of(1, "a"), ARecord(2, None)])

    assert step.verdicts == {"counted": 1, "parked": 2}
    assert core.parked.keys() == {NAMELESS}


def test_a_record_that_is_too_large_parks_its_own_project() -> None:
    class Wordy(Counting):
        def step(self, state: State, batch: Sequence[Record]) -> Step:
            step = super().step(state, batch)
            long = [Output("out", None, b"x" * 2_000, []) for one in batch if b"long" in (one.value or b"")]
            return Step([*step.outputs, *long], step.changes, step.verdicts)

    state, projects = PartitionState(), {A: (), B: ()}
    core = IsolatedCore(lambda live: Wordy(state, live), projects, project_at("project"), most_bytes=1_000)

    step = core.step(state, [of(0, "a"), of(1, "b", "long")])

    assert step.verdicts == {"counted": 1, "parked": 1}
    assert "2,000 bytes would be written to out" in core.parked[B].error


def test_an_error_of_no_project_in_particular_is_raised() -> None:
    class Broken(Counting):
        def step(self, state: State, batch: Sequence[Record]) -> Step:
            if len({record.value for record in batch}) > 1:
                raise ValueError("only together")
            return super().step(state, batch)

    state = PartitionState()
    core = IsolatedCore(lambda live: Broken(state, live), {A: (), B: ()}, project_at("project"))

    with pytest.raises(ValueError, match="only together"):
        core.step(state, [of(0, "a"), of(1, "b")])


def test_what_outgrows_a_message_in_the_state_parks_its_project_too() -> None:
    class Hoarding(Counting):
        def step(self, state: State, batch: Sequence[Record]) -> Step:
            step = super().step(state, batch)
            kept = {b"a": Entry(0, b"x" * 2_000)} if any(b"long" in (one.value or b"") for one in batch) else {}
            return Step(step.outputs, {**step.changes, **kept}, step.verdicts)

    state, projects = PartitionState(), {A: (), B: ()}
    core = IsolatedCore(lambda live: Hoarding(state, live), projects, project_at("project"), most_bytes=1_000)

    core.step(state, [of(0, "a"), of(1, "b", "long")])

    assert "2,000 bytes would be written to the state of a" in core.parked[B].error


def test_records_without_an_outcome_park_their_project() -> None:
    class Forgetful(Counting):
        def step(self, state: State, batch: Sequence[Record]) -> Step:
            step = super().step(state, batch)
            lost = sum(b"lost" in (one.value or b"") for one in batch)
            return Step(step.outputs, step.changes, {"counted": len(batch) - lost})

    state, projects = PartitionState(), {A: (), B: ()}
    core = IsolatedCore(lambda live: Forgetful(state, live), projects, project_at("project"))

    step = core.step(state, [of(0, "a"), of(1, "b", "lost")])

    assert step.verdicts == {"counted": 1, "parked": 1}
    assert "the ledger does not balance" in core.parked[B].error


def test_a_contract_that_is_awaited_is_no_error() -> None:
    running = Running({A: []})
    with pytest.raises(NotYet):
        running.core.step(running.state, [of(0, "a"), of(1, "z")])

    running.feed(of(0, "a"), of(1, "z"))

    assert running.ledger.verdicts == {"counted": 2}


def test_a_withdrawn_project_is_taken_up_without_its_contract() -> None:
    running = Running({A: [], B: ["poison"]})
    running.feed(of(0, "b", "poison"))
    del running.projects[B]

    assert running.core.to_resume == running.core.to_resume == B
    running.resume()

    assert running.ledger.verdicts == {"counted": 1, "parked": 0}


def test_without_a_project_to_take_up_nothing_is_resumed() -> None:
    running = Running({A: []})

    assert running.core.to_resume is None
    assert running.core.resume(running.state, [], until=0, now=0) is None
    running.core.finish_resuming()
    assert not running.core.parked


def test_a_core_sees_the_projects_in_force_without_the_parked_ones() -> None:
    seen: list[Live] = []

    def make(live: Live) -> Counting:
        seen.append(live)
        return Counting(PartitionState(), live)

    IsolatedCore(make, {A: (), B: ()}, project_at("project"), parked={B: ParkedProject(0, 0, "why")})

    assert (list(seen[0].projects), len(seen[0].projects), set(seen[0].parked)) == ([A], 1, {B})
    with pytest.raises(KeyError):
        seen[0].projects[B]


@pytest.mark.parametrize("value", [None, b"no json", b"[]", b"7", b'{"project": 7}', b"{}"])
def test_a_record_that_names_no_project_has_none(value: bytes | None) -> None:
    assert project_at("project")(ARecord(0, value)) is None


def test_alerts_say_what_is_parked_where_and_why_and_when_it_goes_on() -> None:
    parked = ParkedProject(7, 1_800_000_000_000, "IndexError in step: list index out of range")

    began = Alert.model_validate_json(parked_alert(A, parked, "consensus, partition 3").value or b"")
    ended = Alert.model_validate_json(released_alert(A, parked, "consensus, partition 3", 1).value or b"")
    nameless = Alert.model_validate_json(parked_alert(NAMELESS, parked, "validator, partition 0").value or b"")

    assert began.id == ended.id != nameless.id
    assert (began.state.value, ended.state.value) == ("firing", "resolved")
    assert "consensus, partition 3" in began.summary
    assert "IndexError in step" in began.summary
    assert began.evidence["first_waiting_offset"] == 7
    assert nameless.project == "(no project)"


def test_a_ledger_without_parked_projects_has_the_bytes_that_it_always_had() -> None:
    assert Ledger(3, {"counted": 3}).dump() == b'{"position":3,"verdicts":{"counted":3}}'
    parked = Ledger(3, {"parked": 3}, {A: ParkedProject(1, 2, "why")})
    assert load_ledger(parked.dump()) == parked
    assert parked.after(4, {"counted": 1}).parked == parked.parked
