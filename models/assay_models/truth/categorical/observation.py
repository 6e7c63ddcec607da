"""Which open items to learn from, and what they say."""

import numpy as np

from assay_models.truth.categorical.em_state import Books
from assay_models.truth.categorical.hyperparameters import Weighing, weigh, weigh_gold
from assay_models.truth.categorical.item_arrays import UNPINNED
from assay_models.truth.categorical.posterior import Learned, temper
from assay_models.truth.categorical.vote_arrays import Integers

_MOST_ITEMS = 5_000
_MOST_NUMBERS = 80_000


def observe(books: Books, learned: Learned) -> Weighing:
    """Return, at the end, what up to 5,000 open items say as they are now, and as many gold items with votes.

    They are evenly spread over the items that have two votes or more, or one and a model's word.
    """
    live = books.items.live()
    lengths = books.items.lengths(live)
    pinned = books.items.gold[live] != UNPINNED
    views = books.items.views(live)
    telling = (lengths > 1) if views is None else (lengths + np.isfinite(views[:, 0]) > 1)
    judged = books.judge(_spread(books, live[telling & ~pinned]), learned)
    gold = _spread(books, live[pinned & (lengths > 0)])
    logits, labels = books.judge(gold, learned).logits, books.items.gold[gold].astype(np.int64)
    yield
    evidence = yield from weigh(judged, learned)
    posterior = temper(logits.prior, logits.votes, logits.sizes, logits.view, learned)
    return evidence.plus(weigh_gold(posterior, labels, learned))


def _spread(books: Books, places: Integers) -> Integers:
    numbers = int(books.items.lengths(places).sum()) * books.items.classes
    share = min(1.0, _MOST_NUMBERS / max(numbers, 1), _MOST_ITEMS / max(len(places), 1))
    chosen = max(int(len(places) * share), min(len(places), 1))
    return places[np.linspace(0, len(places) - 1, chosen).astype(np.int64)]
