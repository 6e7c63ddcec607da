"""The items of a partition: serialised in the state, and a cache of parsed ones."""

from assay_services.consensus.core.item_state import ConsensusItem, load_item
from assay_services.engine.core.state import PartitionState

ITEM_PREFIX = b"i:"
MOST_PARSED = 5_000
"""How many parsed items are cached: the annotations of one item arrive close together."""


class ItemCache:
    """A partition's items by key, without the prefix of the state key. It changes in place.

    A caller that changes an item must `put` it back. Only bytes survive a restart: without `survives`, all items stay
    parsed in memory and none is serialised.
    """

    def __init__(self, state: PartitionState, *, survives: bool, most_parsed: int = MOST_PARSED) -> None:
        """Read items from `state`; `survives`: whether a restart resumes from what is written."""
        self._state = state
        self._survives = survives
        self._most_parsed = most_parsed
        self._at_hand: dict[bytes, ConsensusItem] = {}
        self._moved: dict[bytes, ConsensusItem] = {}

    def get(self, key: bytes) -> ConsensusItem | None:
        """Return an item, or None if it is unknown."""
        item = self._at_hand.get(key) or self._moved.get(key)
        if item is not None:
            return item
        stored = self._state.get(ITEM_PREFIX + key)
        return None if stored is None else load_item(stored)

    def load(self, key: bytes) -> ConsensusItem:
        """Return a known item; raise KeyError if it is unknown."""
        item = self.get(key)
        if item is None:
            raise KeyError(key)
        return item

    def put(self, key: bytes, item: ConsensusItem) -> bytes:
        """Cache this item, and return the bytes to write."""
        self._moved.pop(key, None)
        if not self._survives:
            self._at_hand[key] = item
            return b""
        self._at_hand.pop(key, None)  # moves it to the end
        self._at_hand[key] = item
        if len(self._at_hand) > self._most_parsed:
            del self._at_hand[next(iter(self._at_hand))]
        return item.dump()

    def keep(self, key: bytes, item: ConsensusItem) -> None:
        """Keep a changed item at hand until the next `put`."""
        self._moved[key] = item

    def move(self, item: ConsensusItem) -> bytes:
        """Keep an item at hand under its own key until the next `put`, and return the bytes to write."""
        self.keep(item.key, item)
        return item.dump()

    def drop(self, key: bytes) -> None:
        """Remove an item."""
        self._at_hand.pop(key, None)
        self._moved.pop(key, None)
