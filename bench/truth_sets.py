"""Crowd-labelled sets as numbers: read from a folder, or made up from a seed."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay_models.truth.categorical.vote_arrays import FloatArray, IntegerArray, VoteArrays

MOST_CLASSES = 200


@dataclass(frozen=True, slots=True)
class CrowdSet:
    """Votes in order of arrival; `gold` is -1 where it is not known; `texts` per item, where there are any."""

    name: str
    item: IntegerArray
    annotator: IntegerArray
    label: IntegerArray
    gold: IntegerArray
    classes: int
    texts: tuple[str, ...] = field(default=(), repr=False)

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.gold)

    @property
    def annotators(self) -> int:
        """How many annotators there are."""
        return int(self.annotator.max(initial=-1)) + 1

    @property
    def has_gold(self) -> bool:
        """Whether any item's gold is known."""
        return bool((self.gold >= 0).any())

    def ballots(self) -> VoteArrays:
        """Return the votes item by item."""
        order = np.argsort(self.item, kind="stable")
        columns = (self.item[order], self.annotator[order], self.label[order])
        return VoteArrays(self.items, *columns, np.full(len(order), 1_000))


def sets_in(folder: Path, names: tuple[str, ...]) -> Iterator[CrowdSet | str]:
    """Yield the categorical sets of the folder (those named, or all), or a sentence on why one is left out."""
    for name in names or tuple(sorted(path.parent.name for path in folder.glob("*/annotations.csv"))):
        path = folder / name / "annotations.csv"
        if not path.is_file():
            yield f"{name}: left out, there is no {name}/annotations.csv in {folder}"
            continue
        rows, gold = _rows(path), _rows(path.with_name("gold.csv"))
        labels = {row["label"] for row in rows} | {row["gold"] for row in gold}
        if len(labels) > MOST_CLASSES or any(_is_negative(label) for label in labels):
            yield f"{name}: left out, its labels are numbers on a scale"
        else:
            yield _crowd_set(name, rows, {row["item"]: row["gold"] for row in gold}, sorted(labels))


