import pytest

from assay_schemas.annotation import AnnotatorId
from assay_services.consensus.core.item_cache import ITEM_PREFIX, ItemCache
from assay_services.consensus.core.item_state import ConsensusItem, Vote
from assay_services.engine.core.core_api import Entry
from assay_services.engine.core.state import PartitionState


def an_item(name: str) -> ConsensusItem:
    return ConsensusItem("p", name, votes={AnnotatorId("w1"): Vote(1, "a1", "safe", copied=False)})


def put(one: ItemCache, state: PartitionState, item: ConsensusItem) -> None:
    key = f"p:{item.item}".encode()
    state.apply({ITEM_PREFIX + key: Entry(0, one.put(key, item))})


def test_an_item_comes_back_as_it_was_put_whether_it_is_at_hand_or_not() -> None:
    state = PartitionState()
    one = ItemCache(state, survives=True, most_parsed=2)
    items = {name: an_item(name) for name in "abc"}

    for name in "abac":  # b was put longest ago
        put(one, state, items[name])

    assert [one.load(f"p:{name}".encode()) is items[name] for name in "abc"] == [True, False, True]
    assert one.load(b"p:b") == items["b"]
    assert ItemCache(state, survives=True).load(b"p:a") == items["a"]


def test_where_nothing_survives_items_stay_at_hand_and_are_not_written() -> None:
    state = PartitionState()
    one = ItemCache(state, survives=False, most_parsed=1)
    items = {name: an_item(name) for name in "abc"}

    for item in items.values():
        put(one, state, item)

    assert all(one.load(f"p:{name}".encode()) is item for name, item in items.items())
    assert {value for _, value in state.values()} == {b""}


def test_what_is_not_known_is_not_taken() -> None:
    one = ItemCache(PartitionState(), survives=False)
    one.put(b"p:a", an_item("a"))
    one.drop(b"p:a")

    assert one.get(b"p:a") is None
    with pytest.raises(KeyError):
        one.load(b"p:a")
