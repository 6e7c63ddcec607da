"""Watching the annotators: signals out, and after a restart exactly as if nothing had been."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_schemas.conduct import ConductReport, Signal
from assay_services.conduct.core.step import AT_THE_END, ConductCore, Pace, decode, fresh
from assay_services.engine.core.core_api import NotYet, Output, Step
from assay_services.engine.core.state import PartitionState
from tests.services.consensus.records import BEGAN_MS, ARecord, Fed, a_validated
from tests.support.builders import a_contract

LABELS = ("safe", "adult", "scam")
CONTRACTS = {"ads-safety": a_contract(redundancy=4)}


@cache
def judged(items: int = 120, *, seed: int = 5) -> list[ARecord]:
    """Return what the consensus tells of items that three careful people and one who guesses have labelled."""
    rng, fed = random.Random(seed), Fed(a_contract(redundancy=4))
    clock = [BEGAN_MS / 1_000] * 4
    for number in range(items):
        truth = rng.choice(LABELS)
        at = BEGAN_MS + number * 30_000
        for who in range(4):
            right = who < 3 and rng.random() < 0.95
            label = truth if right else rng.choice(LABELS)
            clock[who] += rng.lognormvariate(3, 1)
            when = datetime.fromtimestamp(clock[who], UTC).isoformat()
            lead = round(rng.lognormvariate(2.3, 0.5), 2)
            fed.hear(
                a_validated(
                    item=f"i{number}", annotator=f"w{who}", label=label, at=at, occurred_at=when, lead_time_seconds=lead
                )
            )
    said = [one for one in fed.said if one.topic == "items.judged"]
    return [ARecord(one.value, timestamp=BEGAN_MS + place * 2_000, offset=place) for place, one in enumerate(said)]


class Watched:
    """Conduct with its state, and all it has said."""

    def __init__(
        self,
        state: PartitionState | None = None,
        contracts: Any = None,  # noqa: ANN401  # of either form
        pace: Pace | None = None,
    ) -> None:
        self.state = state or PartitionState()
        self.core = ConductCore(CONTRACTS if contracts is None else contracts, self.state, pace)
        self.said: list[Output] = []

    def take(self, batch: Sequence[ARecord]) -> Step:
        step = self.core.step(self.state, batch)
        self._keep(step)
        return step

    def rest(self, now: int) -> None:
        step = self.core.idle(now)
        if step is not None:
            self._keep(step)

    def _keep(self, step: Step) -> None:
        self.state.apply(step.changes)
        self.said += step.outputs

    def values(self, topic: str) -> list[Any]:
        return [orjson.loads(one.value or b"") for one in self.said if one.topic == topic]


def copied(state: PartitionState) -> PartitionState:
    again = PartitionState()
    for key, value in state.items().items():
        again.load(key, value)
    return again


def batches(records: Sequence[ARecord], size: int = 7) -> list[Sequence[ARecord]]:
    return [records[start : start + size] for start in range(0, len(records), size)]


def test_who_guesses_is_signalled_and_nobody_else() -> None:
    watched = Watched()

    for batch in batches(judged()):
        watched.take(batch)

    found = [Signal.model_validate(one) for one in watched.values("annotators.signals")]
    assert {one.annotator for one in found} == {"w3"}
    assert "guessing" in {one.detector for one in found}


@pytest.mark.parametrize("crash_after", [1, 5, 11])
def test_after_a_restart_it_goes_on_as_if_nothing_had_been(crash_after: int) -> None:
    whole, parts = Watched(), Watched()
    every = batches(judged())
    for batch in every:
        whole.take(batch)

    for place, batch in enumerate(every):
        if place % crash_after == 0:
            said = parts.said
            parts = Watched(copied(parts.state))
            parts.said = said
        parts.take(batch)

    assert parts.values("annotators.signals") == whole.values("annotators.signals")


def test_the_diary_is_emptied_when_what_is_known_is_written() -> None:
    watched = Watched()
    first, second = judged(20)[:1], judged(20)[1:2]

    watched.take(first)
    watched.take(second)
    before = [key for key, _ in watched.state.values() if key.startswith(b"d:")]
    watched.rest(BEGAN_MS + 10 * 60_000)

    assert len(before) == 1  # the first batch is the first checkpoint
    assert [key for key, _ in watched.state.values() if key.startswith(b"d:")] == []
    assert [key for key, _ in watched.state.values() if key.startswith(b"c:")]


def test_where_nothing_has_to_survive_the_same_is_said_and_nothing_is_written() -> None:
    usual, passing = Watched(), Watched(pace=AT_THE_END)

    for batch in batches(judged()):
        usual.take(batch)
        passing.take(batch)
    passing.rest(AT_THE_END.report_ms + 1)

    assert passing.values("annotators.signals") == usual.values("annotators.signals")
    assert {one["annotator"] for one in passing.values("annotators.conduct")} == {"w0", "w1", "w2", "w3"}
    assert not passing.state.items()


def test_reports_come_once_a_minute_and_are_as_promised() -> None:
    watched = Watched()
    every = judged(40)
    watched.take(every[:20])
    told = len(watched.values("annotators.conduct"))

    watched.take([ARecord(one.value, timestamp=every[19].timestamp + 1, offset=one.offset) for one in every[20:]])
    soon = len(watched.values("annotators.conduct"))
    watched.rest(every[19].timestamp + 60_000)

    reports = [ConductReport.model_validate(one) for one in watched.values("annotators.conduct")]
    assert told == soon == 4
    assert len(reports) == 8
    assert {one.annotator for one in reports} == {"w0", "w1", "w2", "w3"}


def test_a_project_without_a_contract_is_waited_for_once_and_then_counted() -> None:
    watched = Watched(contracts={})
    batch = judged(3)

    with pytest.raises(NotYet, match="ads-safety"):
        watched.take(batch)
    step = watched.take(batch)

    assert step.verdicts == {"no-contract": len(batch)}
    assert watched.core.idle(BEGAN_MS) is None


def test_a_project_that_is_gone_after_a_restart_is_not_relived() -> None:
    watched = Watched()
    for batch in batches(judged(10)):
        watched.take(batch)
    again = Watched(copied(watched.state), contracts={"other": a_contract(project="other")})

    with pytest.raises(NotYet):
        again.take(judged(1))
    step = again.take(judged(1))

    assert step.verdicts == {"no-contract": 1}


@given(st.lists(st.one_of(st.none(), st.binary(max_size=60)), min_size=1, max_size=8))
def test_bytes_that_are_no_judged_item_are_counted_and_do_no_harm(values: list[bytes | None]) -> None:
    watched = Watched()
    batch = [ARecord(value, timestamp=BEGAN_MS, offset=place) for place, value in enumerate(values)]

    step = watched.take(batch)
    again = Watched(copied(watched.state))
    again.take(judged(2))

    assert step.verdicts == {"unreadable": len(values)}


def test_a_quiet_moment_with_nothing_new_brings_nothing() -> None:
    watched = Watched()
    watched.take(judged(5))
    watched.rest(BEGAN_MS + 10**9)

    assert watched.core.idle(BEGAN_MS + 2 * 10**9) is None


def test_only_what_is_told_for_the_first_time_is_taken_in() -> None:
    fed = Fed(a_contract(redundancy=2))
    for who in range(3):
        fed.hear(a_validated(item="i1", annotator=f"w{who}", label="safe"))
    told = [decode(one.value) for one in fed.said if one.topic == "items.judged"]

    taken = [[one.annotator for one in fresh(item)] for item in told if item is not None]

    assert taken == [["w0", "w1"], ["w2"]]


@pytest.mark.parametrize("crash_after", [1, 4])
def test_a_new_contract_counts_at_once_and_a_restart_replays_what_was_lived(crash_after: int) -> None:
    every = batches(judged())
    wider = a_contract(redundancy=4, version=2, label={"values": [*LABELS, *(f"new-{n}" for n in range(20))]})

    def lived(*, restarts: bool) -> Watched:
        contracts = dict(CONTRACTS)
        watched = Watched(contracts=contracts)
        for place, batch in enumerate(every):
            if place == len(every) // 2:
                contracts[wider.project] = wider
            if restarts and place % crash_after == 0:
                said = watched.said
                watched = Watched(copied(watched.state), contracts)
                watched.said = said
            watched.take(batch)
        return watched

    def known(watched: Watched) -> dict[str, Any]:
        found = (orjson.loads(value) for key, value in watched.state.values() if key.startswith(b"c:"))
        return {annotator: what for _, annotator, _, what in found}

    whole, parts = lived(restarts=False), lived(restarts=True)
    for watched in (whole, parts):
        watched.rest(BEGAN_MS + 10**9)

    assert parts.values("annotators.signals") == whole.values("annotators.signals")
    assert known(parts) == known(whole)
    assert [value for key, value in whole.state.values() if key.startswith(b"n:")] == [b'["ads-safety",23]']


def test_the_log_keeps_the_records_of_a_parked_project_until_it_goes_on() -> None:
    every = batches(judged())
    other = a_contract(project="other", redundancy=4)
    known = {**CONTRACTS, other.project: other}
    whole, first = Watched(contracts=known), Watched(contracts=known)
    for watched in (whole, first):
        for batch in every[:4]:
            watched.take(batch)
    page = [*every[4], ARecord(b"no item", timestamp=BEGAN_MS, offset=10**6)]
    first.take(page)
    whole.take(page)

    state = copied(first.state)
    core = ConductCore({other.project: other}, state, parked=tuple(CONTRACTS))
    elsewhere = (every[5][0].value or b"").replace(b'"ads-safety"', b'"other"')
    for at in (BEGAN_MS + 10**8, BEGAN_MS + 10**9):
        state.apply(core.step(state, [ARecord(elsewhere, timestamp=at, offset=at)]).changes)
    kept = [key for key, _ in state.values() if key.startswith(b"d:")]
    again = Watched(state, known)
    for watched in (whole, again):
        for batch in every[5:]:
            watched.take(batch)

    assert kept
    signals = [one for one in again.values("annotators.signals") if one["project"] != "other"]
    assert signals == whole.values("annotators.signals")[len(first.values("annotators.signals")) :]
