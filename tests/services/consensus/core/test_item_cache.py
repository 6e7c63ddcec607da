import pytest

from assay_services.consensus.core import item_cache
from assay_services.consensus.core.item_cache import ITEM, Shelf
from assay_services.consensus.core.item_state import OpenItem, Vote
from assay_services.engine.core.core_api import Entry
from assay_services.engine.core.state import PartitionState


def an_item(name: str) -> OpenItem:
    return OpenItem("p", name, votes={"w1": Vote(1, "a1", "safe", copied=False)})


def put(one: Shelf, state: PartitionState, item: OpenItem) -> None:
    key = f"p:{item.item}".encode()
    state.apply({ITEM + key: Entry(0, one.put(key, item))})


def test_an_item_comes_back_as_it_was_put_whether_it_is_at_hand_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_cache, "_AT_HAND", 2)
    state = PartitionState()
    one = Shelf(state, survives=True)
    items = {name: an_item(name) for name in "abc"}

    for name in "abac":  # b was put longest ago
        put(one, state, items[name])

    assert [one.take(f"p:{name}".encode()) is items[name] for name in "abc"] == [True, False, True]
    assert one.take(b"p:b") == items["b"]
    assert Shelf(state, survives=True).take(b"p:a") == items["a"]


def test_where_nothing_survives_items_stay_at_hand_and_are_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_cache, "_AT_HAND", 1)
    state = PartitionState()
    one = Shelf(state, survives=False)
    items = {name: an_item(name) for name in "abc"}

    for item in items.values():
        put(one, state, item)

    assert all(one.take(f"p:{name}".encode()) is item for name, item in items.items())
    assert {value for _, value in state.values()} == {b""}


def test_what_is_not_known_is_not_taken() -> None:
    one = Shelf(PartitionState(), survives=False)
    one.put(b"p:a", an_item("a"))
    one.drop(b"p:a")

    assert one.get(b"p:a") is None
    with pytest.raises(KeyError):
        one.take(b"p:a")
