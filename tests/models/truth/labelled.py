"""Truth models of all kinds, and items that a crowd has labelled, from a seed."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from assay_models.truth.factory import make_truth
from assay_models.truth.truth_model import POOL, GivenLabel, ItemFacts, ItemJudgement, TruthModel
from assay_schemas.annotation import AnnotatorId
from assay_schemas.json_data import Json
from tests.support.builders import a_contract

MANY = [f"l{number}" for number in range(12)]
LABELS: dict[str, dict[str, Any]] = {
    "categorical": {},
    "multilabel": {"values": MANY, "max_count": None},
    "ordinal": {"low": 0, "high": 100, "step": None},
    "pairwise": {},
    "spans": {"overlap": True},
    "boxes": {},
}
KINDS = tuple(LABELS)
LAZY, NEW = AnnotatorId("lazy"), AnnotatorId("new")


def a_truth(kind: str, /, **label: Json) -> TruthModel:
    return make_truth(a_contract(kind, label=LABELS[kind] | label))


def facts(known: Any = None, /, **labels: Any) -> ItemFacts:  # noqa: ANN401  # a label of any kind
    return ItemFacts({AnnotatorId(who): GivenLabel(label) for who, label in labels.items()}, known)


def a_span(start: int, end: int, label: str = "person") -> Json:
    return {"start": start, "end": end, "label": label}


def a_box(x: float, y: float = 0.0, width: float = 10.0, label: str = "car") -> Json:
    return {"x": x, "y": y, "width": width, "height": 10.0, "label": label}


def _span_near(rng: random.Random, mark: Json, miss: float) -> Json:
    start, name = mark["start"], mark["label"] if rng.random() > miss / 2 else "place"
    return a_span(start + rng.randrange(2), start + 20 + rng.randrange(3), name)


def _box_near(rng: random.Random, mark: Json, miss: float) -> Json:
    return a_box(mark["x"] + rng.random(), rng.random(), label=mark["label"] if rng.random() > miss / 2 else "bike")


RIGHT: dict[str, Callable[[int], Any]] = {
    "categorical": lambda n: ("safe", "adult", "scam")[n % 3],
    "multilabel": lambda n: sorted({MANY[n % 12], MANY[n * 5 % 12]}) if n % 4 else [],
    "ordinal": lambda n: float(n * 37 % 80 + 10),
    "pairwise": lambda n: ("left", "right", "tie")[n % 3],
    "spans": lambda n: [a_span(n, n + 20), a_span(n + 100, n + 120, "place")][: n % 3],
    "boxes": lambda n: [a_box(float(n)), a_box(n + 100.0, label="bike")][: n % 3],
}
SAID: dict[str, Callable[[random.Random, int, float], Any]] = {
    "categorical": lambda rng, _, miss: rng.choice(("safe", "adult", "scam")) if rng.random() < miss else None,
    "multilabel": lambda rng, n, miss: sorted(
        {label for label in RIGHT["multilabel"](n) if rng.random() > miss}
        | ({rng.choice(MANY)} if rng.random() < miss else set())
    ),
    "ordinal": lambda rng, n, miss: min(max(rng.gauss(RIGHT["ordinal"](n), 20 * miss + 2), 0.0), 100.0),
    "pairwise": lambda rng, _, miss: rng.choice(("left", "right")) if rng.random() < miss else None,
    "spans": lambda rng, n, miss: [
        _span_near(rng, mark, miss) for mark in RIGHT["spans"](n) if rng.random() > miss
    ] + ([_span_near(rng, a_span(500, 520), miss)] if rng.random() < miss else []),
    "boxes": lambda rng, n, miss: [
        _box_near(rng, mark, miss) for mark in RIGHT["boxes"](n) if rng.random() > miss
    ] + ([_box_near(rng, a_box(500.0), miss)] if rng.random() < miss else []),
}  # fmt: skip
"""What somebody says of an item who is mistaken as often as that; None stands for what is right."""


def a_crowd(kind: str, *, items: int = 40, voters: int = 4, seed: int = 3) -> dict[int, ItemFacts]:
    """Return items of which each is labelled by some of six annotators, mistaken from 5 % to 30 % of the time."""
    rng = random.Random(seed)
    found = {}
    for number in range(items):
        labels = {}
        for who in rng.sample(range(6), voters):
            said = SAID[kind](rng, number, 0.05 + 0.05 * who)
            labels[f"w{who}"] = RIGHT[kind](number) if said is None else said
        found[number] = facts(**labels)
    return found


PEOPLE = (*(f"w{who}" for who in range(6)), "spammer", POOL)


def plain(data: Json) -> Json:
    """Return what is left of data that were written as JSON and read again."""
    return orjson.loads(orjson.dumps(data))


def settled(truth: TruthModel, items: Mapping[Any, ItemFacts]) -> dict[Any, ItemJudgement]:
    for item, known in items.items():
        truth.put(item, known)
    return dict(truth.settle())


def brought_to_rest(truth: TruthModel, items: Mapping[Any, ItemFacts], *, rounds: int = 40) -> dict[Any, ItemJudgement]:
    """Sweep until nothing stirs, with a look back half way; return what is said of these items then."""
    for _ in range(2):
        truth.relearn()
        for _ in range(rounds):
            truth.sweep(10_000)
            if truth.unrest < 1e-4:
                break
    return settled(truth, items)


def told_of(truths: Iterable[TruthModel], who: str) -> list[Any]:
    return [plain(truth.learned(who)) for truth in truths]


def exchanged(truths: Sequence[TruthModel]) -> None:
    """Let every partition hear what all others have learned."""
    told = {who: told_of(truths, who) for who in PEOPLE}
    for place, truth in enumerate(truths):
        for who, learned in told.items():
            truth.set_remote_counts(who, [one for number, one in enumerate(learned) if number != place])
