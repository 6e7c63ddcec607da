"""What those who watch the annotators' conduct are told: each annotation beside what the others say of its item."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson

from assay_schemas.annotation import EPOCH, Label
from assay_schemas.contract.label_contract import LabelContract
from assay_services.consensus.core.events import event
from assay_services.consensus.core.item_state import OpenItem, Vote
from assay_services.engine.core.cloudevents import iso
from assay_services.engine.core.core_api import Output

_FEWEST_OTHERS = 2

Without = Mapping[str, tuple[Label, float]]
"""By annotator: the likeliest label without their vote, and how probable it is."""


def to_be_told(item: OpenItem, contract: LabelContract) -> bool:
    """Tell whether an item has its annotations, or its right label, and some that nobody was told of."""
    known = item.word is not None or item.gold is not None
    complete = known or len(item.votes) >= contract.redundancy
    return complete and not all(vote.judged for vote in item.votes.values())


def told(key: bytes, item: OpenItem, without: Without, now: int) -> Output:
    """Return an item's annotations as they are told, and note on the item that they were."""
    value = {
        "project": item.project,
        "item": item.item,
        "text_length": item.length,
        "gold": item.gold if item.word is None else item.word.label,
        "model_label": max(item.view, key=lambda label: item.view[label], default=None),
        "attributes": item.attributes,
        "annotations": [_vote(who, vote, item, without) for who, vote in sorted(item.votes.items())],
        "as_of": iso(now),
    }
    item.votes = {who: vote if vote.judged else vote._replace(judged=True) for who, vote in item.votes.items()}
    return event("items.judged", key, value, kind="judged")


def _vote(who: str, vote: Vote, item: OpenItem, without: Without) -> Mapping[str, Any]:
    label, probability = _said_without(who, item, without) if len(item.votes) > _FEWEST_OTHERS else (None, None)
    return {
        "annotator": who,
        "annotation": vote.annotation,
        "label": vote.label,
        "occurred_at": EPOCH + timedelta(microseconds=vote.occurred),
        "lead_time_seconds": vote.lead,
        "prelabel": vote.prelabel,
        "consensus": label,
        "consensus_probability": probability,
        "fresh": not vote.judged,
    }


def _said_without(who: str, item: OpenItem, without: Without) -> tuple[Label, float]:
    found = without.get(who)
    return found or plurality([vote.label for annotator, vote in item.votes.items() if annotator != who])


def plurality(labels: Sequence[Label]) -> tuple[Label, float]:
    """Return the label that is said most, of several the first by its text, and by which share (0-1)."""
    texts = [orjson.dumps(label, option=orjson.OPT_SORT_KEYS) for label in labels]
    counts = Counter(texts)
    best = min(counts, key=lambda text: (-counts[text], text))
    return labels[texts.index(best)], round(counts[best] / len(labels), 6)