def _crowd_set(name: str, rows: list[dict[str, str]], gold: Mapping[str, str], labels: list[str]) -> CrowdSet:
    newest = {(row["item"], row["annotator"]): row for row in rows}
    items = {item: number for number, item in enumerate(dict.fromkeys(item for item, _ in newest))}
    annotators = {who: number for number, who in enumerate(dict.fromkeys(who for _, who in newest))}
    texts = {row["item"]: row.get("text", "") for row in rows}
    return CrowdSet(
        name,
        np.array([items[item] for item, _ in newest]),
        np.array([annotators[who] for _, who in newest]),
        np.array([labels.index(row["label"]) for row in newest.values()]),
        np.array([labels.index(gold[item]) if item in gold else -1 for item in items]),
        max(len(labels), 2),
        tuple(texts[item] for item in items) if any(texts.values()) else (),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _is_negative(label: str) -> bool:
    return label.startswith("-") and label[1:].replace(".", "", 1).isdigit()


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make up a crowd. Shares are 0-1.

    `spammers` answer without looking, `liars` mean the opposite (or anything else), `biased` ones favour a label.
    `confusion`: how far errors fall as one pattern shared by all; `difficulty` of items; `lured`: the share of errors
    on difficult items that all fall on the same wrong label; `imbalance` of classes; `sparse`: one to three votes per
    annotator, else activity falls as a power law.
    """

    classes: int = 4
    items: int = 600
    per_item: int = 5
    annotators: int = 50
    accuracy: tuple[float, float] = (0.5, 0.9)
    spammers: float = 0.0
    liars: float = 0.0
    biased: float = 0.0
    confusion: float = 0.5
    difficulty: float = 0.0
    lured: float = 0.7
    imbalance: float = 0.0
    sparse: bool = False


RECIPES: Mapping[str, Recipe] = {
    "two classes, 2 votes": Recipe(2, per_item=2, annotators=30, accuracy=(0.6, 0.95)),
    "two classes, 3 votes": Recipe(2, per_item=3, annotators=30, accuracy=(0.6, 0.95)),
    "hard, spammers": Recipe(2, per_item=3, annotators=60, accuracy=(0.5, 0.85), spammers=0.2, difficulty=0.5),
    "two classes, sparse": Recipe(2, per_item=5, accuracy=(0.6, 0.9), sparse=True),
    "liars and spammers": Recipe(2, 400, 10, 60, accuracy=(0.6, 0.9), spammers=0.15, liars=0.15),
    "biased, 20 votes": Recipe(2, 150, 20, 40, accuracy=(0.5, 0.85), biased=0.3, difficulty=0.5, lured=0.8),
    "two classes, one rare": Recipe(2, 800, 4, accuracy=(0.6, 0.95), imbalance=3.0),
    "one rare, 2 votes": Recipe(2, 1_500, 2, 60, accuracy=(0.6, 0.95), imbalance=4.0),
    "one rare, noisy": Recipe(2, 800, 3, accuracy=(0.55, 0.85), imbalance=3.0, spammers=0.1),
    "four, one or two rare": Recipe(4, 800, 3, accuracy=(0.5, 0.95), imbalance=3.0),
    "half spammers": Recipe(4, 600, 6, 60, spammers=0.5),
    "four, difficult": Recipe(4, 500, 10, 100, accuracy=(0.4, 0.9), confusion=0.8, difficulty=0.6, lured=0.8),
    "four, sparse": Recipe(4, per_item=4, accuracy=(0.4, 0.9), spammers=0.1, sparse=True),
    "five, biased": Recipe(5, annotators=60, accuracy=(0.4, 0.9), biased=0.2, imbalance=1.5),
    "five, lured": Recipe(5, per_item=6, annotators=40, confusion=0.9, difficulty=0.8, lured=0.9),
    "eight, spammers": Recipe(8, annotators=80, accuracy=(0.4, 0.9), confusion=0.7, spammers=0.3),
    "ten": Recipe(10, 700, 4, 44, accuracy=(0.3, 0.9), confusion=0.8, spammers=0.1),
    "twenty": Recipe(20, 800, 5, 60, accuracy=(0.4, 0.9), confusion=0.8, spammers=0.1, difficulty=0.3),
    "equals": Recipe(3, per_item=5, annotators=30, accuracy=(0.7, 0.7), confusion=0.0),
    "eight experts": Recipe(3, per_item=3, annotators=8, accuracy=(0.6, 0.95), confusion=0.6),
    "forty votes": Recipe(4, 100, 40, 60, accuracy=(0.3, 0.8), confusion=0.8, difficulty=0.6, lured=0.8),
}


def made_up(name: str, *, seed: int) -> CrowdSet:
    """Return a crowd of this recipe."""
    recipe = RECIPES[name]
    rng = np.random.default_rng([seed, *name.encode()])
    shares = rng.dirichlet(np.full(recipe.classes, 10.0 if not recipe.imbalance else 1 / recipe.imbalance)) + 0.01
    gold = rng.choice(recipe.classes, recipe.items, p=shares / shares.sum())
    item, annotator = _assigned(recipe, rng)
    errors = _errors(recipe, rng)
    rows = _rows_of_annotators(recipe, int(annotator.max()) + 1, errors, rng)
    label = _drawn(rows[annotator, gold[item]], rng)
    hardness = rng.beta(1, 3, recipe.items) * recipe.difficulty * 1.5
    lures = _drawn(errors[gold], rng)
    stray = np.where(rng.random(len(item)) < recipe.lured, lures[item], rng.integers(recipe.classes, size=len(item)))
    label = np.where(rng.random(len(item)) < hardness[item], stray, label)
    order = rng.permutation(len(item))
    return CrowdSet(name, item[order], annotator[order], label[order], gold, recipe.classes)


def _assigned(recipe: Recipe, rng: np.random.Generator) -> tuple[IntegerArray, IntegerArray]:
    annotators = recipe.items * recipe.per_item // 2 if recipe.sparse else recipe.annotators
    activity = np.ones(annotators) if recipe.sparse else np.arange(1.0, annotators + 1) ** -1.2
    item = np.repeat(np.arange(recipe.items), recipe.per_item)
    noise = rng.gumbel(size=(recipe.items, annotators)) + np.log(activity)
    chosen = np.argsort(-noise, axis=1)[:, : recipe.per_item].reshape(-1)
    return item, np.unique(chosen, return_inverse=True)[1]


def _errors(recipe: Recipe, rng: np.random.Generator) -> FloatArray:
    pattern = rng.dirichlet(np.full(recipe.classes, 0.5), recipe.classes) + 1e-9
    np.fill_diagonal(pattern, 0)
    even = (1 - np.eye(recipe.classes)) / (recipe.classes - 1)
    pattern /= pattern.sum(axis=1, keepdims=True)
    return np.asarray(recipe.confusion * pattern + (1 - recipe.confusion) * even)


def _rows_of_annotators(recipe: Recipe, annotators: int, errors: FloatArray, rng: np.random.Generator) -> FloatArray:
    others = (recipe.spammers, recipe.biased, recipe.liars)
    kinds = rng.choice(4, annotators, p=[1 - sum(others), *others])
    mean = rng.uniform(*recipe.accuracy, annotators)
    mean[kinds == 3] = 1 - mean[kinds == 3] if recipe.classes == 2 else 0.1
    right = np.clip(rng.beta(8 * mean[:, None], 8 * (1 - mean[:, None]), (annotators, recipe.classes)), 0.02, 0.99)
    rows = (1 - right)[:, :, None] * errors + right[:, :, None] * np.eye(recipe.classes)
    blind = rng.dirichlet(np.full(recipe.classes, 0.5), annotators)[:, None, :]
    favoured = np.eye(recipe.classes)[rng.integers(recipe.classes, size=annotators)][:, None, :]
    rows = np.where((kinds == 1)[:, None, None], blind, rows)
    return np.where((kinds == 2)[:, None, None], 0.6 * rows + 0.4 * favoured, rows)


def _drawn(rows: FloatArray, rng: np.random.Generator) -> NDArray[np.int64]:
    passed = rows.cumsum(axis=1) < rng.random((len(rows), 1)) * rows.sum(axis=1, keepdims=True)
    return np.asarray(np.minimum(passed.sum(axis=1), rows.shape[1] - 1), np.int64)
