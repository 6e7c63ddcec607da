"""Words and pairs of words as features: the sparse matrix that the ONNX graph reproduces."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

MAX_TERMS = 50_000
MAX_WEIGHTS = 4_000_000
"""Terms times classes: 32 MB of weights in the file."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The terms of a model: words, and pairs of adjacent words that are both in the vocabulary.

    The matrix has the columns of the words first, then those of the pairs.
    """

    words: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


def learn_vocabulary(texts: Sequence[str], *, classes: int, min_items: int = 2) -> Vocabulary:
    """Return the most frequent terms that occur in at least `min_items` of the normalised texts, sorted."""
    words: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for text in texts:
        tokens = text.split()
        words.update(set(tokens))
        pairs.update(set(pairwise(tokens)))
    most = min(MAX_TERMS, MAX_WEIGHTS // classes) // 2
    chosen = sorted((w for w, n in words.items() if n >= min_items), key=lambda w: (-words[w], w))[:most]
    known = set(chosen)
    both = (p for p, n in pairs.items() if n >= min_items and p[0] in known and p[1] in known)
    return Vocabulary(tuple(sorted(chosen)), tuple(sorted(sorted(both, key=lambda p: (-pairs[p], p))[:most])))


def count_terms(texts: Sequence[str], vocabulary: Vocabulary) -> csr_array:
    """Return the count of each term in each normalised text, (texts, words + pairs)."""
    words = {word: column for column, word in enumerate(vocabulary.words)}
    pairs = {pair: column for column, pair in enumerate(vocabulary.pairs, len(words))}
    columns: list[int] = []
    ends = [0]
    for text in texts:
        tokens = text.split()
        columns += [words[t] for t in tokens if t in words]
        columns += [pairs[p] for p in pairwise(tokens) if p in pairs]
        ends.append(len(columns))
    shape = (len(texts), len(words) + len(pairs))
    counts = csr_array(
        (np.ones(len(columns)), np.array(columns, dtype=np.int32), np.array(ends, dtype=np.int32)),
        shape=shape,
    )
    counts.sum_duplicates()
    return counts


def rarity_of(counts: csr_array, *, min_items: int = 2) -> NDArray[np.float64]:
    """Return each term's smoothed inverse document frequency: at least 1, or 0 below `min_items` texts."""
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.where(frequency >= min_items, 1 + np.log((1 + counts.shape[0]) / (1 + frequency)), 0.0)


def weigh_terms(counts: csr_array, rarity: NDArray[np.float64]) -> csr_array:
    """Return counts times rarity, with each row divided by its length.

    The length is the root of the summed squared rarity of all occurrences. This is the Euclidean length of TF-IDF as
    if no term were repeated: it is a sum over tokens and needs no counting in the graph.
    """
    squared = counts @ rarity**2
    length = np.sqrt(np.where(squared > 0, squared, 1.0))
    weighted = counts.copy()
    weighted.data = counts.data * rarity[counts.indices] / np.repeat(length, np.diff(counts.indptr))
    return weighted
