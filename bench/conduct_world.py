"""A made-up pool of annotators whose conduct is known: what `bench.conduct` measures detectors on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from heapq import heapify, heapreplace
from math import exp, log
from random import Random
from typing import Any

from assay_models.conduct.judged_annotation import JudgedAnnotation
from assay_schemas.annotation import microseconds

LABELS = ("safe", "adult", "violence", "scam")
SHARES = (0.45, 0.25, 0.2, 0.1)
START = datetime(2026, 3, 2, tzinfo=UTC)
PROJECT = "ads-safety"
_CLASSES = len(LABELS)
_HARDNESS = (0.5, 2.0)
_EASY_SHARE = 0.75
_TRAP, _FAVOURITE = 0.4, 0.6
_LAPSES = 0.06
_FORGETTING = 0.01
_LEAST_AGREEMENT, _MOST_AGREEMENT = 0.3, 0.97
_OPEN_ITEMS = 120
_DAY_HOURS = 24
_PEER_ITEMS = 40


class Way(StrEnum):
    """How somebody misbehaves, from a certain annotation on."""

    CAREFUL = "careful"
    DROP = "drop"
    GUESS = "guess"
    CONSTANT = "constant"
    ALTERNATE = "alternate"
    FAST = "fast"
    BOT = "bot"
    SHIFT = "shift"
    COPY = "copy"
    TIRED = "tired"


@dataclass(slots=True)
class Person:
    """One annotator. `since`: the number of the annotation with which the way begins; `then`: the accuracy after."""

    name: str
    accuracy: float
    way: Way = Way.CAREFUL
    since: int = 0
    then: float = 0.0
    peer: int = -1
    pace: float = 0.0
    favourite: str = LABELS[0]
    count: int = 0
    session: float = 0.0
    last_lead: float = 8.0

    @property
    def acts(self) -> bool:
        """Tell whether the way has begun."""
        return self.way is not Way.CAREFUL and self.count >= self.since


@dataclass(slots=True)
class Thing:
    """An item in work: its truth, how hard it is, which wrong label tempts, how many votes it wants, and has."""

    name: str
    truth: str
    hardness: float
    trap: str
    wanted: int
    length: int
    votes: dict[int, tuple[str, float, float, int]] = field(default_factory=dict)


@lru_cache(maxsize=1_000)
def skill_for(accuracy: float) -> float:
    """Return the skill with which somebody is right so often over easy and hard items; found by halving."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        shares = zip((_EASY_SHARE, 1 - _EASY_SHARE), _HARDNESS, strict=True)
        found = 1 / _CLASSES + (1 - 1 / _CLASSES) * sum(share * middle**hardness for share, hardness in shares)
        low, high = (middle, high) if found < accuracy else (low, middle)
    return (low + high) / 2


