"""Build a training set: one row per item, split by item, reproducible for the same seed and archive."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from hashlib import blake2b
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

import orjson

from assay_schemas.annotation import ItemId
from assay_schemas.errors import AssayUserError
from assay_schemas.json_data import Json

Splits: TypeAlias = tuple[tuple[str, float], ...]
"""The names of the splits and their shares, which sum to 1."""

UNSPLIT: Splits = (("all", 1.0),)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOLERANCE = 1e-6


class ExportImpossible(AssayUserError):
    """An export that is not possible; the message has the reason."""


class DatasetRow(NamedTuple):
    """One row of a training set. `corrections` counts the item's corrected annotations."""

    item: ItemId
    text: str | None
    label: Any
    probability: float | None
    status: str
    votes: int
    corrections: int
    gold: Any
    attributes: Mapping[str, str]
    media: Any
    features: Any
    split: str


def label_of(text: str | None, kind: str | None) -> Json:
    """Return a label as it was given, from its text in the archive."""
    return text if text is None or kind == "text" else orjson.loads(text)


def read_splits(text: str) -> Splits:
    """Parse `train/val/test=0.8/0.1/0.1`. Raise ExportImpossible."""
    names, _, shares = text.partition("=")
    try:
        found = tuple(zip(names.split("/"), map(float, shares.split("/")), strict=True))
    except ValueError:
        raise ExportImpossible(f"'{text}' is not a split; write it like train/val/test=0.8/0.1/0.1") from None
    if len(dict(found)) < len(found) or not all(_NAME.fullmatch(name) for name, _ in found):
        raise ExportImpossible(f"the names of the splits in '{text}' must be different, of letters, digits, - and _")
    if any(not 0 < share <= 1 for _, share in found) or abs(sum(share for _, share in found) - 1) > _TOLERANCE:
        raise ExportImpossible(f"the shares in '{text}' must be above 0 and add up to 1")
    return found


def split_all(
    examples: Iterable[DatasetRow], splits: Splits, *, stratify: Sequence[str], seed: int
) -> list[DatasetRow]:
    """Return the examples, in order of their items, each with its split.

    Without strata, an item's split depends only on its name and the seed, and does not change when items are added.
    With strata (of the label or of attributes), each stratum is divided as exactly as its size allows.
    """
    ordered = sorted(examples, key=lambda one: one.item)
    _check_strata(ordered, stratify)
    if not stratify:
        return [one._replace(split=_at(splits, _split_hash(seed, one.item))) for one in ordered]
    strata: defaultdict[bytes, list[DatasetRow]] = defaultdict(list)
    for one in ordered:
        strata[_stratum(one, stratify)].append(one)
    placed: dict[ItemId, str] = {}
    for name, some in strata.items():
        start = _split_hash(seed, name)
        some.sort(key=lambda one: _split_hash(seed, one.item))
        placed |= {one.item: _at(splits, (rank + start) / len(some)) for rank, one in enumerate(some)}
    return [one._replace(split=placed[one.item]) for one in ordered]


def _check_strata(examples: Sequence[DatasetRow], names: Sequence[str]) -> None:
    """Refuse strata that no example has: nothing would be stratified by them."""
    attributes = {name for one in examples for name in one.attributes}
    for name in names if examples else ():
        if name in {"label", "status"} or name in attributes:
            continue
        known = ["label", "status", *sorted(attributes)]
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
        raise ExportImpossible(f"--stratify: no item has an attribute '{name}'; {hint}")


def label_mix(examples: Iterable[DatasetRow]) -> dict[str, dict[str, int]]:
    """Return the number of each label per split; labels that are not text are counted by their JSON."""
    mix: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in examples:
        mix[one.split][one.label if isinstance(one.label, str) else orjson.dumps(one.label).decode()] += 1
    return {split: dict(sorted(counts.items())) for split, counts in sorted(mix.items())}


def _stratum(example: DatasetRow, names: Sequence[str]) -> bytes:
    ways: Mapping[str, Callable[[DatasetRow], Any]] = {"label": lambda one: one.label, "status": lambda one: one.status}
    values = [ways[name](example) if name in ways else example.attributes.get(name) for name in names]
    return orjson.dumps(values)


def _split_hash(seed: int, name: str | bytes) -> float:
    """Return a number in [0, 1) that depends only on the seed and the name."""
    raw = name.encode(errors="surrogatepass") if isinstance(name, str) else name
    digest = blake2b(b"%d\0%b" % (seed, raw), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def _at(splits: Splits, place: float) -> str:
    bounds = accumulate(share for _, share in splits)
    return next((name for (name, _), bound in zip(splits, bounds, strict=True) if place < bound), splits[-1][0])
