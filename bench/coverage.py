"""Do the 95 % intervals of agreement hold the truth in 95 % of cases: `python -m bench.coverage [--quick]`."""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from assay_models.agreement.boxes import BoxTable, box_agreement, box_counts_of
from assay_models.agreement.cohen import PairTable, cohen_kappa
from assay_models.agreement.contingency import Pattern, PatternTable, pattern_of
from assay_models.agreement.estimate import Estimate
from assay_models.agreement.fleiss import fleiss_kappa
from assay_models.agreement.gwet import gwet_ac1, linear_ac2
from assay_models.agreement.krippendorff import interval_alpha, nominal_alpha, ordinal_alpha
from assay_models.agreement.observed_agreement import percent_agreement
from assay_models.agreement.spans import covering_alpha, stretches_of, unitizing_alpha
from assay_schemas.annotation import Box, Span
from bench.report import Sheet, as_table

SEED = 20_260_301
POPULATION = 10**9
POOL = 10_000
ITEMS = (30, 100, 300)
AGREEMENT = {"low": (0.2, 0.6), "mid": (0.6, 0.9), "high": (0.92, 0.99)}
"""How probably an annotator sees the truth on a hard item and on an easy one; half of the items are hard."""
COMMONEST = {"even": None, "0.7": 0.7, "0.9": 0.9}
"""The share of the commonest value; the others share the rest evenly."""
MISSING_SHARE = 0.2
COEFFICIENTS: Mapping[str, Callable[[PatternTable], Estimate | None]] = {
    "alpha nominal": nominal_alpha,
    "alpha ordinal": ordinal_alpha,
    "alpha interval": interval_alpha,
    "Fleiss": fleiss_kappa,
    "AC1": gwet_ac1,
    "AC2 linear": linear_ac2,
    "percent": percent_agreement,
}

Shares = NDArray[np.float64]
Said = TypeVar("Said", bound=tuple[Any, ...])
Mark = TypeVar("Mark", Span, Box)


@dataclass(frozen=True, slots=True)
class World:
    """How items come about: the shares of the values, who sees the truth, how many annotators, who is missing."""

    prevalence: str
    agreement: str
    values: int
    annotators: int
    missing: bool

    def shares(self) -> Shares:
        """Return how often each value is the truth."""
        most = COMMONEST[self.prevalence]
        if most is None:
            return np.full(self.values, 1 / self.values)
        return np.array([most] + [(1 - most) / (self.values - 1)] * (self.values - 1))

    def answers(self) -> Iterator[tuple[float, Shares]]:
        """Yield how probable each kind of item is, and what an annotator answers there (last: nothing).

        Who does not see the truth guesses, by the shares of the values.
        """
        gone = MISSING_SHARE if self.missing else 0.0
        for sight, truth in product(AGREEMENT[self.agreement], range(self.values)):
            given = (1 - sight) * self.shares() + sight * np.eye(self.values)[truth]
            yield self.shares()[truth] / len(AGREEMENT[self.agreement]), np.append((1 - gone) * given, gone)


def patterns_of(world: World) -> dict[Pattern, float]:
    """Return how probable each pattern is; the values are the numbers from 1."""
    found: dict[Pattern, float] = defaultdict(float)
    kinds = list(world.answers())
    for said in product(range(world.values + 1), repeat=world.annotators):
        chance = sum(weight * float(np.prod(answers[list(said)])) for weight, answers in kinds)
        found[pattern_of(place + 1 for place in said if place < world.values)] += chance
    return {pattern: chance for pattern, chance in found.items() if chance > 0}


def pairs_of(world: World) -> dict[tuple[int, int], float]:
    """Return how probable each pair of values is for two annotators."""
    both = sum(weight * np.outer(answers[:-1], answers[:-1]) for weight, answers in world.answers())
    joint = np.asarray(both) / np.sum(both)
    return {place: float(chance) for place, chance in np.ndenumerate(joint)}


@dataclass(slots=True)
class Tally:
    """Readings of one coefficient in one world: how many were defined, and how many of these held the truth."""

    defined: int = 0
    held: int = 0

    def add(self, reading: Estimate | None, truth: float) -> None:
        """Count one reading."""
        if reading is not None:
            self.defined += 1
            self.held += reading.low <= truth <= reading.high

    def coverage(self) -> float:
        """Return the share of the defined readings that held the truth."""
        return self.held / self.defined