class World:
    """A pool at work, `hours` a day, at so many labels an hour, with 3 to 5 votes an item.

    Annotations come out when their item has its votes, as the consensus would publish them. It weighs votes by how
    often each annotator has agreed with it, over about the last hundred; of hard items it knows nothing.
    """

    def __init__(self, people: Sequence[Person], *, seed: int, hours: float = 8.0, rate: float = 20.0) -> None:
        """Take the people; everything else comes from the seed."""
        self.people = people
        self._dice = Random(seed)  # noqa: S311  # a simulation
        self._hours, self._gap = hours, 3_600 / rate
        self._things = [self._thing(number) for number in range(_OPEN_ITEMS)]
        self._made = _OPEN_ITEMS
        self._agreement = [one.accuracy for one in people]
        self._shown: dict[int, list[Thing]] = {one.peer: [] for one in people if one.way is Way.COPY}

    def run(self, *, days: float) -> Iterator[tuple[int, int, JudgedAnnotation]]:
        """Yield the annotations of so many days: whose, the how many-th of theirs from 0, and the annotation."""
        queue = [(self._dice.random() * self._gap, index) for index in range(len(self.people))]
        heapify(queue)
        while queue[0][0] < days * 86_400:
            at, index = queue[0]
            person = self.people[index]
            thing = self._pick(person, index)
            label, lead = self._answer(person, thing, at)
            thing.votes[index] = (label, at, lead, person.count)
            if index in self._shown:
                self._shown[index] = [*self._shown[index][1 - _PEER_ITEMS :], thing]
            person.count += 1
            heapreplace(queue, (self._next(person, at), index))
            if len(thing.votes) == thing.wanted:
                yield from self._judged(thing)

    def _thing(self, number: int) -> Thing:
        dice = self._dice
        truth = dice.choices(LABELS, SHARES)[0]
        trap = dice.choice([label for label in LABELS if label != truth])
        hardness = _HARDNESS[dice.random() >= _EASY_SHARE]
        return Thing(f"i{number}", truth, hardness, trap, dice.choice((3, 4, 5)), int(exp(dice.gauss(5, 0.8))) + 5)

    def _pick(self, person: Person, index: int) -> Thing:
        if person.acts and person.way is Way.COPY:
            for thing in self._shown[person.peer]:
                if index not in thing.votes and len(thing.votes) < thing.wanted:
                    return thing
        while True:
            place = self._dice.randrange(_OPEN_ITEMS)
            thing = self._things[place]
            if len(thing.votes) >= thing.wanted:
                thing = self._things[place] = self._thing(self._made)
                self._made += 1
            if index not in thing.votes:
                return thing

    def _next(self, person: Person, at: float) -> float:
        spread = 0.03 if person.acts and person.way is Way.BOT else 0.6
        after = at + self._gap * exp(self._dice.gauss(-spread * spread / 2, spread))
        if after % 86_400 > self._hours * 3_600 and self._hours < _DAY_HOURS:
            after = (after // 86_400 + 1) * 86_400 + self._dice.random() * 2 * self._gap
            person.session = after
        return after

    def _answer(self, person: Person, thing: Thing, at: float) -> tuple[str, float]:
        dice, way = self._dice, person.way if person.acts else Way.CAREFUL
        lead = exp(dice.gauss(1.6 + 0.3 * (log(thing.length) - 5) + person.pace, 0.5))
        if way is Way.FAST:
            lead *= 0.15
        if way is Way.BOT:
            lead = person.last_lead = person.last_lead if person.count > person.since else lead
            lead *= exp(dice.gauss(0, 0.02))
        return self._label(person, thing, way, at), lead

    def _label(self, person: Person, thing: Thing, way: Way, at: float) -> str:
        dice = self._dice
        if way is Way.GUESS:
            return dice.choices(LABELS, SHARES)[0]
        if way is Way.CONSTANT:
            return LABELS[0]
        if way is Way.ALTERNATE:
            return LABELS[person.count % 2]
        if way is Way.SHIFT and dice.random() < person.then:
            return LABELS[3]
        if way is Way.COPY and person.peer in thing.votes:
            return thing.votes[person.peer][0]
        tired = way is Way.TIRED and at - person.session > 4 * 3_600
        accuracy = person.then if way is Way.DROP or tired else person.accuracy
        right = 1 / _CLASSES + (1 - 1 / _CLASSES) * skill_for(accuracy) ** thing.hardness
        return thing.truth if dice.random() < right else self._error(person, thing)

    def _error(self, person: Person, thing: Thing) -> str:
        chance = self._dice.random()
        if chance < _TRAP:
            return thing.trap
        if chance < _FAVOURITE and person.favourite != thing.truth:
            return person.favourite
        return self._dice.choice([label for label in LABELS if label != thing.truth])

    def _judged(self, thing: Thing) -> Iterator[tuple[int, int, JudgedAnnotation]]:
        for index, (label, at, lead, number) in thing.votes.items():
            others = {other: vote[0] for other, vote in thing.votes.items() if other != index}
            consensus, probability = self._consensus(others)
            self._agreement[index] += ((label == consensus) - self._agreement[index]) * _FORGETTING
            values: dict[str, Any] = {
                "project": PROJECT,
                "item": thing.name,
                "annotator": self.people[index].name,
                "annotation": f"{thing.name}.{index}",
                "label": label,
                "occurred": microseconds(START + timedelta(seconds=at)),
                "lead_time_seconds": lead,
                "text_length": thing.length,
                "consensus": consensus,
                "consensus_probability": probability,
                "others": {self.people[other].name: theirs for other, theirs in others.items()},
            }
            yield index, number, JudgedAnnotation(**values)

    def _consensus(self, others: dict[int, str]) -> tuple[str, float]:
        odds = dict.fromkeys(LABELS, 0.0)
        for other, label in others.items():
            share = min(max(self._agreement[other], _LEAST_AGREEMENT), _MOST_AGREEMENT)
            odds[label] += log(share * (_CLASSES - 1) / (1 - share))
        best = max(odds, key=lambda label: odds[label])
        certain = 1 / sum(exp(value - odds[best]) for value in odds.values())
        return best, (1 - _LAPSES) * certain + _LAPSES / _CLASSES


def careful_pool(size: int, *, seed: int, low: float = 0.7, high: float = 0.98) -> list[Person]:
    """Return careful annotators with accuracies spread evenly between these."""
    dice = Random(seed)  # noqa: S311  # a simulation
    return [
        Person(
            f"a{number:04}", low + (high - low) * number / max(size - 1, 1),
            pace=min(max(dice.gauss(0, 0.25), -0.75), 0.75), favourite=dice.choice(LABELS),
        )
        for number in range(size)
    ]  # fmt: skip
