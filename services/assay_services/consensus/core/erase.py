"""Erase an item or an annotator from the consensus: votes, counts, and what was published of them."""

from collections.abc import Iterator
from typing import Any

import orjson

from assay_schemas.annotation import AnnotatorId
from assay_schemas.record_key import record_key
from assay_schemas.topics import CONSENSUS, COUNTS, RELIABILITY, REVIEW
from assay_services.consensus.core.closed_counts import CLOSED_COUNTS_PREFIX, closed_counts_key
from assay_services.consensus.core.item_state import ConsensusItem, load_item
from assay_services.engine.core.core_api import Output
from assay_services.engine.core.erasure_request import Erasure, ErasureRequest, Published, rewritten
from assay_services.engine.core.state import PartitionState

_ITEM = b"i:"
_ABOUT_ITEMS = (CONSENSUS.name, REVIEW.name)
_ABOUT_ANNOTATORS = (RELIABILITY.name, COUNTS.name)


def forget(state: PartitionState, published: Published, whom: ErasureRequest) -> Erasure:
    """Return the changes to the state and the tombstones to publish.

    The consensus of an item that keeps other annotations is recomputed and republished. The counts of closed items are
    sums over items, from which one item cannot be removed: an item's share in them stays.
    """
    if whom.is_item:
        key = _ITEM + whom.key
        return Erasure({key: None} if state.get(key) is not None else {}, list(_withdrawn(published, whom.key)))
    changed: dict[bytes, bytes | None] = {}
    outputs: list[Output] = []
    for key, value in state.values():
        if key.startswith(CLOSED_COUNTS_PREFIX):
            changed |= _kept(state, key, value, whom)
        elif key.startswith(_ITEM):
            _item(state, key, load_item(value), whom, changed, outputs, published)
    outputs += _annotator(published, whom)
    return Erasure(changed, outputs)


def _kept(state: PartitionState, key: bytes, value: bytes, whom: ErasureRequest) -> dict[bytes, bytes | None]:
    project, annotator, *rest = orjson.loads(value)
    if not whom.is_annotator(project, annotator):
        return {}
    if whom.pseudonym is None:
        return {key: None}
    renamed = orjson.dumps([project, whom.pseudonym, *rest])
    return {key: None, closed_counts_key(project, whom.pseudonym): rewritten(state, key, renamed)}


def _item(
    state: PartitionState, key: bytes, item: ConsensusItem, whom: ErasureRequest,
    changed: dict[bytes, bytes | None], outputs: list[Output], published: Published,
) -> None:  # fmt: skip
    if whom.project not in {None, item.project}:
        return
    if whom.pseudonym is not None:
        renamed = [
            _rename(one, whom.annotator, whom.pseudonym)
            for one in (item.votes, item.withdrawn_us, item.corrections_in_force, item.decisions)
        ]
        if any(renamed):
            changed[key] = rewritten(state, key, item.dump())
        return
    known = [
        one.pop(whom.annotator, None) is not None for one in (item.votes, item.withdrawn_us, item.corrections_in_force)
    ]
    unsigned = item.unsigned_decision
    settled = unsigned is not None and unsigned.annotation in whom.settled_by
    if item.decisions.pop(whom.annotator, None) is None and not any(known) and not settled:
        return
    item.unsigned_decision = None if settled else unsigned
    item.published = None  # the consensus is published again
    is_empty = not item.votes and item.adjudication is None
    changed[key] = None if is_empty else rewritten(state, key, item.dump())
    outputs += _withdrawn(published, key[len(_ITEM) :], topics=_ABOUT_ITEMS if is_empty else _ABOUT_ITEMS[1:])


def _rename(names: dict[AnnotatorId, Any], old: AnnotatorId, new: AnnotatorId) -> bool:
    if old not in names:
        return False
    names[new] = names.pop(old)
    return True


def _withdrawn(published: Published, key: bytes, *, topics: tuple[str, ...] = _ABOUT_ITEMS) -> Iterator[Output]:
    for topic in topics:
        if key in published[topic]:
            yield Output(topic, key, None, [])


def _annotator(published: Published, whom: ErasureRequest) -> Iterator[Output]:
    """Yield tombstones for what was published of an annotator; with a pseudonym, also the renamed records."""
    for topic in _ABOUT_ANNOTATORS:
        for key, value in published[topic].items():
            about = orjson.loads(value)
            if not whom.is_annotator(about["project"], about["annotator"]):
                continue
            yield Output(topic, key, None, [])
            if whom.pseudonym is not None:
                about["annotator"] = whom.pseudonym
                yield Output(topic, _key(topic, about), orjson.dumps(about), [])


def _key(topic: str, about: dict[str, Any]) -> bytes:
    if topic == COUNTS.name:
        return orjson.dumps([about["project"], about["annotator"], about["partition"]])
    return record_key(about["project"], about["annotator"])