def main(arguments: Sequence[str]) -> int:
    """Simulate, and print coverage and the time a reading takes."""
    parser = argparse.ArgumentParser(prog="python -m bench.coverage", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer worlds and samples, in about a minute")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args(arguments)
    rng = np.random.default_rng(asked.seed)
    console = Console(width=140)
    samples = 200 if asked.quick else 1_000
    tallies = _simulated(list(_worlds(quick=asked.quick)), samples=samples, rng=rng)
    console.print(as_table(_coverage_sheet(tallies, samples=samples, seed=asked.seed)))
    console.print(as_table(_drawn_sheet(samples=samples, rng=rng)))
    console.print(as_table(_speed_sheet(rng)))
    return 0


def _worlds(*, quick: bool) -> Iterator[World]:
    sizes = [(2, 3, False), (5, 3, True)] if quick else list(product((2, 3, 5), (3, 5), (False, True)))
    for prevalence, agreement, size in product(COMMONEST, AGREEMENT, sizes):
        yield World(prevalence, agreement, *size)


_Tallies = dict[tuple[str, str, int], dict[str, list[Tally]]]


def _simulated(worlds: Sequence[World], *, samples: int, rng: np.random.Generator) -> _Tallies:
    tallies: _Tallies = defaultdict(lambda: defaultdict(list))
    for world in worlds:
        universe = patterns_of(world)
        pairs = pairs_of(world)
        for items in ITEMS:
            place = tallies[world.prevalence, world.agreement, items]
            for name, tally in _of_tables(universe, items=items, samples=samples, rng=rng).items():
                place[name].append(tally)
            if world.annotators == 3 and not world.missing:
                place["Cohen"].append(_of_pairs(pairs, items=items, samples=samples, rng=rng))
    return tallies


def _of_tables(
    universe: Mapping[Pattern, float], *, items: int, samples: int, rng: np.random.Generator
) -> dict[str, Tally]:
    patterns, chances = list(universe), _shares_of(list(universe.values()))
    population = dict(zip(patterns, rng.multinomial(POPULATION, chances).tolist(), strict=True))
    truths = {name: _value(reading(population)) for name, reading in COEFFICIENTS.items()}
    tallies = {name: Tally() for name in COEFFICIENTS}
    for counts in rng.multinomial(items, chances, size=samples).tolist():
        table = {pattern: count for pattern, count in zip(patterns, counts, strict=True) if count}
        for name, reading in COEFFICIENTS.items():
            tallies[name].add(reading(table), truths[name])
    return tallies


def _of_pairs(
    universe: Mapping[tuple[int, int], float], *, items: int, samples: int, rng: np.random.Generator
) -> Tally:
    pairs, chances = list(universe), _shares_of(list(universe.values()))
    truth = _value(cohen_kappa(_pair_table(pairs, rng.multinomial(POPULATION, chances).tolist())))
    tally = Tally()
    for counts in rng.multinomial(items, chances, size=samples).tolist():
        tally.add(cohen_kappa(_pair_table(pairs, counts)), truth)
    return tally


def _pair_table(pairs: Sequence[tuple[int, int]], counts: Sequence[int]) -> PairTable:
    return {pair: count for pair, count in zip(pairs, counts, strict=True) if count}


def _shares_of(chances: Sequence[float]) -> Shares:
    return np.array(chances) / sum(chances)


def _value(reading: Estimate | None) -> float:
    if reading is None:
        raise ValueError("a population always has something to pair")
    return reading.value


def _coverage_sheet(tallies: _Tallies, *, samples: int, seed: int) -> Sheet:
    names = [*COEFFICIENTS, "Cohen"]
    rows = [
        [f"{prevalence} {agreement} {items}", *(_cell(cells[name]) for name in names)]
        for (prevalence, agreement, items), cells in tallies.items()
    ]
    every = [[tally for cells in tallies.values() for tally in cells[name]] for name in names]
    rows.append(["share of cells in 93-97", *(f"{np.mean([_fits(each) for each in column]):.0%}" for column in every)])
    return Sheet(
        "Coverage of 95 % intervals, %: mean (least) over numbers of values, annotators, missing labels",
        ["commonest value, agreement, items", *names],
        rows,
        [
            f"seed {seed}; {samples} samples per cell: right to ±{196 * (0.0475 / samples) ** 0.5:.1f}",
            f"truth: a simulated population of {POPULATION:,} items; undefined readings are left out",
        ],
    )


def _cell(tallies: Sequence[Tally]) -> str:
    shares = [100 * tally.coverage() for tally in tallies]
    return f"{np.mean(shares):.1f} ({min(shares):.1f})"


def _fits(tally: Tally) -> bool:
    return 0.93 <= tally.coverage() <= 0.97


def _drawn_sheet(*, samples: int, rng: np.random.Generator) -> Sheet:
    """Return the coverage for spans and boxes that were drawn with a slip of the hand."""
    spans = [stretches_of(_by_annotators(_spans, rng), length=60) for _ in range(POOL)]
    boxes = [box_counts_of(_by_annotators(_boxes, rng)) for _ in range(POOL)]
    held = {
        "spans: alpha": [_pool_coverage(spans, unitizing_alpha, n, samples=samples, rng=rng) for n in ITEMS],
        "spans: covering alpha": [_pool_coverage(spans, covering_alpha, n, samples=samples, rng=rng) for n in ITEMS],
        "boxes: F1": [_pool_coverage(boxes, _f1, n, samples=samples, rng=rng) for n in ITEMS],
        "boxes: overlap": [_pool_coverage(boxes, _overlap, n, samples=samples, rng=rng) for n in ITEMS],
    }
    rows = [[name, *(f"{100 * share:.1f}" for share in shares)] for name, shares in held.items()]
    note = f"three annotators; the population is {POOL:,} items, drawn from with replacement"
    return Sheet("Coverage for spans and boxes, %", ["", *(f"{items} items" for items in ITEMS)], rows, [note])


def _by_annotators(
    draw: Callable[[Shares, np.random.Generator], list[Mark]], rng: np.random.Generator
) -> list[list[Mark]]:
    truth = rng.integers(0, 50, size=(rng.integers(0, 4), 2)).astype(float)
    return [draw(truth[rng.random(len(truth)) < 0.85], rng) for _ in range(3)]


def _spans(truth: Shares, rng: np.random.Generator) -> list[Span]:
    slips = rng.integers(-1, 2, size=len(truth)).tolist()
    places = zip(truth[:, 0].astype(int).tolist(), slips, rng.choice(["person", "place"], len(truth)), strict=True)
    return [Span(start=start, end=start + 6 + slip, label=str(label)) for start, slip, label in places]


def _boxes(truth: Shares, rng: np.random.Generator) -> list[Box]:
    places = (truth + rng.normal(0, 1.5, size=truth.shape)).tolist()
    return [Box(x=x, y=y, width=10.0, height=10.0, label="car") for x, y in places]


def _f1(table: BoxTable) -> Estimate | None:
    found = box_agreement(table)
    return None if found is None else found.f1


def _overlap(table: BoxTable) -> Estimate | None:
    found = box_agreement(table)
    return None if found is None else found.overlap


def _pool_coverage(
    pool: Sequence[Said],
    reading: Callable[[Mapping[Said, int]], Estimate | None],
    items: int,
    *,
    samples: int,
    rng: np.random.Generator,
) -> float:
    truth, tally = _value(reading(Counter(pool))), Tally()
    for chosen in rng.integers(0, len(pool), size=(samples, items)).tolist():
        tally.add(reading(Counter(pool[number] for number in chosen)), truth)
    return tally.coverage()


def _speed_sheet(rng: np.random.Generator) -> Sheet:
    table: dict[Pattern, int] = {}
    while len(table) < 500:
        table[pattern_of(rng.integers(1, 11, 5).tolist())] = int(rng.integers(1, 4_000))
    rows = [[name, f"{_milliseconds(reading, table):.2f}"] for name, reading in COEFFICIENTS.items()]
    title = f"One reading: 500 patterns, 10 values, {sum(table.values()):,} items"
    return Sheet(title, ["coefficient", "ms (median of 50)"], rows)


def _milliseconds(reading: Callable[[PatternTable], Estimate | None], table: PatternTable) -> float:
    times = []
    for _ in range(50):
        start = time.perf_counter()
        reading(table)
        times.append(time.perf_counter() - start)
    return 1_000 * float(np.median(times))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
