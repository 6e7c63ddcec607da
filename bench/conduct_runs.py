"""Run conduct streams over made-up pools, and count what they find."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from assay_models.conduct.judged_annotation import JudgedAnnotation
from assay_models.conduct.stream import ConductStream
from assay_schemas.annotation import microseconds
from assay_schemas.conduct import Detector, Signal, SignalState
from assay_schemas.contract.label_contract import LabelContract
from bench.conduct_world import LABELS, PROJECT, Person, Way, World, careful_pool

SIZE = 200
WAYS: Mapping[str, Mapping[str, Any]] = {
    "accuracy .9 to .6": {"way": Way.DROP, "then": 0.6, "accuracy": 0.9},
    "accuracy .9 to .75": {"way": Way.DROP, "then": 0.75, "accuracy": 0.9},
    "guessing from the start": {"way": Way.GUESS, "since": 0},
    "copying (common items)": {"way": Way.COPY},
    "guessing from then on": {"way": Way.GUESS},
    "one label for all": {"way": Way.CONSTANT},
    "two labels in turn": {"way": Way.ALTERNATE},
    "clicking through": {"way": Way.FAST},
    "a machine's timing": {"way": Way.BOT},
    "a label overused": {"way": Way.SHIFT, "then": 0.2, "accuracy": 0.9},
    "tired after 4 hours": {"way": Way.TIRED, "then": 0.7, "accuracy": 0.9},
}
_MAIN_WAYS, _MAIN_PLAYERS = 4, 6
"""Each of the first four ways is played by six in each pool, each other way by one."""


def a_contract() -> LabelContract:
    """Return the contract of the made-up project."""
    label = {"kind": "categorical", "values": list(LABELS)}
    return LabelContract.model_validate({"project": PROJECT, "version": 1, "label": label})


@dataclass(slots=True)
class Calm:
    """What was raised of careful annotators in so many weeks; people and signals by accuracy and detector."""

    weeks: float
    people: Counter[float] = field(default_factory=Counter)
    by_detector: Counter[Detector] = field(default_factory=Counter)
    by_accuracy: Counter[float] = field(default_factory=Counter)
    agreements: list[list[bool]] = field(default_factory=list)

    @property
    def total(self) -> float:
        """Return the annotator-weeks."""
        return self.weeks * sum(self.people.values())


def run_calm(seeds: Iterable[int], *, hours: float, days: float, keep: int = 0, size: int = SIZE) -> Calm:
    """Run pools of careful annotators; `keep` the agreements of so many annotators of each."""
    calm = Calm(days / 7)
    for seed in seeds:
        people = careful_pool(size, seed=seed)
        kept: dict[int, list[bool]] = {index: [] for index in range(0, size, size // keep)} if keep else {}
        stream = ConductStream(a_contract())
        accuracy = {person.name: round(person.accuracy, 1) for person in people}
        for index, _, judged in World(people, seed=seed, hours=hours).run(days=days):
            if index in kept:
                kept[index].append(judged.label == judged.consensus)
            for signal in raised(stream.put(judged)):
                calm.by_detector[signal.detector] += 1
                calm.by_accuracy[accuracy[signal.annotator]] += 1
        calm.people.update(accuracy.values())
        calm.agreements += kept.values()
    return calm


def raised(signals: Iterable[Signal]) -> list[Signal]:
    """Return the signals that say something begins."""
    return [signal for signal in signals if signal.state is SignalState.RAISED]


@dataclass(slots=True)
class Case:
    """One annotator who misbehaves: what was seen since, and what was found. `delay` is None while nothing was."""

    way: str
    person: Person
    seen: int = 0
    begun: int | None = None
    delay: int | None = None
    is_dated: bool = False
    detectors: set[Detector] = field(default_factory=set)
    before: list[bool] = field(default_factory=list)
    after: list[bool] = field(default_factory=list)

    def see(self, judged: JudgedAnnotation, number: int, peer: str | None) -> None:
        """Take one of the annotator's annotations."""
        agrees = judged.label == judged.consensus
        if number < self.person.since:
            self.before.append(agrees)
            return
        self.after.append(agrees)
        if peer is None or peer in judged.others:
            self.begun = min(self.begun or judged.occurred, judged.occurred)
            self.seen += 1

    def hear(self, signal: Signal) -> None:
        """Take a signal about the annotator."""
        self.detectors.add(signal.detector)
        wanted = self.person.way is not Way.COPY or signal.detector is Detector.COPYING
        if self.delay is None and wanted and self.begun is not None:
            self.delay = self.seen
            self.is_dated = microseconds(signal.since_low) <= self.begun <= microseconds(signal.since_high)


@dataclass(slots=True)
class Found:
    """What was found in pools where some misbehave; `false`: signals about others, in so many annotator-weeks."""

    cases: dict[str, list[Case]] = field(default_factory=lambda: defaultdict(list))
    false: int = 0
    careful_weeks: float = 0.0


def run_bad(seeds: Iterable[int], *, hours: float, since: int, days: float, size: int = SIZE) -> Found:
    """Run pools where some 30 misbehave, from their `since`-th annotation on, or up to half as many later."""
    found = Found()
    for seed in seeds:
        people = careful_pool(size, seed=seed)
        cases = _with_bad_ones(people, since=since, dice=Random(seed + 7))  # noqa: S311  # a simulation
        stream = ConductStream(a_contract())
        for index, number, judged in World(people, seed=seed, hours=hours).run(days=days):
            case = cases.get(index)
            if case is not None:
                peer = people[case.person.peer].name if case.person.way is Way.COPY else None
                case.see(judged, number, peer)
            for signal in raised(stream.put(judged)):
                about = [one for one in cases.values() if one.person.name in {signal.annotator, signal.peer}]
                about = [one for one in about if one.begun is not None]
                found.false += not about
                for one in about:
                    one.hear(signal)
        for one in cases.values():
            found.cases[one.way].append(one)
        found.careful_weeks += (size - len(cases)) * days / 7
    return found


def _with_bad_ones(people: list[Person], *, since: int, dice: Random) -> dict[int, Case]:
    ways = [way for place, way in enumerate(WAYS) for _ in range(_MAIN_PLAYERS if place < _MAIN_WAYS else 1)]
    chosen = dice.sample(range(len(people)), 2 * len(ways))
    cases: dict[int, Case] = {}
    for place, way in enumerate(ways):
        person = people[chosen[place]]
        person.since = since + dice.randrange(since // 2)
        person.peer = chosen[place + len(ways)]
        for name, value in WAYS[way].items():
            setattr(person, name, value)
        cases[chosen[place]] = Case(way, person)
    return cases


@dataclass(frozen=True, slots=True)
class Cost:
    """Annotations per second, and the bytes of an annotator's state after so many annotations."""

    per_second: float
    mean_bytes: float
    most_bytes: int
    annotations: int


def measure_cost(seed: int, *, days: float) -> Cost:
    """Return what a pool of careful annotators costs."""
    people = careful_pool(SIZE, seed=seed)
    ready = [judged for _, _, judged in World(people, seed=seed).run(days=days)]
    stream = ConductStream(a_contract())
    begun = time.perf_counter()
    for judged in ready:
        stream.put(judged)
    seconds = time.perf_counter() - begun
    sizes = [len(orjson.dumps(stream.dump(person.name))) for person in people]
    return Cost(len(ready) / seconds, sum(sizes) / len(sizes), max(sizes), len(ready) // SIZE)
